//! Packets that are too long: they are cut, prevented by a lower MSS, or answered with an ICMP message.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::oracle::*;
use crate::checksum;
use crate::offload::{Segments, TOO_BIG_MAX, VIRTIO_LEN, clamp_mss, destination, source, split, too_big, whole};

const SYN: u8 = 0x02;

/// The packets after `fit`, or `None` if it refused; then nothing may have changed. Without `elide` no checksum stays
/// partial.
fn fitted(mut segments: Segments<'_>, max: usize, elide: bool) -> Option<Vec<Packet>> {
    let fits = segments.fit(max);
    if !elide {
        segments.complete_checksums().expect("valid");
    }
    let mut packets = vec![];
    while let Some(segment) = segments.next() {
        packets.push(Packet { bytes: [segment.head, segment.body].concat(), partial: segment.csum_partial });
    }
    fits.then_some(packets)
}

fn cut_at(case: &Flow, room: usize, sum: Sum) -> Vec<Packet> {
    let count = case.payload.len().div_ceil(room);
    let pieces = case.payload.chunks(room).enumerate();
    let packet = |(index, piece): (usize, &[u8])| case.packet(index, index * room, piece, index + 1 == count, sum);
    pieces.map(packet).map(|bytes| Packet { bytes, partial: sum == Sum::Partial }).collect()
}

proptest! {
    #[test]
    fn tcp_that_is_too_long_is_cut_as_a_stack_with_a_smaller_segment_size_would_have(
        case in flow(), size in 1usize..1500, max in 500usize..1500, elide: bool,
    ) {
        let is_superframe = case.payload.len() > size;
        prop_assume!(case.protocol == TCP);
        let superframe = case.superframe(size);
        let room = if is_superframe { size.min(max - case.head_len()) } else { max - case.head_len() };
        let seen = fitted(split(&superframe).expect("valid"), max, elide).expect("TCP can be cut");
        let sum = if elide { Sum::Partial } else { Sum::Full };
        prop_assert_eq!(seen, cut_at(&case, room, sum));
    }

    #[test]
    fn a_whole_packet_with_a_full_checksum_is_cut_if_that_is_right(case in flow(), max in 500usize..1500, damage: bool) {
        prop_assume!(case.protocol == TCP && case.flags & FIN == 0);
        let mut packet = case.packet(0, 0, &case.payload, true, Sum::Full);
        prop_assume!(packet.len() > max);
        if damage {
            *packet.last_mut().expect("a packet") ^= 1;
        }
        let seen = fitted(whole(&packet, false).expect("valid"), max, true);
        prop_assert_eq!(seen, (!damage).then(|| cut_at(&case, max - case.head_len(), Sum::Full)));
    }

    #[test]
    fn datagrams_are_never_cut(case in flow(), size in 1usize..1500, max in 500usize..1500) {
        prop_assume!(case.protocol == UDP);
        let longest = case.head_len() + case.payload.len().min(size.max(if case.payload.len() <= size { usize::MAX } else { 0 }));
        let superframe = case.superframe(size);
        prop_assert_eq!(fitted(split(&superframe).expect("valid"), max, true).is_some(), longest <= max);
    }

    #[test]
    fn an_announced_segment_size_is_lowered_and_the_checksum_stays_right(
        v6: bool, before in 0usize..4, announced in 500u16..9000, max in 1000usize..1500, partial: bool,
    ) {
        let mut options = vec![1; before];
        options.extend([2, 4]);
        options.extend(announced.to_be_bytes());
        options.extend(vec![1; 8 - before - 4]);
        let case = Flow { flags: SYN, options, ..Flow::example(v6) };
        let sum = if partial { Sum::Partial } else { Sum::Full };
        let mut packet = case.packet(0, 0, &[], true, sum);
        clamp_mss(&mut packet, max, partial);
        let mss = announced.min((max - case.l4() - 20) as u16);
        let mut options = case.options.clone();
        options[before + 2..before + 4].copy_from_slice(&mss.to_be_bytes());
        let expected = Flow { options, ..case }.packet(0, 0, &[], true, sum);
        prop_assert_eq!(packet, expected);
    }

    #[test]
    fn what_is_no_syn_is_left_alone(case in flow(), max in 500usize..1500) {
        let packet = case.packet(0, 0, &case.payload, true, Sum::Full);
        let mut seen = packet.clone();
        clamp_mss(&mut seen, max, false);
        prop_assert_eq!(seen, packet);
    }

    #[test]
    fn garbage_never_panics_where_sizes_are_judged(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), v6: bool) {
        if let Some(first) = bytes.first_mut() {
            *first = if v6 { 0x60 } else { 0x45 };
        }
        let _ = too_big(&[], &bytes, 1_400, &mut [0; TOO_BIG_MAX]);
        clamp_mss(&mut bytes, 600, false);
        if let Ok(segments) = whole(&bytes, true) {
            fitted(segments, 60, true);
        }
    }
}

#[test]
fn a_connection_that_begins_or_breaks_is_not_cut() {
    for flags in [SYN, ACK | 0x04, ACK | 0x20] {
        let case = Flow { flags, payload: vec![7; 1_300], ..Flow::example(false) };
        let packet = case.packet(0, 0, &case.payload, true, Sum::Partial);
        assert_eq!(fitted(whole(&packet, true).expect("valid"), 1_000, true), None, "flags {flags:02x}");
    }
}

#[test]
fn the_sender_hears_what_would_pass_from_the_address_that_it_sent_to() {
    for v6 in [false, true] {
        let mut packet = datagram(v6);
        let mut out = [0; TOO_BIG_MAX];
        let message = too_big(&packet[..3], &packet[3..], 1_340, &mut out).expect("there is a message");
        assert_eq!(message[..VIRTIO_LEN], [0; VIRTIO_LEN]);
        let ip = &message[VIRTIO_LEN..];
        assert_eq!((source(ip), destination(ip)), (destination(&packet), source(&packet)));
        let (l4, kind) = if v6 { (40, [2, 0]) } else { (20, [3, 4]) };
        assert_eq!(ip[l4..l4 + 2], kind);
        assert_eq!(ip[l4 + 6..l4 + 8], 1_340_u16.to_be_bytes());
        let sum = checksum::Sum::default();
        let sum = if v6 { sum.pseudo_header(&ip[8..40], 58, ip.len() - l4) } else { sum };
        assert!(sum.bytes(&ip[l4..]).is_valid());
        assert!(packet.starts_with(&ip[l4 + 8..]));
        assert_eq!(ip.len(), if v6 { 1_280 } else { 576 });
        if !v6 {
            assert!(checksum::Sum::default().bytes(&ip[..20]).is_valid());
            packet[6] = 0;
            assert_eq!(too_big(&[], &packet, 1_340, &mut out), None, "it may be fragmented");
        }
    }
}

#[test]
fn nobody_is_told_who_must_not_be() {
    let told = |packet: &[u8]| too_big(&[], packet, 1_340, &mut [0; TOO_BIG_MAX]).is_some();
    let v4 = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut packet = datagram(false);
        change(&mut packet);
        told(&packet)
    };
    let to = |at: usize, address: Ipv4Addr| {
        move |packet: &mut Vec<u8>| packet[at..at + 4].copy_from_slice(&address.octets())
    };
    assert!(v4(&|_| {}));
    assert!(!v4(&|packet| packet[7] = 1), "a later fragment");
    assert!(!v4(&to(12, Ipv4Addr::UNSPECIFIED)));
    assert!(!v4(&to(16, Ipv4Addr::new(224, 0, 0, 251))));
    assert!(!v4(&to(16, Ipv4Addr::BROADCAST)));
    assert!(!v4(&|packet| (packet[9], packet[20]) = (1, 3)), "an error of ICMP");
    assert!(v4(&|packet| (packet[9], packet[20]) = (1, 8)), "a long ping");
    let v6 = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut packet = datagram(true);
        change(&mut packet);
        told(&packet)
    };
    assert!(!v6(&|packet| packet[24] = 0xff), "multicast");
    assert!(!v6(&|packet| packet[8..24].copy_from_slice(&Ipv6Addr::UNSPECIFIED.octets())));
    assert!(!v6(&|packet| (packet[6], packet[40]) = (58, 1)), "an error of ICMPv6");
    assert!(v6(&|packet| (packet[6], packet[40]) = (58, 128)), "a long ping");
}

/// A long datagram with DF.
fn datagram(v6: bool) -> Vec<u8> {
    let case = Flow { protocol: UDP, payload: vec![9; 1_340], ..Flow::example(v6) };
    let mut packet = case.packet(0, 0, &case.payload, true, Sum::Full);
    if !v6 {
        packet[6] = 0x40;
    }
    assert!(matches!(source(&packet), Some(IpAddr::V4(_) | IpAddr::V6(_))));
    packet
}
