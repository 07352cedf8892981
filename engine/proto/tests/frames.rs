//! Frames: decoding returns what was encoded; truncated or out-of-range frames are refused; nothing panics.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jvpn_proto::{
    frames::{
        Assign, Attach, AttachAck, AttachKind, Close, Detail, FRAMES_LEN_MAX, FRAMES_MAX, Frame, FrameError, FrameList,
        Malformed, PathClose, PathToken, Probe, ProbeReply, Reason, Rekey, Scope, Status, Switch, SwitchAck,
        SwitchDeny, SwitchRequest, Transport, decode_all,
    },
    messages::Assignment,
};
use proptest::{collection::vec, option, prelude::*};

proptest! {
    #[test]
    fn frames_come_back_as_they_went(frames in vec(frame(), 0..=FRAMES_MAX)) {
        let bytes = encoded(&frames);
        let padding = frames.iter().filter(|frame| matches!(frame, Frame::Pad(_))).cloned().collect::<Vec<_>>();
        if bytes.len() - encoded(&padding).len() <= FRAMES_LEN_MAX {
            let decoded = decode_all(&bytes);
            prop_assert_eq!(decoded.as_ref().map(FrameList::as_slice), Ok(&frames[..]));
        } else {
            prop_assert_eq!(decode_all(&bytes), Err(FrameError::TooLong));
        }
    }

    #[test]
    fn a_frame_cut_off_anywhere_is_an_error(frame in frame()) {
        let bytes = encoded(std::slice::from_ref(&frame));
        for len in 1..bytes.len() {
            prop_assert!(decode_all(&bytes[..len]).is_err(), "{} of {}", len, bytes.len());
        }
    }

    #[test]
    fn a_body_with_a_shorter_or_longer_length_is_an_error(frame in frame().prop_filter("any length", |f| !matches!(f, Frame::Pad(_)))) {
        let bytes = encoded(std::slice::from_ref(&frame));
        for len in (0..bytes.len() - 3).chain([bytes.len() - 2]) {
            let mut changed = bytes[..3].to_vec();
            changed[1..3].copy_from_slice(&(len as u16).to_le_bytes());
            changed.extend(bytes[3..].iter().copied().chain([0]).take(len));
            prop_assert!(matches!(decode_all(&changed), Err(FrameError::Body(..))), "{}", len);
        }
    }

    #[test]
    fn a49_arbitrary_bytes_are_refused_or_mean_one_thing(bytes in vec(any::<u8>(), 0..1300)) {
        if let Ok(frames) = decode_all(&bytes) {
            prop_assert_eq!(encoded(frames.as_slice()), bytes);
        }
    }

    #[test]
    fn a49_a_changed_byte_is_refused_or_means_one_thing(frame in frame(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encoded(&[frame]);
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(frames) = decode_all(&bytes) {
            prop_assert_eq!(encoded(frames.as_slice()), bytes);
        }
    }
}

#[test]
fn each_frame_has_its_type_and_size() {
    let token = PathToken { path: 1, token: [0; 16] };
    let rekey = Rekey { epoch: 1, e: [0; 32] };
    let sizes: [(Frame, u8, usize); 7] = [
        (Frame::PathChallenge(token.clone()), 0x03, 20),
        (Frame::PathResponse(token.clone()), 0x04, 20),
        (Frame::PathDrop(token), 0x05, 20),
        (Frame::RekeyInit(rekey.clone()), 0x0f, 36),
        (Frame::RekeyResp(rekey), 0x10, 36),
        (Frame::Ping, 0x17, 0),
        (Frame::Pad(7), 0x18, 7),
    ];
    for (frame, kind, body) in sizes {
        let bytes = encoded(std::slice::from_ref(&frame));
        assert_eq!((bytes[0], bytes.len()), (kind, 3 + body), "{frame:?}");
    }
}

#[test]
fn an_attach_is_laid_out_as_documented() {
    let frame = Frame::Attach(Attach {
        kind: AttachKind::Reattach,
        path: 0x0403_0201,
        bind_seq: 5,
        owner_epoch: 6,
        index: 0x1413_1211,
        transport: Transport::Udp,
        challenge: [0xcc; 16],
        reason: reason("link_down"),
    });
    let mut expected = vec![0x01, 52, 0, 1, 1, 2, 3, 4];
    expected.extend([5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x12, 0x13, 0x14, 1]);
    expected.extend([0xcc; 16]);
    expected.push(9);
    expected.extend(b"link_down");
    assert_eq!(encoded(&[frame]), expected);
}

#[test]
fn reserved_and_unknown_types_are_told_apart() {
    for kind in [0x11, 0x12, 0x15, 0x16, 0x19] {
        assert_eq!(decode_all(&[kind, 0, 0]), Err(FrameError::Unsupported(kind)));
    }
    for kind in [0x00, 0x1b, 0x3f, 0x40, 0x45, 0xff] {
        assert_eq!(decode_all(&[kind, 0, 0]), Err(FrameError::Unknown(kind)));
    }
}

#[test]
fn a_bad_frame_spoils_the_whole_list() {
    let mut bytes = encoded(&[Frame::Ping, Frame::CloseAck]);
    bytes.extend([0x3f, 0, 0]);
    assert_eq!(decode_all(&bytes), Err(FrameError::Unknown(0x3f)));
}

#[test]
fn a_seventeenth_frame_is_refused() {
    assert_eq!(decode_all(&encoded(&vec![Frame::Ping; FRAMES_MAX])).map(|list| list.as_slice().len()), Ok(FRAMES_MAX));
    assert_eq!(decode_all(&encoded(&vec![Frame::Ping; FRAMES_MAX + 1])), Err(FrameError::TooMany));
}

#[test]
fn padding_fills_a_datagram_and_is_zero() {
    let full = Frame::Pad(9_000);
    let mut bytes = encoded(std::slice::from_ref(&full));
    assert_eq!(decode_all(&bytes).map(|list| list.as_slice().to_vec()), Ok(vec![full]));
    bytes[FRAMES_LEN_MAX - 1] = 1;
    assert_eq!(decode_all(&bytes), Err(FrameError::Body(0x18, Malformed::Value("pad"))));
}

#[test]
fn a_reason_is_a_short_word_of_the_vocabulary() {
    for good in ["", "silent_death", "a1_", &"x".repeat(40)] {
        assert_eq!(reason(good).as_str(), good);
    }
    for bad in ["Link", "link down", "ünder", "a-b", "a\0", &"x".repeat(41)] {
        assert_eq!(Reason::new(bad), Err(Malformed::Value("reason")), "{bad}");
    }
}

#[test]
fn a_detail_is_printable_and_short() {
    assert_eq!(Detail::new("Key unknown: 7 of 8").map(|detail| detail.to_string()), Ok("Key unknown: 7 of 8".into()));
    for bad in ["a\nb", "\u{1b}[2J", "é", &"x".repeat(65)] {
        assert_eq!(Detail::new(bad), Err(Malformed::Value("detail")), "{bad:?}");
    }
}

#[test]
fn an_assignment_out_of_range_is_refused() {
    let good = Assignment {
        v4: Some(Ipv4Addr::new(10, 80, 0, 2)),
        v4_prefix: 16,
        v6: None,
        v6_prefix: 0,
        dns: vec![IpAddr::V4(Ipv4Addr::LOCALHOST); 4],
        mtu: 1280,
    };
    assert!(Assign::new(1, good.clone()).is_ok());
    let bad = [
        Assignment { v4: None, ..good.clone() },
        Assignment { v4_prefix: 33, ..good.clone() },
        Assignment { v6_prefix: 129, ..good.clone() },
        Assignment { dns: vec![IpAddr::V4(Ipv4Addr::LOCALHOST); 5], ..good.clone() },
        Assignment { mtu: 1279, ..good },
    ];
    for assignment in bad {
        assert!(Assign::new(1, assignment.clone()).is_err(), "{assignment:?}");
    }
}

fn encoded(frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames {
        frame.encode(&mut out);
    }
    out
}

fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a valid reason")
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        attach().prop_map(Frame::Attach),
        attach_ack().prop_map(Frame::AttachAck),
        path_token().prop_map(Frame::PathChallenge),
        path_token().prop_map(Frame::PathResponse),
        path_token().prop_map(Frame::PathDrop),
        switch().prop_map(Frame::Switch),
        switch_ack().prop_map(Frame::SwitchAck),
        (any::<u32>(), a_reason(), any::<u32>()).prop_map(|(to, reason, id)| Frame::SwitchRequest(SwitchRequest {
            to,
            reason,
            id
        })),
        (any::<u32>(), a_reason(), any::<u32>())
            .prop_map(|(id, reason, retry_after_ms)| Frame::SwitchDeny(SwitchDeny { id, reason, retry_after_ms })),
        assign().prop_map(Frame::Assign),
        any::<u32>().prop_map(|id| Frame::AssignAck { id }),
        (any::<u32>(), a_reason()).prop_map(|(path, reason)| Frame::PathClose(PathClose { path, reason })),
        probe().prop_map(Frame::Probe),
        probe_reply().prop_map(Frame::ProbeReply),
        any::<u32>().prop_map(|epoch| Frame::RekeyRequest { epoch }),
        rekey().prop_map(Frame::RekeyInit),
        rekey().prop_map(Frame::RekeyResp),
        close().prop_map(Frame::Close),
        Just(Frame::CloseAck),
        Just(Frame::Ping),
        (0..64_u16).prop_map(Frame::Pad),
    ]
}

fn a_reason() -> impl Strategy<Value = Reason> {
    "[a-z0-9_]{0,40}".prop_map(|text| reason(&text))
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Ok), Just(Status::Denied), Just(Status::Waiting)]
}

fn attach() -> impl Strategy<Value = Attach> {
    let kind = prop_oneof![Just(AttachKind::Candidate), Just(AttachKind::Reattach), Just(AttachKind::Revalidate)];
    (kind, any::<(u32, u64, u64, u32, [u8; 16])>(), a_reason()).prop_map(
        |(kind, (path, bind_seq, owner_epoch, index, challenge), reason)| Attach {
            kind,
            path,
            bind_seq,
            owner_epoch,
            index,
            transport: Transport::Udp,
            challenge,
            reason,
        },
    )
}

fn attach_ack() -> impl Strategy<Value = AttachAck> {
    (status(), a_reason(), any::<(u32, u32, u64, u32, [u8; 16], [u8; 16], u64)>()).prop_map(
        |(status, reason, (retry_after_ms, path, bind_seq, index, echo, challenge, version))| AttachAck {
            status,
            reason,
            retry_after_ms,
            path,
            bind_seq,
            index,
            echo,
            challenge,
            version,
        },
    )
}

fn path_token() -> impl Strategy<Value = PathToken> {
    any::<(u32, [u8; 16])>().prop_map(|(path, token)| PathToken { path, token })
}

fn switch() -> impl Strategy<Value = Switch> {
    (a_reason(), any::<(bool, u32, u32, u64, u64)>()).prop_map(
        |(reason, (redundant, from, to, bind_seq, first_counter))| Switch {
            reason,
            redundant,
            from,
            to,
            bind_seq,
            first_counter,
        },
    )
}

fn switch_ack() -> impl Strategy<Value = SwitchAck> {
    (status(), a_reason(), any::<(u32, u32, u64, u64)>()).prop_map(
        |(status, reason, (retry_after_ms, to, bind_seq, version))| SwitchAck {
            status,
            reason,
            retry_after_ms,
            to,
            bind_seq,
            version,
        },
    )
}

fn assign() -> impl Strategy<Value = Assign> {
    let address = prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::V4), any::<Ipv6Addr>().prop_map(IpAddr::V6)];
    let v4 = (option::of(any::<Ipv4Addr>()), 0..=32_u8);
    let v6 = (option::of(any::<Ipv6Addr>()), 0..=128_u8);
    (any::<u32>(), v4, v6, vec(address, 0..=4), 1280..=u16::MAX)
        .prop_filter("some address", |(_, (v4, _), (v6, _), ..)| v4.is_some() || v6.is_some())
        .prop_map(|(id, (v4, v4_prefix), (v6, v6_prefix), dns, mtu)| {
            Assign::new(id, Assignment { v4, v4_prefix, v6, v6_prefix, dns, mtu }).expect("a valid assignment")
        })
}

fn probe() -> impl Strategy<Value = Probe> {
    any::<(u32, u32, u64, u64, u64, u32, u32)>().prop_map(|(path, seq, t_us, tx_packets, tx_bytes, deaf_on, age_ms)| {
        Probe { path, seq, t_us, tx_packets, tx_bytes, deaf_on, age_ms }
    })
}

fn probe_reply() -> impl Strategy<Value = ProbeReply> {
    any::<(u32, u32, u64, u32, u64, u64, u64, u32)>().prop_map(
        |(path, seq, t_echo_us, hold_us, rx_packets, rx_bytes, tx_seen, jitter_us)| ProbeReply {
            path,
            seq,
            t_echo_us,
            hold_us,
            rx_packets,
            rx_bytes,
            tx_seen,
            jitter_us,
        },
    )
}

fn rekey() -> impl Strategy<Value = Rekey> {
    any::<(u32, [u8; 32])>().prop_map(|(epoch, e)| Rekey { epoch, e })
}

fn close() -> impl Strategy<Value = Close> {
    (a_reason(), any::<u64>(), "[ -~]{0,64}").prop_map(|(reason, version, detail)| Close {
        scope: Scope::Session,
        reason,
        version,
        detail: Detail::new(&detail).expect("a valid detail"),
    })
}
