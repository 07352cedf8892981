//! Datagrams: one size per type, no reserved bit set, no panic.

use jvpn_proto::wire::{
    COOKIE_LEN, DATA_CSUM_PARTIAL, DATA_EPOCH, DATA_HEADER, DATA_LEN_MIN, Datagram, HINT_LEN, HINT_UNKNOWN_INDEX,
    INIT_LEN, Kind, RESP_LEN, TYPE_COOKIE, TYPE_DATA, TYPE_HINT, TYPE_INIT, TYPE_RESP, VERSION, WireError, data_aad,
    hint, peek, write_data_header, write_receiver,
};
use proptest::{collection::vec, prelude::*};

const SIZES: [(u8, usize, Kind); 4] = [
    (TYPE_INIT, INIT_LEN, Kind::Init),
    (TYPE_RESP, RESP_LEN, Kind::Resp),
    (TYPE_COOKIE, COOKIE_LEN, Kind::Cookie),
    (TYPE_HINT, HINT_LEN, Kind::Hint),
];

proptest! {
    #[test]
    fn a48_arbitrary_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..300)) {
        let peeked = peek(&bytes);
        let parsed = Datagram::parse(&mut bytes);
        prop_assert_eq!(peeked.err(), parsed.err());
    }

    #[test]
    fn a48_bytes_behind_a_known_type_never_panic(kind in 0..0x12_u8, mut bytes in vec(any::<u8>(), 1..300)) {
        bytes[0] = kind;
        prop_assert_eq!(peek(&bytes).err(), Datagram::parse(&mut bytes).err());
    }

    #[test]
    fn a_data_header_comes_back(flags in 0..4_u8, receiver in any::<u32>(), counter in any::<u64>(), len in 16..64_usize) {
        let mut datagram = vec![0xaa; DATA_HEADER + len];
        write_data_header(&mut datagram, flags, receiver, counter);
        prop_assert_eq!(&datagram[..4], &data_aad(flags));
        match Datagram::parse(&mut datagram) {
            Ok(Datagram::Data { flags: f, receiver: r, counter: c, body }) => {
                prop_assert_eq!((f, r, c, body.len()), (flags, receiver, counter, len));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn each_type_has_one_length() {
    for (kind, size, expected) in SIZES {
        for len in 1..=2 * INIT_LEN {
            let found = peek(&message(kind, len));
            assert_eq!(found, if len == size { Ok(expected) } else { Err(WireError::Length) }, "{kind} of {len} bytes");
        }
    }
}

#[test]
fn a48_data_is_at_least_a_header_and_a_tag() {
    for len in 1..DATA_LEN_MIN {
        assert_eq!(peek(&message(TYPE_DATA, len)[..len]), Err(WireError::Length));
    }
    let mut smallest = data();
    assert!(matches!(Datagram::parse(&mut smallest), Ok(Datagram::Data { body, .. }) if body.len() == 16));
    let mut largest = data().to_vec();
    largest.resize(65_535, 0);
    assert_eq!(peek(&largest), Ok(Kind::Data));
    assert_eq!(peek(&[]), Err(WireError::Empty));
}

#[test]
fn a09_another_version_is_refused() {
    for (kind, size, _) in SIZES {
        let mut bytes = message(kind, size);
        bytes[1] = VERSION + 1;
        assert_eq!(peek(&bytes), Err(WireError::Version(VERSION + 1)));
    }
}

#[test]
fn bits_without_a_meaning_are_refused() {
    for (kind, size, allowed) in [(TYPE_INIT, INIT_LEN, 1_u16), (TYPE_RESP, RESP_LEN, 0), (TYPE_COOKIE, COOKIE_LEN, 0)]
    {
        for bit in 0..16 {
            let mut bytes = message(kind, size);
            bytes[2..4].copy_from_slice(&(1_u16 << bit).to_le_bytes());
            assert_eq!(peek(&bytes).is_ok(), allowed & 1 << bit != 0, "{kind} bit {bit}");
        }
    }
    for bit in 0..24 {
        let mut bytes = data();
        bytes[1 + bit / 8] = 1 << (bit % 8);
        let allowed = bit < 8 && (DATA_EPOCH | DATA_CSUM_PARTIAL) & 1 << bit != 0;
        assert_eq!(peek(&bytes).is_ok(), allowed, "bit {bit}");
    }
}

#[test]
fn types_of_resume_are_known_and_refused() {
    for (kind, size) in [(0x03, 232), (0x05, 156), (0x06, 40)] {
        assert_eq!(peek(&message(kind, size)), Err(WireError::Resume(kind)));
    }
    for kind in [0x00, 0x08, 0x0f, 0x11, 0xff] {
        assert_eq!(peek(&message(kind, 64)), Err(WireError::UnknownType(kind)));
    }
}

#[test]
fn a_hint_names_an_index() {
    let mut bytes = hint(HINT_UNKNOWN_INDEX, 0x0403_0201);
    assert_eq!(bytes, [0x07, 1, 1, 0, 1, 2, 3, 4]);
    let parsed = Datagram::parse(&mut bytes).expect("a hint");
    assert!(matches!(parsed, Datagram::Hint { code: HINT_UNKNOWN_INDEX, receiver: 0x0403_0201 }));
}

#[test]
fn a_second_path_gets_the_same_ciphertext_under_its_own_index() {
    let first = data();
    let mut second = first;
    write_receiver(&mut second, 99);
    assert_eq!((&first[..4], &first[8..]), (&second[..4], &second[8..]));
    assert_eq!(second[4..8], 99_u32.to_le_bytes());
}

fn message(kind: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len.max(2)];
    bytes[..2].copy_from_slice(&[kind, VERSION]);
    bytes.truncate(len);
    bytes
}

fn data() -> [u8; DATA_LEN_MIN] {
    let mut bytes = [0; DATA_LEN_MIN];
    write_data_header(&mut bytes, 0, 7, 8);
    bytes
}
