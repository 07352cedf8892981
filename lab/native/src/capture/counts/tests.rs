use super::super::dissect::made;
use super::*;

fn sought() -> Sought {
    Sought {
        port: 4774,
        inner: vec!["10.80.0.0/16".parse().expect("prefix")],
    }
}

fn message(kind: u8, key_at: usize, key: u8, bytes: usize) -> Vec<u8> {
    let mut message = vec![0; bytes];
    message[0] = kind;
    message[key_at..key_at + KEY_BYTES].fill(key);
    made::v4(
        [192, 0, 2, 1],
        [192, 0, 2, 2],
        17,
        &made::udp(40_000, 4774, &message),
    )
}

fn counted(packets: &[Vec<u8>], is_uplink: bool) -> Shown {
    let mut counts = Counts::default();
    for packet in packets {
        counts.add(
            &Packet::read(packet).expect("packet"),
            true,
            is_uplink,
            &sought(),
        );
    }
    counts.shown()
}

#[test]
fn one_handshake_that_is_sent_three_times_is_one_handshake() {
    let init = |key| message(0x01, 8, key, 232);
    let shown = counted(&[init(1), init(1), init(1), init(2)], true);
    assert_eq!(
        shown.outer.init,
        Tally {
            distinct: 2,
            packets: 4
        }
    );
}

#[test]
fn every_kind_has_its_own_count() {
    let shown = counted(
        &[
            message(0x02, 12, 1, 152),
            message(0x03, 24, 1, 232),
            message(0x05, 12, 1, 156),
            message(0x10, 8, 1, 64),
            message(0x07, 8, 1, 64),
            message(0x01, 8, 1, 231),
        ],
        true,
    );
    let one = Tally {
        distinct: 1,
        packets: 1,
    };
    let none = Tally {
        distinct: 0,
        packets: 0,
    };
    let expected = Outer {
        init: none,
        resp: one,
        resume_init: one,
        resume_resp: one,
        data: 1,
        other: 2,
    };
    assert_eq!(shown.outer, expected);
}

#[test]
fn another_port_is_not_the_tunnel() {
    let packet = made::v4([1; 4], [2; 4], 17, &made::udp(1, 2, &[0x10; 64]));
    assert_eq!(counted(&[packet], true).outer.data, 0);
}

#[test]
fn connections_are_distinct_by_ends_and_initial_sequence() {
    let tcp =
        |port, sequence, flags| made::v4([1; 4], [2; 4], 6, &made::tcp(port, 80, sequence, flags));
    let shown = counted(
        &[
            tcp(1, 5, 2),
            tcp(1, 5, 2),
            tcp(1, 6, 2),
            tcp(2, 5, 2),
            tcp(1, 9, 0x12),
            tcp(1, 9, 4),
        ],
        false,
    );
    assert_eq!(
        shown.tcp,
        Tcp {
            syn: Tally {
                distinct: 3,
                packets: 4
            },
            rst: 1
        }
    );
}

#[test]
fn only_an_open_connection_can_be_reset() {
    const FIN: u8 = 0x11;
    const RST: u8 = 0x04;
    const SYN: u8 = 0x02;
    let there = |flags| made::v4([1; 4], [2; 4], 6, &made::tcp(1, 80, 5, flags));
    let back = |flags| made::v4([2; 4], [1; 4], 6, &made::tcp(80, 1, 9, flags));
    let resets = |packets: &[Vec<u8>]| counted(packets, false).tcp.rst;
    assert_eq!(resets(&[there(SYN), back(FIN), there(RST)]), 1);
    assert_eq!(
        resets(&[there(SYN), back(FIN), there(FIN), back(RST), there(RST)]),
        0
    );
    assert_eq!(
        resets(&[there(FIN), back(FIN), there(SYN), back(RST)]),
        1,
        "the same ends again"
    );
}

#[test]
fn inner_addresses_are_a_leak_on_uplinks_only() {
    let out = made::v4([10, 80, 0, 2], [10, 99, 0, 1], 1, &[]);
    let back = made::v4([10, 99, 0, 1], [10, 80, 0, 2], 1, &[]);
    let outer = made::v4([192, 0, 2, 1], [192, 0, 2, 2], 1, &[]);
    let packets = [out, back, outer];
    let shown = counted(&packets, true);
    assert_eq!(
        (shown.clear, shown.clear_first.as_deref()),
        (2, Some("10.80.0.2 → 10.99.0.1"))
    );
    assert_eq!(counted(&packets, false).clear, 0);
}
