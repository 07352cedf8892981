use serde_json::Value;

use super::*;
use crate::{
    crypto::keyfile::{KeyError, PublicKey},
    crypto::vectors::{bytes, read},
    crypto::x25519::is_low_order,
    wire::data_aad,
};

const SUITES: [Suite; 2] = [Suite::ChaCha20Poly1305, Suite::Aes256Gcm];

#[test]
fn sealing_and_opening_agree_with_published_vectors() {
    let file = read("aead.json");
    let vectors = file.as_array().expect("a list");
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let (mut seal, mut open) = keys_of(vector);
        let counter = vector["counter"].as_str().expect("text").parse().expect("a counter");
        let (aad, text, sealed) = (bytes(&vector["aad"]), bytes(&vector["plaintext"]), bytes(&vector["sealed"]));

        for state in ["at rest", "awake", "at rest again"] {
            let mut buffer = [&text[..], &[0; TAG]].concat();
            let what = format!("{} {state}", vector["source"]);
            assert_eq!(seal.seal_with(counter, &aad, &mut buffer, text.len()), Ok(sealed.len()), "{what}");
            assert_eq!(buffer, sealed, "{what}");
            assert_eq!(open.open_with(counter, &aad, &mut buffer).map(|text| &*text), Ok(&text[..]), "{what}");
            if state == "awake" {
                seal.0.rest();
                open.0.rest();
            } else {
                seal.0.wake();
                open.0.wake();
            }
        }
    }
}

#[test]
fn agreements_match_rfc_7748() {
    let file = read("x25519.json");
    for vector in file["agreements"].as_array().expect("a list") {
        let private = bytes(&vector["private"]).try_into().expect("32 bytes");
        let peer = bytes(&vector["public"]).try_into().expect("32 bytes");
        let shared = Ephemeral::from_private(&private).agree(&peer).expect("an honest point");
        assert_eq!(shared.as_slice(), bytes(&vector["shared"]), "{}", vector["source"]);
    }
}

#[test]
fn a42_a_low_order_point_gives_no_shared_secret() {
    let file = read("x25519.json");
    let points = file["lowOrder"].as_array().expect("a list");
    assert_eq!(points.len(), 14);
    for point in points {
        let peer = bytes(point).try_into().expect("32 bytes");
        assert_eq!(Ephemeral::from_private(&[7; 32]).agree(&peer).err(), Some(LowOrder), "{point}");
        assert_eq!(PublicKey::from_text(&PublicKey::from_bytes(peer).to_text()), Err(KeyError::LowOrder), "{point}");
    }
}

#[test]
fn the_list_of_low_order_points_agrees_with_the_primitive_around_them() {
    let file = read("x25519.json");
    for point in file["lowOrder"].as_array().expect("a list") {
        let point: [u8; 32] = bytes(point).try_into().expect("32 bytes");
        for bit in 0..256 {
            let mut near = point;
            near[bit / 8] ^= 1 << (bit % 8);
            let unusable = Ephemeral::from_private(&[7; 32]).agree(&near).is_err();
            assert_eq!(is_low_order(&near), unusable, "{near:02x?}");
        }
    }
}

#[test]
fn what_one_end_seals_the_other_opens() {
    for suite in SUITES {
        let (client_seal, client_open) = epoch_keys(&root(1), suite, Role::Client);
        let (gateway_seal, gateway_open) = epoch_keys(&root(1), suite, Role::Gateway);
        for (seal, open) in [(client_seal, gateway_open), (gateway_seal, client_open)] {
            let mut sealed = sealed(&seal, 9, 0);
            assert_eq!(open.open(9, &data_aad(0), &mut sealed).map(|text| &*text), Ok(&b"inner"[..]));
        }
    }
}

#[test]
fn another_counter_header_direction_suite_or_root_opens_nothing() {
    let (seal, _) = epoch_keys(&root(1), Suite::ChaCha20Poly1305, Role::Client);
    let opens = |root: Root, suite, role, counter, flags| {
        let (_, open) = epoch_keys(&root, suite, role);
        open.open(counter, &data_aad(flags), &mut sealed(&seal, 9, 0)).is_ok()
    };
    let suite = Suite::ChaCha20Poly1305;
    assert!(opens(root(1), suite, Role::Gateway, 9, 0));
    assert!(!opens(root(1), suite, Role::Gateway, 10, 0));
    assert!(!opens(root(1), suite, Role::Gateway, 9, 1));
    assert!(!opens(root(1), suite, Role::Client, 9, 0));
    assert!(!opens(root(1), Suite::Aes256Gcm, Role::Gateway, 9, 0));
    assert!(!opens(root(2), suite, Role::Gateway, 9, 0));
}

#[test]
fn a_flipped_bit_opens_nothing() {
    for suite in SUITES {
        let (seal, _) = epoch_keys(&root(1), suite, Role::Client);
        let (_, open) = epoch_keys(&root(1), suite, Role::Gateway);
        let genuine = sealed(&seal, 0, 0);
        for bit in 0..genuine.len() * 8 {
            let mut changed = genuine.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open.open(0, &data_aad(0), &mut changed), Err(OpenError));
        }
    }
}

#[test]
fn the_last_counter_is_neither_sealed_nor_opened() {
    let (seal, open) = epoch_keys(&root(1), Suite::ChaCha20Poly1305, Role::Client);
    assert_eq!(seal.seal(COUNTER_END, &data_aad(0), &mut [0; 64], 8), Err(SealError));
    assert_eq!(open.open(COUNTER_END, &data_aad(0), &mut [0; 64]), Err(OpenError));
}

#[test]
fn a_buffer_without_room_for_the_tag_is_refused() {
    let (seal, _) = epoch_keys(&root(1), Suite::ChaCha20Poly1305, Role::Client);
    assert_eq!(seal.seal(0, &data_aad(0), &mut [0; 23], 8), Err(SealError));
    assert_eq!(seal.seal(0, &data_aad(0), &mut [0; 23], 24), Err(SealError));
    assert_eq!(seal.seal(0, &data_aad(0), &mut [0; 24], 8), Ok(24));
}

#[test]
fn less_than_a_tag_opens_nothing() {
    let (_, open) = epoch_keys(&root(1), Suite::Aes256Gcm, Role::Client);
    for len in 0..=TAG {
        assert_eq!(open.open(0, &data_aad(0), &mut vec![0; len]), Err(OpenError));
    }
}

#[test]
fn a_rekey_depends_on_the_old_root_the_agreement_and_the_transcript() {
    let next = root(1).mix(&[3; 32], b"said");
    assert_eq!(*next.0, *root(1).mix(&[3; 32], b"said").0);
    for other in
        [root(2).mix(&[3; 32], b"said"), root(1).mix(&[4; 32], b"said"), root(1).mix(&[3; 32], b"heard"), root(1)]
    {
        assert_ne!(*next.0, *other.0);
    }
}

#[test]
fn no_secret_is_printed() {
    let (seal, open) = epoch_keys(&root(0xab), Suite::Aes256Gcm, Role::Client);
    let printed = format!("{:?} {seal:?} {open:?} {:?}", root(0xab), Ephemeral::from_private(&[0xab; 32]));
    assert_eq!(printed, "Root(…) SealKey(…) OpenKey(…) Ephemeral { .. }");
}

fn root(byte: u8) -> Root {
    Root(Zeroizing::new([byte; 32]))
}

fn sealed(seal: &SealKey, counter: u64, flags: u8) -> Vec<u8> {
    let mut out = [&b"inner"[..], &[0; TAG]].concat();
    assert_eq!(seal.seal(counter, &data_aad(flags), &mut out, 5), Ok(21));
    out
}

fn keys_of(vector: &Value) -> (SealKey, OpenKey) {
    let suite = match vector["suite"].as_str() {
        Some("ChaCha20Poly1305") => Suite::ChaCha20Poly1305,
        Some("Aes256Gcm") => Suite::Aes256Gcm,
        other => panic!("suite {other:?}"),
    };
    let key = bytes(&vector["key"]).try_into().expect("32 bytes");
    let traffic = || TrafficKey { suite, secret: Zeroizing::new(key), ready: None };
    (SealKey(traffic()), OpenKey(traffic()))
}
