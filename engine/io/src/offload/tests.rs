//! Splitting and merging of superframes, compared with a simple reference implementation.

use std::io::{self, IoSlice};

use proptest::prelude::*;

use super::*;
use oracle::*;

mod oracle;
mod sizes;

// ---- splitting --------------------------------------------------------------------------------------------------

proptest! {
    #[test]
    fn a_superframe_is_cut_into_what_a_plain_stack_would_have_sent(case in flow(), size in 1usize..1500, elide: bool) {
        let packets = cut(&case.superframe(size), elide);
        prop_assert_eq!(packets.iter().flat_map(|packet| case.payload_of(&packet.bytes).to_vec()).collect::<Vec<_>>(), case.payload.clone());
        for (index, packet) in packets.iter().enumerate() {
            let piece = case.payload.chunks(size).nth(index).unwrap_or_default();
            let last = index + 1 == packets.len();
            let expected = case.packet(index, index * size, piece, last, if elide { Sum::Partial } else { Sum::Full });
            prop_assert_eq!(&packet.bytes, &expected, "segment {}", index);
            prop_assert_eq!(packet.partial, elide);
        }
    }

    #[test]
    fn a_packet_without_needs_csum_passes_untouched(case in flow(), elide: bool) {
        let packet = case.packet(0, 0, &case.payload, true, Sum::Full);
        let seen = cut(&frame(0, 0, 0, &case, &packet), elide);
        prop_assert_eq!(seen, vec![Packet { bytes: packet, partial: false }]);
    }

    #[test]
    fn a_single_vouched_packet_stays_partial_or_is_completed(case in flow(), elide: bool) {
        let packet = case.packet(0, 0, &case.payload, true, Sum::Partial);
        let seen = cut(&frame(1, 0, 0, &case, &packet), elide);
        let expected = case.packet(0, 0, &case.payload, true, if elide { Sum::Partial } else { Sum::Full });
        prop_assert_eq!(seen, vec![Packet { bytes: expected, partial: elide }]);
    }

    #[test]
    fn every_truncation_is_refused_without_a_panic(case in flow(), size in 1usize..1500) {
        let whole = case.superframe(size);
        for len in 0..whole.len() {
            prop_assert!(split(&whole[..len]).is_err(), "{} of {} bytes", len, whole.len());
        }
    }

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), first in 0usize..3, partial: bool) {
        let mut packet = bytes.clone();
        if let (Some(byte), Some(nibble)) = (packet.get_mut(VIRTIO_LEN), [0x45u8, 0x46, 0x60].get(first)) {
            *byte = *nibble;
        }
        if let Ok(mut segments) = split(&packet) {
            while segments.next().is_some() {}
        }
        let mut sink = Recorder::default();
        let mut coalescer = Coalescer::new(ALL);
        let mut burst = coalescer.burst(&mut sink);
        let _ = burst.push(packet.get(VIRTIO_LEN..).unwrap_or_default(), partial);
        burst.finish();
    }

    #[test]
    fn flipped_bits_never_panic(case in flow(), size in 1usize..1500, at in 0usize..120, bit in 0u8..8, elide: bool) {
        let mut damaged = case.superframe(size);
        if let Some(byte) = damaged.get_mut(at) {
            *byte ^= 1 << bit;
        }
        if let Ok(mut segments) = split(&damaged)
            && (elide || segments.complete_checksums().is_ok())
        {
            while segments.next().is_some() {}
        }
    }
}

#[test]
fn an_encapsulated_checksum_is_completed_even_where_partial_ones_may_travel() {
    let inner = Flow { payload: vec![7; 33], ..Flow::example(false) };
    let partial = inner.packet(0, 0, &inner.payload, true, Sum::Partial);
    let full = inner.packet(0, 0, &inner.payload, true, Sum::Full);
    let outer = |packet: &[u8]| {
        let mut bytes = ip_header(false, 4, packet.len(), 0, &[]);
        bytes.extend_from_slice(packet);
        bytes
    };
    let seen = cut(&virtio(1, 0, 0, 20 + 20, 16, &outer(&partial)), true);
    assert_eq!(seen, vec![Packet { bytes: outer(&full), partial: false }]);
}

#[test]
fn a_fragment_with_a_wanted_checksum_is_completed() {
    let case = Flow { payload: vec![1, 2, 3], ..Flow::example(false) };
    let mut packet = case.packet(0, 0, &case.payload, true, Sum::Partial);
    packet[6] = 0x20;
    let seen = cut(&frame(1, 0, 0, &case, &packet), true);
    assert!(!seen[0].partial);
    assert_eq!(oracle_transport(&case, &seen[0].bytes), 0xffff);
}

#[test]
fn superframes_that_contradict_their_headers_are_refused() {
    let case = Flow { payload: vec![0; 4000], ..Flow::example(false) };
    let packet = case.packet(0, 0, &case.payload, true, Sum::Partial);
    let offset = case.l4();
    for (name, bytes) in [
        ("no checksum wanted", virtio(0, 1, 1000, offset, 16, &packet)),
        ("the other family", virtio(1, 4, 1000, offset, 16, &packet)),
        ("another protocol", virtio(1, 5, 1000, offset, 16, &packet)),
        ("UFO", virtio(1, 3, 1000, offset, 16, &packet)),
        ("no size", virtio(1, 1, 0, offset, 16, &packet)),
        ("a checksum elsewhere", virtio(1, 1, 1000, offset + 2, 16, &packet)),
    ] {
        assert_eq!(split(&bytes).err(), Some(Malformed::Superframe), "{name}");
    }
}

// ---- coalescing -------------------------------------------------------------------------------------------------

proptest! {
    #[test]
    fn what_is_split_comes_back_as_the_same_packets(case in flow(), size in 40usize..1500, elide: bool, offload in offloads()) {
        let packets = cut(&case.superframe(size), elide);
        let frames = coalesce(offload, &packets);
        let again: Vec<Packet> = frames.iter().flat_map(|frame| cut(frame, elide)).collect();
        if elide && !offload.checksum {
            prop_assert_eq!(again, cut(&case.superframe(size), false));
        } else {
            prop_assert_eq!(bytes_of(&again), bytes_of(&packets));
        }
    }

    #[test]
    fn flows_that_are_interleaved_keep_their_order(
        cases in proptest::collection::vec(flow(), 2..5), size in 40usize..1500, picks in proptest::collection::vec(0usize..5, 0..200),
    ) {
        let mut cases = cases;
        for (index, case) in cases.iter_mut().enumerate() {
            case.source_port = 1000 + index as u16;
        }
        let mut queues: Vec<_> = cases.iter().map(|case| cut(&case.superframe(size), true).into_iter()).collect();
        let mixed: Vec<Packet> = picks.iter().filter_map(|pick| queues.get_mut(*pick)?.next()).collect();
        let again: Vec<Packet> = coalesce(ALL, &mixed).iter().flat_map(|frame| cut(frame, true)).collect();
        for case in &cases {
            let of_case = |packets: &[Packet]| -> Vec<Vec<u8>> {
                packets.iter().filter(|packet| case.owns(&packet.bytes)).map(|packet| packet.bytes.clone()).collect()
            };
            prop_assert_eq!(of_case(&again), of_case(&mixed));
        }
    }

    #[test]
    fn a_wrong_full_checksum_is_neither_merged_nor_mended(case in flow(), at in 0usize..46, bit in 0u8..8) {
        let size = 400;
        let mut packets = cut(&case.superframe(size), false);
        let damaged = at % packets.len();
        let header = packets[damaged].bytes.len() - case.payload_of(&packets[damaged].bytes).len();
        prop_assume!(packets[damaged].bytes.len() > header);
        packets[damaged].bytes[header] ^= 1 << bit;
        let frames = coalesce(ALL, &packets);
        let wanted = virtio(0, 0, 0, 0, 0, &packets[damaged].bytes);
        prop_assert!(frames.contains(&wanted), "the damaged packet goes out alone as it came");
    }
}

#[test]
fn forty_six_full_segments_are_one_write() {
    let case = Flow { payload: vec![3; 46 * 1380], ..Flow::example(false) };
    let packets = cut(&case.superframe(1380), true);
    assert_eq!(packets.len(), 46);
    let frames = coalesce(ALL, &packets);
    assert_eq!(frames, vec![case.superframe(1380)]);
}

#[test]
fn a_run_ends_at_64_kib_and_the_next_begins() {
    let case = Flow { payload: vec![3; 1400], ..Flow::example(true) };
    let packets: Vec<Packet> = (0..100).map(|index| case.full(index, index * 1400)).collect();
    let frames = coalesce(ALL, &packets);
    let lengths: Vec<usize> = frames.iter().map(|frame| frame.len() - VIRTIO_LEN).collect();
    assert_eq!(lengths, vec![46 * 1400 + case.head_len(), 46 * 1400 + case.head_len(), 8 * 1400 + case.head_len()]);
}

#[test]
fn a_gap_a_new_acknowledgement_or_a_flag_ends_a_run() {
    let case = Flow { payload: vec![3; 500], flags: ACK, ..Flow::example(false) };
    let first = case.full(0, 0);
    let mut reduced = case.full(1, 500);
    reduced.bytes[case.l4() + 13] |= CWR;
    let others = [
        ("a gap", case.full(1, 501)),
        ("a repetition", case.full(1, 0)),
        ("another acknowledgement", Flow { acknowledgement: 2, ..case.clone() }.full(1, 500)),
        ("another window", Flow { window: 2, ..case.clone() }.full(1, 500)),
        ("FIN", Flow { flags: ACK | FIN, ..case.clone() }.full(1, 500)),
        ("CWR", reduced),
        ("a longer one", Flow { payload: vec![3; 501], ..case.clone() }.full(1, 500)),
        ("another traffic class", Flow { class: 4, ..case.clone() }.full(1, 500)),
        ("other options", Flow { options: vec![1; 8], ..case.clone() }.full(1, 500)),
    ];
    for (name, second) in others {
        assert_eq!(coalesce(ALL, &[first.clone(), second]).len(), 2, "{name}");
    }
    assert_eq!(coalesce(ALL, &[first, case.full(1, 500)]).len(), 1);
}

#[test]
fn a_pushed_segment_ends_its_run() {
    let case = Flow { payload: vec![3; 500], flags: ACK, ..Flow::example(false) };
    let pushed = Flow { flags: ACK | PSH, ..case.clone() };
    let frames = coalesce(ALL, &[case.full(0, 0), pushed.full(1, 500), case.full(2, 1000)]);
    assert_eq!(frames.len(), 2);
    assert_eq!(cut(&frames[0], true), vec![case.full(0, 0), pushed.full(1, 500)]);
}

#[test]
fn a_fragment_is_not_overtaken() {
    let case = Flow { protocol: UDP, payload: vec![3; 500], ..Flow::example(false) };
    let mut fragment = case.packet(9, 0, &case.payload, true, Sum::Full);
    fragment[6] = 0x20;
    let fragment = Packet { bytes: with_header_checksum(fragment), partial: false };
    let frames = coalesce(ALL, &[case.full(0, 0), fragment.clone(), case.full(1, 0)]);
    assert_eq!(frames.len(), 3);
    assert_eq!(&frames[1][VIRTIO_LEN..], &fragment.bytes);
}

#[test]
fn a_promise_that_the_headers_do_not_keep_drops_that_packet_alone() {
    let case = Flow { payload: vec![3; 500], ..Flow::example(false) };
    let good = case.full(0, 0);
    let mut fragment = good.bytes.clone();
    fragment[6] = 0x20;
    let mut icmp = good.bytes.clone();
    icmp[9] = 1;
    let mut longer = good.bytes.clone();
    longer.push(0);
    let mut sink = Recorder::default();
    let mut coalescer = Coalescer::new(ALL);
    let mut burst = coalescer.burst(&mut sink);
    assert_eq!(burst.push(&fragment, true), Err(Malformed::PartialChecksum));
    assert_eq!(burst.push(&icmp, true), Err(Malformed::PartialChecksum));
    assert_eq!(burst.push(&longer, true), Err(Malformed::Length));
    assert_eq!(burst.push(&good.bytes, true), Ok(()));
    assert_eq!(burst.finish(), Flushed { packets: 1, writes: 1, ..Flushed::default() });
}

#[test]
fn a_udp_packet_without_a_checksum_stays_without() {
    let case = Flow { protocol: UDP, payload: vec![3; 500], ..Flow::example(false) };
    let packets: Vec<Packet> = (0..3)
        .map(|index| {
            let mut bytes = case.packet(index, 0, &case.payload, true, Sum::Full);
            bytes[case.l4() + 6..case.l4() + 8].fill(0);
            Packet { bytes, partial: false }
        })
        .collect();
    let frames = coalesce(ALL, &packets);
    assert_eq!(frames.len(), 3);
    assert_eq!(&frames[2][VIRTIO_LEN..], &packets[2].bytes);
}

#[test]
fn where_superframes_are_refused_the_burst_is_written_packet_by_packet_and_the_next_one_too() {
    let case = Flow { payload: vec![3; 5000], ..Flow::example(false) };
    let packets = cut(&case.superframe(500), true);
    let mut sink = Recorder { refuses_superframes: true, ..Recorder::default() };
    let mut coalescer = Coalescer::new(ALL);
    for _ in 0..2 {
        let mut burst = coalescer.burst(&mut sink);
        for packet in &packets {
            burst.push(&packet.bytes, packet.partial).expect("well formed");
        }
        assert_eq!(burst.finish(), Flushed { packets: 10, writes: 10, ..Flushed::default() });
    }
    assert_eq!(coalescer.offload(), WriteOffload { tcp: false, ..ALL });
    assert_eq!(
        sink.frames.iter().flat_map(|frame| cut(frame, true)).collect::<Vec<_>>(),
        [packets.clone(), packets].concat()
    );
}

#[test]
fn a_device_that_is_down_loses_the_burst_and_keeps_its_offloads() {
    let case = Flow { payload: vec![3; 1000], ..Flow::example(false) };
    let packets = cut(&case.superframe(500), true);
    let mut sink = Recorder { down: true, ..Recorder::default() };
    let mut coalescer = Coalescer::new(ALL);
    let mut burst = coalescer.burst(&mut sink);
    for packet in &packets {
        burst.push(&packet.bytes, packet.partial).expect("well formed");
    }
    assert_eq!(burst.finish(), Flushed { lost: 2, error: Some(libc::EIO), ..Flushed::default() });
    assert_eq!(coalescer.offload(), ALL);
}

#[test]
fn a_burst_longer_than_the_table_is_written_in_parts() {
    let case = Flow { protocol: UDP, payload: vec![3; 8], ..Flow::example(false) };
    let packets: Vec<Packet> = (0..PACKETS_MAX + 10).map(|index| case.full(index, 0)).collect();
    let frames = coalesce(NO_SUPERFRAMES, &packets);
    assert_eq!(frames.len(), packets.len());
    assert_eq!(coalesce(ALL, &packets).len(), PACKETS_MAX / 64 + 1);
}

// ---- running ----------------------------------------------------------------------------------------------------

fn cut(frame: &[u8], elide: bool) -> Vec<Packet> {
    let mut segments = split(frame).expect("well formed");
    if !elide {
        segments.complete_checksums().expect("well formed");
    }
    let mut packets = vec![];
    while let Some(segment) = segments.next() {
        let bytes = [segment.head, segment.body].concat();
        packets.push(Packet { bytes, partial: segment.csum_partial });
    }
    packets
}

fn coalesce(offload: WriteOffload, packets: &[Packet]) -> Vec<Vec<u8>> {
    let mut sink = Recorder::default();
    let mut coalescer = Coalescer::new(offload);
    let mut burst = coalescer.burst(&mut sink);
    for packet in packets {
        burst.push(&packet.bytes, packet.partial).expect("well formed");
    }
    let flushed = burst.finish();
    assert_eq!((flushed.packets as usize, flushed.lost), (packets.len(), 0));
    assert_eq!(flushed.writes as usize, sink.frames.len());
    sink.frames
}

fn bytes_of(packets: &[Packet]) -> Vec<&[u8]> {
    packets.iter().map(|packet| packet.bytes.as_slice()).collect()
}

#[derive(Debug, Default)]
struct Recorder {
    frames: Vec<Vec<u8>>,
    refuses_superframes: bool,
    down: bool,
}

impl FrameSink for Recorder {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let frame: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
        if self.down {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        if self.refuses_superframes && frame[1] != 0 {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        self.frames.push(frame);
        Ok(())
    }
}
