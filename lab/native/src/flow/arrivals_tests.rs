use super::*;

const ALL: Window = Window {
    from_us: 0,
    to_us: u64::MAX,
};

/// A flow with one packet every 1000 µs, sent from 1,000,000 on; each packet arrives 50 µs later.
fn on_time(seq: u64) -> Arrival {
    let sent_us = 1_000_000 + seq * 1000;
    Arrival {
        seq,
        sent_us,
        at_us: sent_us + 50,
    }
}

fn recorded(arrivals: impl IntoIterator<Item = Arrival>) -> Arrivals {
    let mut all = Arrivals::new(1_000_000);
    arrivals.into_iter().for_each(|arrival| all.record(arrival));
    all
}

#[test]
fn a_flow_without_faults_has_gaps_of_one_period_and_no_losses() {
    let report = recorded((0..1000).map(on_time)).report(ALL, 1_999_051);
    assert_eq!(
        (
            report.received,
            report.lost,
            report.duplicates,
            report.reordered
        ),
        (1000, 0, 0, 0)
    );
    assert_eq!((report.gap.us, report.gap.open), (1000, false));
    assert_eq!(
        report.delay_us,
        Delays {
            min: 50,
            p50: 50,
            p90: 50,
            p99: 50,
            max: 50
        }
    );
}

#[test]
fn an_outage_is_one_gap_with_its_start_and_one_range_of_losses() {
    let flow = recorded(
        (0..1000)
            .filter(|seq| !(400..=599).contains(seq))
            .map(on_time),
    );
    let window = Window {
        from_us: 1_400_000,
        to_us: 1_900_000,
    };
    let report = flow.report(window, 2_000_000);
    assert_eq!(
        report.gap,
        Gap {
            us: 201_000,
            start_us: 1_399_050,
            open: false
        }
    );
    assert_eq!(
        report.gap_before,
        Gap {
            us: 1000,
            start_us: 1_000_050,
            open: false
        }
    );
    assert_eq!(report.lost, 200);
    assert_eq!(
        report.lost_ranges,
        [LostRange {
            from_seq: 400,
            to_seq: 599,
            sent_us: 1_400_000
        }]
    );
    assert_eq!(
        report.received + report.lost,
        501,
        "all that was sent in the window, both ends included"
    );
}

#[test]
fn losses_are_counted_in_the_window_in_which_they_were_sent() {
    let flow = recorded(
        (0..1000)
            .filter(|seq| !(400..=599).contains(seq))
            .map(on_time),
    );
    let report = flow.report(
        Window {
            from_us: 1_500_000,
            to_us: 1_549_999,
        },
        2_000_000,
    );
    assert_eq!((report.received, report.lost), (0, 50));
    assert_eq!(
        report.lost_ranges[0],
        LostRange {
            from_seq: 500,
            to_seq: 549,
            sent_us: 1_500_000
        }
    );
    assert_eq!(
        report.gap.us, 201_000,
        "the gap spans the window and belongs to it whole"
    );
}

#[test]
fn silence_that_lasts_is_an_open_gap_until_the_sender_has_ended() {
    let mut flow = recorded((0..10).map(on_time));
    let last = on_time(9).at_us;
    assert_eq!(
        flow.report(ALL, last + 700_000).gap,
        Gap {
            us: 700_000,
            start_us: last,
            open: true
        }
    );
    let early = Window {
        from_us: 0,
        to_us: last + 300_000,
    };
    assert_eq!(
        flow.report(early, last + 700_000).gap.us,
        300_000,
        "open as far as the window reaches"
    );
    let before = Window {
        from_us: last + 800_000,
        to_us: u64::MAX,
    };
    assert_eq!(flow.report(before, last + 700_000).gap, Gap::default());

    flow.end(Ending {
        packets: 10,
        sent_us: last + 950,
    });
    assert_eq!(flow.report(ALL, last + 700_000).gap.us, 1000);
}

#[test]
fn losses_at_both_ends_are_counted_once_the_sender_has_ended() {
    let mut flow = recorded((3..8).map(on_time));
    assert_eq!(flow.report(ALL, 2_000_000).lost, 3);
    flow.end(Ending {
        packets: 12,
        sent_us: 1_012_000,
    });
    let report = flow.report(ALL, 2_000_000);
    assert_eq!((report.lost, report.ended), (7, true));
    let ranges: Vec<_> = report
        .lost_ranges
        .iter()
        .map(|range| (range.from_seq, range.to_seq))
        .collect();
    assert_eq!(ranges, [(0, 2), (8, 11)]);
    assert_eq!(report.lost_ranges[1].sent_us, 1_008_000);
}

#[test]
fn duplicates_and_reordered_packets_are_told_apart() {
    let late = |seq: u64, at_us: u64| Arrival {
        at_us,
        ..on_time(seq)
    };
    let order = [
        on_time(0),
        on_time(1),
        on_time(3),
        late(2, 1_003_060),
        late(2, 1_003_070),
        late(1, 1_003_080),
        on_time(4),
    ];
    let report = recorded(order).report(ALL, 1_004_050);
    assert_eq!(
        (
            report.received,
            report.lost,
            report.duplicates,
            report.reordered
        ),
        (5, 0, 2, 1)
    );
}

#[test]
fn delays_are_exact_percentiles() {
    let flow = recorded((0..100).map(|seq| Arrival {
        at_us: on_time(seq).sent_us + seq + 1,
        ..on_time(seq)
    }));
    let report = flow.report(ALL, 1_099_100);
    assert_eq!(
        report.delay_us,
        Delays {
            min: 1,
            p50: 50,
            p90: 90,
            p99: 99,
            max: 100
        }
    );
}

#[test]
fn memory_is_bounded_and_what_was_forgotten_is_reported() {
    let mut flow = Arrivals::new(10);
    (0..25).for_each(|seq| flow.record(on_time(seq)));
    let report = flow.report(ALL, 1_024_050);
    assert_eq!(
        (report.received, report.forgotten, report.lost),
        (10, 15, 0)
    );
    assert_eq!(report.first_us, Some(on_time(15).at_us));
}

#[test]
fn more_ranges_than_are_listed_are_still_counted() {
    let flow = recorded((0..2 * LOST_RANGES_MAX as u64 + 10).step_by(2).map(on_time));
    let report = flow.report(ALL, 9_000_000);
    assert_eq!(
        (report.lost_ranges.len(), report.lost_ranges_total),
        (LOST_RANGES_MAX, LOST_RANGES_MAX as u64 + 4)
    );
    assert_eq!(report.lost, report.lost_ranges_total);
}

#[test]
fn nothing_received_is_no_panic_and_no_gap() {
    let report = Arrivals::new(10).report(ALL, 5);
    assert_eq!(
        (report.received, report.gap, report.first_us),
        (0, Gap::default(), None)
    );
}
