//! The handshake: both ends agree, and nobody else can interfere.

mod support;

use jvpn_proto::{
    handshake::{Established, HandshakeError, IncomingInit, Initiator, Responder, check_mac1, init_hash},
    keyfile::StaticKey,
    keys::epoch_keys,
    messages::Role,
    wire::{INIT_LEN, InitPayload, PayloadError, RESP_LEN, RespPayload, Suite, WireError, data_aad},
};
use support::{forge, granted, key, noise, offered};

const SENDER: u32 = 0x1122_3344;
const SESSION: u32 = 0x5566_7788;

/// A handshake is used in the thread of its engine, which is not the thread that creates it.
const _: () = {
    const fn movable<T: Send>() {}
    movable::<(Initiator, IncomingInit, Established)>();
};

#[test]
fn both_ends_hold_the_same_keys_and_know_each_other() {
    let (client, gateway) = (key(1), key(2));
    let (mut initiator, init) = dial(&client, &gateway);
    let incoming = accept(&gateway, &init).expect("a genuine INIT");
    assert_eq!((incoming.remote_static, &incoming.payload), (client.public(), &offered()));
    assert_eq!(incoming.init_hash, init_hash(&init));

    let (resp, there) = incoming.respond(SESSION, granted()).expect("a RESP");
    let here = initiator.read_response(&resp).expect("a genuine RESP");
    assert_eq!((here.remote_static, here.peer_index, &here.response), (gateway.public(), SESSION, &granted()));
    assert_eq!((there.remote_static, there.peer_index, &there.response), (client.public(), SENDER, &granted()));
    assert_talk(&here, &there);
}

#[test]
fn two_handshakes_of_the_same_keys_have_different_roots() {
    let (client, gateway) = (key(1), key(2));
    let mut roots = Vec::new();
    for seed in [3, 4] {
        let (mut initiator, init) =
            Initiator::new(&client, &gateway.public(), SENDER, &offered(), &mut noise(seed)).expect("an honest key");
        let (resp, _) = accept(&gateway, &init).expect("INIT").respond(SESSION, granted()).expect("RESP");
        roots.push(initiator.read_response(&resp).expect("a genuine RESP"));
    }
    assert_eq!(crossed(&roots[0], &roots[1]), (false, false));
}

#[test]
fn a_repeated_response_is_read_once() {
    let (mut initiator, resp, _) = answered();
    assert!(initiator.read_response(&resp).is_ok());
    assert_eq!(initiator.read_response(&resp).err(), Some(HandshakeError::Finished));
}

// A08: every bit of every handshake byte flipped.

#[test]
fn a08_an_init_with_a_flipped_bit_is_refused() {
    let gateway = key(2);
    let (_, init) = dial(&key(1), &gateway);
    for bit in 0..216 * 8 {
        assert!(receive(&gateway, &flipped(&init, bit)).is_none(), "bit {bit}");
    }
}

#[test]
fn a08_an_init_with_a_flipped_bit_and_a_new_mac1_is_refused() {
    let gateway = key(2);
    let (_, init) = dial(&key(1), &gateway);
    for bit in 0..200 * 8 {
        let mut changed = flipped(&init, bit);
        forge::mac1(&mut changed, &gateway.public());
        assert!(receive(&gateway, &changed).is_none(), "bit {bit}");
    }
}

#[test]
fn a08_mac2_is_no_part_of_what_an_init_says() {
    let (_, init) = dial(&key(1), &key(2));
    for bit in 216 * 8..232 * 8 {
        assert_eq!(init_hash(&flipped(&init, bit)), init_hash(&init), "bit {bit}");
    }
    assert_ne!(init_hash(&flipped(&init, 215 * 8)), init_hash(&init));
}

#[test]
fn a08_a_response_with_a_flipped_bit_is_refused_and_spoils_nothing() {
    let (mut initiator, resp, there) = answered();
    for bit in 0..RESP_LEN * 8 {
        assert!(initiator.read_response(&flipped(&resp, bit)).is_err(), "bit {bit}");
    }
    assert_talk(&initiator.read_response(&resp).expect("the genuine RESP"), &there);
}

#[test]
fn a08_a_response_with_a_flipped_bit_and_a_new_mac1_spoils_nothing() {
    let client = key(1).public();
    let (mut initiator, resp, there) = answered();
    for bit in (0..4 * 8).chain(8 * 8..198 * 8) {
        let mut changed = flipped(&resp, bit);
        forge::mac1(&mut changed, &client);
        assert!(initiator.read_response(&changed).is_err(), "bit {bit}");
    }
    assert_talk(&initiator.read_response(&resp).expect("the genuine RESP"), &there);
}

#[test]
fn a08_a_changed_session_index_changes_nothing() {
    let client = key(1).public();
    for bit in 4 * 8..8 * 8 {
        let (mut initiator, resp, there) = answered();
        let mut changed = flipped(&resp, bit);
        forge::mac1(&mut changed, &client);
        let here = initiator.read_response(&changed).expect("what is sealed is genuine");
        assert_eq!(here.peer_index, SESSION);
        assert_talk(&here, &there);
    }
}

#[test]
fn a_response_of_another_handshake_spoils_nothing() {
    let (client, gateway) = (key(1), key(2));
    let (mut initiator, resp, there) = answered();
    let (_, other_init) = Initiator::new(&client, &gateway.public(), SENDER, &offered(), &mut noise(77)).expect("INIT");
    let (other, _) = accept(&gateway, &other_init).expect("INIT").respond(SESSION, granted()).expect("RESP");
    assert_eq!(initiator.read_response(&other).err(), Some(HandshakeError::Noise));
    assert_talk(&initiator.read_response(&resp).expect("the genuine RESP"), &there);
}

#[test]
fn an_init_for_another_gateway_is_refused() {
    let (_, init) = dial(&key(1), &key(2));
    assert!(!check_mac1(&key(3).public(), &init));
    assert_eq!(accept(&key(3), &init).err(), Some(HandshakeError::Noise));
}

#[test]
fn a03_mac1_needs_the_receivers_key() {
    let (client, gateway) = (key(1), key(2));
    let (_, resp, _) = answered();
    let (_, init) = dial(&client, &gateway);
    assert!(check_mac1(&gateway.public(), &init) && check_mac1(&client.public(), &resp));
    assert!(!check_mac1(&client.public(), &init) && !check_mac1(&gateway.public(), &resp));
    for len in (0..=300).filter(|&len| len != INIT_LEN && len != RESP_LEN) {
        assert!(!check_mac1(&gateway.public(), &vec![0; len]));
    }
}

// A09: downgrade.

#[test]
fn a09_a_changed_version_or_flag_is_refused() {
    let gateway = key(2);
    let (_, init) = dial(&key(1), &gateway);
    let mut version = init;
    version[1] = 2;
    forge::mac1(&mut version, &gateway.public());
    assert_eq!(accept(&gateway, &version).err(), Some(HandshakeError::Wire(WireError::Version(2))));
    let mut flags = init;
    flags[2] = 1;
    forge::mac1(&mut flags, &gateway.public());
    assert_eq!(accept(&gateway, &flags).err(), Some(HandshakeError::Noise));
}

#[test]
fn a09_a_required_post_quantum_exchange_is_refused_with_that_reason() {
    let gateway = key(2);
    let payload = InitPayload { pq_modes: 2, ..offered() };
    let (_, init) = Initiator::new(&key(1), &gateway.public(), SENDER, &payload, &mut noise(5)).expect("INIT");
    assert_eq!(accept(&gateway, &init).err(), Some(HandshakeError::PqUnsupported));
}

#[test]
fn a09_what_was_not_offered_cannot_be_granted() {
    let chacha_only = InitPayload { suites: Suite::ChaCha20Poly1305.bit(), capabilities: 0, ..offered() };
    let fair = RespPayload { capabilities: 0, ..granted() };
    let unfair = [
        RespPayload { suite: Suite::Aes256Gcm, ..fair.clone() },
        RespPayload { proto: 2, ..fair.clone() },
        RespPayload { proto: 0, ..fair.clone() },
        RespPayload { pq_mode: 2, ..fair.clone() },
        RespPayload { pq_mode: 0, ..fair.clone() },
        RespPayload { capabilities: 1, ..fair.clone() },
    ];
    let read = |grant: RespPayload| {
        let gateway = key(2);
        let (mut initiator, init) =
            Initiator::new(&key(1), &gateway.public(), SENDER, &chacha_only, &mut noise(5)).expect("INIT");
        let (resp, _) = accept(&gateway, &init).expect("INIT").respond(SESSION, grant).expect("RESP");
        initiator.read_response(&resp).err()
    };
    assert_eq!(read(fair.clone()), None);
    for grant in unfair {
        assert_eq!(read(grant.clone()), Some(HandshakeError::NotOffered), "{grant:?}");
    }
}

#[test]
fn a_policy_digest_that_is_no_digest_is_refused() {
    for digest in ["", "0123456789abcde", "0123456789abcdeg", "+123456789abcdef", "0123456789abcdef0"] {
        let (_, init) = dial(&key(1), &key(2));
        let mut grant = granted();
        grant.offer.policy_digest = digest.into();
        let refused = accept(&key(2), &init).expect("INIT").respond(SESSION, grant).err();
        assert_eq!(refused, Some(HandshakeError::Payload(PayloadError::PolicyDigest)), "{digest}");
    }
}

#[test]
fn a48_messages_of_other_lengths_and_types_are_refused() {
    let (mut initiator, resp, there) = answered();
    let (_, init) = dial(&key(1), &key(2));
    for len in (0..300).filter(|&len| len != INIT_LEN) {
        assert!(Responder::read_init(&key(2), &stretched(&init, len), &mut noise(1)).is_err(), "{len} bytes");
    }
    for len in (0..300).filter(|&len| len != RESP_LEN) {
        assert!(initiator.read_response(&stretched(&resp, len)).is_err(), "{len} bytes");
    }
    assert_eq!(initiator.read_response(&init).err(), Some(HandshakeError::NotOurs));
    assert_eq!(accept(&key(2), &resp).err(), Some(HandshakeError::NotOurs));
    assert_talk(&initiator.read_response(&resp).expect("the genuine RESP"), &there);
}

fn dial(client: &StaticKey, gateway: &StaticKey) -> (Initiator, [u8; INIT_LEN]) {
    Initiator::new(client, &gateway.public(), SENDER, &offered(), &mut noise(3)).expect("an honest key")
}

fn accept(gateway: &StaticKey, init: &[u8]) -> Result<IncomingInit, HandshakeError> {
    Responder::read_init(gateway, init, &mut noise(4))
}

/// The gateway's reaction to a datagram: `None` = no answer.
fn receive(gateway: &StaticKey, init: &[u8]) -> Option<IncomingInit> {
    check_mac1(&gateway.public(), init).then(|| accept(gateway, init).ok()).flatten()
}

fn answered() -> (Initiator, [u8; RESP_LEN], Established) {
    let (client, gateway) = (key(1), key(2));
    let (initiator, init) = dial(&client, &gateway);
    let (resp, there) = accept(&gateway, &init).expect("INIT").respond(SESSION, granted()).expect("RESP");
    (initiator, resp, there)
}

fn assert_talk(client: &Established, gateway: &Established) {
    assert_eq!(crossed(client, gateway), (true, true));
}

/// Checks whether each end can open what the other seals: (upward, downward).
fn crossed(client: &Established, gateway: &Established) -> (bool, bool) {
    let (up_seal, down_open) = epoch_keys(&client.root, client.response.suite, Role::Client);
    let (down_seal, up_open) = epoch_keys(&gateway.root, gateway.response.suite, Role::Gateway);
    let passes = |seal: &jvpn_proto::keys::SealKey, open: &jvpn_proto::keys::OpenKey| {
        let mut bytes = *b"inner packet\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(seal.seal(0, &data_aad(0), &mut bytes, 12), Ok(28));
        open.open(0, &data_aad(0), &mut bytes).is_ok_and(|text| text == b"inner packet")
    };
    (passes(&up_seal, &up_open), passes(&down_seal, &down_open))
}

/// The message cut or extended to another length.
fn stretched(message: &[u8], len: usize) -> Vec<u8> {
    message.iter().copied().cycle().take(len).collect()
}

fn flipped<const N: usize>(message: &[u8; N], bit: usize) -> [u8; N] {
    let mut changed = *message;
    changed[bit / 8] ^= 1 << (bit % 8);
    changed
}
