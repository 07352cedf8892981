//! The handshake against other implementations: a transcript of another implementation, and snow with its own
//! primitives at either end, honest or with points of low order.

mod support;

use std::{collections::VecDeque, fs};

use jvpn_proto::{
    handshake::{Established, HandshakeError, Initiator, Responder},
    keyfile::{PublicKey, StaticKey},
    keys::epoch_keys,
    messages::Role,
    wire::{INIT_LEN, RESP_LEN, Suite, data_aad, write_data_header},
};
use serde_json::Value;
use snow::{
    Builder, Error, HandshakeState,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash, Random},
};
use support::{forge, granted, key, noise, offered, secret};

const PATTERN: &str = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
const PSK: [u8; 32] = [0; 32];
const SENDER: u32 = 0x1122_3344;
const SESSION: u32 = 0x5566_7788;

#[test]
fn a_handshake_matches_another_implementation_byte_by_byte() {
    let file = read("handshake.json");
    let (client, gateway) = (static_key(&file["clientPrivate"]), static_key(&file["gatewayPrivate"]));

    let mut drawn = queue(&[&file["clientEphemeral"], &file["random"]]);
    let (mut initiator, init) =
        Initiator::new(&client, &gateway.public(), SENDER, &offered(), &mut drawn).expect("an honest key");
    assert_eq!(init.as_slice(), bytes(&file["init"]));

    let incoming = Responder::read_init(&gateway, &init, &mut queue(&[&file["gatewayEphemeral"]])).expect("INIT");
    let (resp, there) = incoming.respond(SESSION, granted()).expect("RESP");
    assert_eq!(resp.as_slice(), bytes(&file["resp"]));

    let here = initiator.read_response(&resp).expect("RESP");
    let sealed = file["data"].as_array().expect("a list");
    assert_eq!(sealed.len(), 6);
    for data in sealed {
        let established = if data["from"] == "client" { &here } else { &there };
        assert_eq!(datagram(established, data, &file["rekey"]), bytes(&data["datagram"]), "{data}");
    }
}

#[test]
fn a_snow_responder_reads_our_init_and_is_read() {
    let (client, gateway) = (key(1), key(2));
    let (mut initiator, init) = dial(&client, &gateway);
    let mut snow = reference(&init[..8], &secret(2), None, Box::new(DefaultResolver));
    let resp = snow_answers(&mut snow, &init, &client.public()).expect("snow reads INIT");
    assert_eq!(snow.get_remote_static(), Some(client.public().as_bytes().as_slice()));

    let established = initiator.read_response(&resp).expect("RESP");
    assert_eq!((established.peer_index, established.response), (SESSION, granted()));
}

#[test]
fn our_responder_reads_a_snow_init_and_is_read() {
    let (client, gateway) = (key(1), key(2));
    let (mut snow, init) = snow_dials(&secret(1), &gateway.public(), Box::new(DefaultResolver));
    let incoming = Responder::read_init(&gateway, &init, &mut noise(4)).expect("INIT");
    assert_eq!((incoming.remote_static, &incoming.payload), (client.public(), &offered()));

    let (resp, _) = incoming.respond(SESSION, granted()).expect("RESP");
    let mut payload = [0; 256];
    assert_eq!(snow.read_message(&resp[12..198], &mut payload), Ok(138));
    assert_eq!(&payload[..16], &granted().session_id);
}

// A42: a peer with points of low order knows all secrets derived from them. snow's own primitives would accept it.

#[test]
fn a42_an_init_with_a_low_order_ephemeral_is_refused() {
    let gateway = key(2);
    for point in low_order_points() {
        let (_, init) =
            snow_dials(&secret(1), &gateway.public(), Box::new(LowOrder { point, which: Which::Ephemeral }));
        assert_eq!(init[8..40], point);
        assert_eq!(Responder::read_init(&gateway, &init, &mut noise(4)).err(), Some(HandshakeError::Noise));

        let mut honest = reference(&init[..8], &secret(2), None, Box::new(DefaultResolver));
        assert!(honest.read_message(&init[8..200], &mut [0; 256]).is_ok(), "the attack is a real one");
    }
}

#[test]
fn a42_an_init_with_a_low_order_static_key_is_refused() {
    let gateway = key(2);
    for point in low_order_points() {
        let resolver = Box::new(LowOrder { point, which: Which::Static });
        let (_, init) = snow_dials(&secret(1), &gateway.public(), resolver);
        assert_eq!(Responder::read_init(&gateway, &init, &mut noise(4)).err(), Some(HandshakeError::Noise));

        let mut honest = reference(&init[..8], &secret(2), None, Box::new(DefaultResolver));
        assert!(honest.read_message(&init[8..200], &mut [0; 256]).is_ok(), "the attack is a real one");
    }
}

#[test]
fn a42_a_response_with_a_low_order_ephemeral_is_refused_and_spoils_nothing() {
    let (client, gateway) = (key(1), key(2));
    for point in low_order_points() {
        let (mut initiator, init) = dial(&client, &gateway);
        let resolver = Box::new(LowOrder { point, which: Which::Ephemeral });
        let mut snow = reference(&init[..8], &secret(2), None, resolver);
        let resp = snow_answers(&mut snow, &init, &client.public()).expect("snow reads INIT");
        assert_eq!(initiator.read_response(&resp).err(), Some(HandshakeError::Noise));

        let incoming = Responder::read_init(&gateway, &init, &mut noise(4)).expect("INIT");
        let (genuine, _) = incoming.respond(SESSION, granted()).expect("RESP");
        assert!(initiator.read_response(&genuine).is_ok());
    }
}

#[test]
fn a42_no_handshake_begins_with_a_gateway_key_of_low_order() {
    for point in low_order_points() {
        let refused = Initiator::new(&key(1), &PublicKey::from_bytes(point), SENDER, &offered(), &mut noise(3)).err();
        assert_eq!(refused, Some(HandshakeError::Noise));
    }
}

fn dial(client: &StaticKey, gateway: &StaticKey) -> (Initiator, [u8; INIT_LEN]) {
    Initiator::new(client, &gateway.public(), SENDER, &offered(), &mut noise(3)).expect("an honest key")
}

fn reference(
    clear: &[u8],
    private: &[u8],
    remote: Option<&PublicKey>,
    resolver: Box<dyn CryptoResolver + Send>,
) -> HandshakeState {
    let prologue = [b"JV/1", clear].concat();
    let builder = Builder::with_resolver(PATTERN.parse().expect("a pattern"), resolver);
    let builder = builder.local_private_key(private).and_then(|builder| builder.psk(2, &PSK)).expect("a key");
    let builder = builder.prologue(&prologue).expect("a prologue");
    match remote {
        Some(remote) => builder.remote_public_key(remote.as_bytes()).and_then(Builder::build_initiator),
        None => builder.build_responder(),
    }
    .expect("a state")
}

fn snow_dials(
    private: &[u8],
    gateway: &PublicKey,
    resolver: Box<dyn CryptoResolver + Send>,
) -> (HandshakeState, [u8; INIT_LEN]) {
    let mut init = [0; INIT_LEN];
    init[..8].copy_from_slice(&[1, 1, 0, 0, 0x44, 0x33, 0x22, 0x11]);
    let mut snow = reference(&init[..8], private, Some(gateway), resolver);
    assert_eq!(snow.write_message(&init_payload(), &mut init[8..200]), Ok(192));
    forge::mac1(&mut init, gateway);
    (snow, init)
}

fn snow_answers(snow: &mut HandshakeState, init: &[u8; INIT_LEN], client: &PublicKey) -> Result<[u8; RESP_LEN], Error> {
    let mut payload = [0; 256];
    assert_eq!(snow.read_message(&init[8..200], &mut payload)?, 96);
    assert_eq!(payload[..6], init_payload()[..6]);
    let mut resp = [0; RESP_LEN];
    resp[..12].copy_from_slice(&[2, 1, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
    assert_eq!(snow.write_message(&resp_payload(), &mut resp[12..198])?, 186);
    forge::mac1(&mut resp, client);
    Ok(resp)
}

/// The payload of INIT, written by hand.
fn init_payload() -> [u8; 96] {
    let mut payload = [0; 96];
    payload[..6].copy_from_slice(&[1, 1, 3, 0, 1, 8]);
    payload[56] = 1;
    payload
}

/// The payload of RESP, written by hand.
fn resp_payload() -> Vec<u8> {
    let mut payload = [[0xa0; 16], [0xb0; 16]].concat();
    payload.extend(7_u64.to_le_bytes());
    payload.extend(0xdead_beef_u32.to_le_bytes());
    payload.extend([1, 1, 1, 8]);
    payload.extend([86_400_u32, 120_000, 30_000].map(u32::to_le_bytes).concat());
    payload.extend([25_000_u16, 50, 30, 1_000, 10, 1_420].map(u16::to_le_bytes).concat());
    payload.extend(9_u64.to_le_bytes());
    payload.extend([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    payload.extend([1, SESSION].map(u32::to_le_bytes).concat());
    payload.extend([0; 42]);
    payload
}

/// Seals the content of the vector as DATA.
fn datagram(established: &Established, data: &Value, rekey: &Value) -> Vec<u8> {
    let root = match number(&data["epoch"]) {
        0 => established.root.clone(),
        _ => established.root.mix(&bytes(&rekey["shared"]), &bytes(&rekey["transcript"])),
    };
    let suite = if data["suite"] == 1 { Suite::ChaCha20Poly1305 } else { Suite::Aes256Gcm };
    let role = if data["from"] == "client" { Role::Client } else { Role::Gateway };
    let (seal, _) = epoch_keys(&root, suite, role);
    let (flags, counter, text) = (number(&data["flags"]) as u8, number(&data["counter"]), bytes(&data["plaintext"]));
    assert_eq!(number(&data["receiver"]), u64::from(established.peer_index));

    let mut out = vec![0; 32 + text.len()];
    write_data_header(&mut out, flags, established.peer_index, counter);
    out[16..16 + text.len()].copy_from_slice(&text);
    assert_eq!(seal.seal(counter, &data_aad(flags), &mut out[16..], text.len()), Ok(text.len() + 16));
    out
}

#[derive(Clone, Copy)]
enum Which {
    Static,
    Ephemeral,
}

/// An attacker's primitives: one of its keys is a point of low order, so the result of each agreement with it is known
/// to be zero.
struct LowOrder {
    point: [u8; 32],
    which: Which,
}

impl CryptoResolver for LowOrder {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        DefaultResolver.resolve_rng()
    }
    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        let honest = DefaultResolver.resolve_dh(choice)?;
        Some(Box::new(LowOrderDh { honest, point: self.point, which: self.which, is_low: false }))
    }
    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }
    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

struct LowOrderDh {
    honest: Box<dyn Dh>,
    point: [u8; 32],
    which: Which,
    is_low: bool,
}

impl Dh for LowOrderDh {
    fn name(&self) -> &'static str {
        self.honest.name()
    }
    fn pub_len(&self) -> usize {
        32
    }
    fn priv_len(&self) -> usize {
        32
    }
    fn set(&mut self, privkey: &[u8]) {
        self.is_low = matches!(self.which, Which::Static);
        self.honest.set(privkey);
    }
    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        self.is_low = matches!(self.which, Which::Ephemeral);
        self.honest.generate(rng)
    }
    fn pubkey(&self) -> &[u8] {
        if self.is_low { &self.point } else { self.honest.pubkey() }
    }
    fn privkey(&self) -> &[u8] {
        self.honest.privkey()
    }
    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        if self.is_low {
            out[..32].fill(0);
            return Ok(());
        }
        self.honest.dh(pubkey, out)
    }
}

fn low_order_points() -> Vec<[u8; 32]> {
    let file = read("x25519.json");
    let points = file["lowOrder"].as_array().expect("a list");
    assert_eq!(points.len(), 14);
    points.iter().map(|point| bytes(point).try_into().expect("32 bytes")).collect()
}

fn static_key(hex: &Value) -> StaticKey {
    StaticKey::generate(&mut queue(&[hex]))
}

/// Returns prepared bytes, one draw after the other.
fn queue(draws: &[&Value]) -> impl FnMut(&mut [u8]) + use<> {
    let mut left: VecDeque<Vec<u8>> = draws.iter().map(|draw| bytes(draw)).collect();
    move |out| out.copy_from_slice(&left.pop_front().expect("one more draw"))
}

fn read(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(&path).expect(&path)).expect(&path)
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("a hexadecimal text");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
}
