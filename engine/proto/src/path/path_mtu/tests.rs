use super::*;

const PTO_US: u64 = 100_000;
const HOLE: u16 = 1_420;

/// Simulates the path: answers every probe up to the size `HOLE`, until nothing is left to do before `until`.
fn play(mtu: &mut PathMtu, until: u64) -> Vec<Finding> {
    let mut found = Vec::new();
    while let Some(now) = mtu.next_at(true).filter(|at| *at < until) {
        let Some(finding) = mtu.poll(now, PTO_US, true) else { continue };
        found.push(finding);
        if finding == Finding::Flight {
            let passes = |size: &Option<u16>| size.is_none_or(|size| size <= HOLE);
            let sent: Vec<u32> = (1..)
                .zip(mtu.flight())
                .filter_map(|(n, (size, seq))| {
                    *seq = n;
                    passes(&size).then_some(n)
                })
                .collect();
            assert!(sent.into_iter().all(|seq| mtu.answered(seq, now)));
        }
    }
    found
}

#[test]
fn a_search_may_wait_when_it_begins_and_not_between_its_flights() {
    let mut mtu = PathMtu::new(false, 1_380);
    assert!(mtu.may_wait(0));
    mtu.wait(1_500_000);
    assert!(!mtu.may_wait(1_499_999) && mtu.poll(1_499_999, PTO_US, true).is_none());
    assert!(mtu.may_wait(1_500_000));
    assert_eq!(mtu.poll(1_500_000, PTO_US, true), Some(Finding::Flight));
    assert!(!mtu.may_wait(2_000_000));
    assert!(mtu.search_bytes() > 10_000);
}

#[test]
fn a_path_whose_raise_waits_keeps_what_is_known_and_is_verified() {
    let mut mtu = PathMtu::new(false, 1_380);
    assert_eq!(play(&mut mtu, 60_000_000).last(), Some(&Finding::Settled));
    let raise_at = mtu.next_at(false).expect("it may have become better");
    assert!(raise_at >= RAISE_US && mtu.may_wait(raise_at));
    mtu.wait(raise_at + 1_000_000);
    assert!(!mtu.may_wait(raise_at) && mtu.settled());
    assert_eq!(mtu.size(), HOLE);
    mtu.large_sent();
    assert_eq!(mtu.poll(raise_at, PTO_US, true), Some(Finding::Flight));
    assert_eq!(mtu.search_bytes(), 0, "a verification");
}

#[test]
fn below_the_base_no_search_waits() {
    let mut mtu = PathMtu::new(false, 1_380);
    mtu.too_big(usize::from(BASE - headers(false)));
    assert!(!mtu.may_wait(0));
    assert_eq!(mtu.poll(0, PTO_US, true), Some(Finding::Flight));
}
