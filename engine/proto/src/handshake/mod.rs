//! The handshake `Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s` and its envelope. Source: docs/spec/wire.md, "Handshake".
//!
//! ```text
//!  client                                        gateway
//!    │ INIT: e, {static}, {what is offered}         │   size → mac1 → (mac2 under load) → one DH: which client?
//!    ├─────────────────────────────────────────────►│
//!    │         RESP: e, {session, what is granted}  │   pending: nothing is confirmed yet
//!    │◄─────────────────────────────────────────────┤
//!    │ DATA{ATTACH}: proof that the keys are held   │
//!    ├─────────────────────────────────────────────►│
//! ```
//!
//! Every clear byte is bound to the handshake. The prologue covers INIT's. RESP's version, flags and receiver have only
//! one valid value; its session index is taken from the sealed payload only; all of them enter the root key.

mod cookie;
mod primitives;

use std::fmt;

pub use cookie::{COOKIE_PERIOD_US, CookieJar, CookieValue, Mac1Key, Mac2, check_mac1};
use snow::HandshakeState;
use zeroize::{Zeroize, Zeroizing};

use crate::vocabulary::blame::DropKind;
use crate::{
    crypto::hash::hash,
    crypto::keyfile::{PublicKey, StaticKey},
    crypto::keys::Root,
    vocabulary::Fill,
    wire::{
        COOKIE_LEN, INIT_CLEAR, INIT_LEN, INIT_MAC1, INIT_MAC2, INIT_PAYLOAD_LEN, INIT_PQ_REQUIRED, InitPayload, Kind,
        MAC, PQ_OFF, PayloadError, RESP_CLEAR, RESP_LEN, RESP_MAC1, RESP_MAC2, RESP_PAYLOAD_LEN, RespPayload,
        TYPE_INIT, TYPE_RESP, VERSION, WireError, peek,
    },
};

/// Why a handshake message has no effect. Unless the message was authentic (`Payload`, `PqUnsupported`, `NotOffered`),
/// the handshake is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeError {
    Wire(WireError),
    /// Not the expected message (another type, or the index of another handshake).
    NotOurs,
    /// mac1 is wrong, or mac2 of a RESP is not zero.
    Mac,
    /// The peer did not seal it for this handshake, or a point has low order.
    Noise,
    Payload(PayloadError),
    /// The client requires a post-quantum exchange, which this version does not have.
    PqUnsupported,
    /// RESP grants what INIT did not offer.
    NotOffered,
    /// RESP was already read.
    Finished,
}

impl HandshakeError {
    /// The kind under which the drop is counted.
    pub const fn kind(self) -> DropKind {
        match self {
            Self::Wire(error) => error.kind(),
            Self::NotOurs => DropKind::HandshakeNotOurs,
            Self::Mac => DropKind::HandshakeMac,
            Self::Noise => DropKind::HandshakeForged,
            Self::Payload(_) => DropKind::HandshakePayload,
            Self::PqUnsupported => DropKind::PqUnsupported,
            Self::NotOffered => DropKind::HandshakeNotOffered,
            Self::Finished => DropKind::HandshakeFinished,
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().explained().text)
    }
}

impl std::error::Error for HandshakeError {}

impl From<WireError> for HandshakeError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<PayloadError> for HandshakeError {
    fn from(error: PayloadError) -> Self {
        Self::Payload(error)
    }
}

impl From<snow::Error> for HandshakeError {
    fn from(_: snow::Error) -> Self {
        Self::Noise
    }
}

/// The state of both ends after RESP.
#[derive(Debug)]
pub struct Established {
    pub root: Root,
    pub remote_static: PublicKey,
    /// Index under which the peer receives: the session index on the client, INIT's sender index on the gateway.
    pub peer_index: u32,
    pub response: RespPayload,
}

/// The client's side of one handshake. One INIT, sent as often and on as many paths as needed.
#[derive(Debug)]
pub struct Initiator {
    state: HandshakeState,
    init: [u8; INIT_LEN],
    sender_index: u32,
    local: PublicKey,
    remote: PublicKey,
    offered: InitPayload,
}

impl Initiator {
    /// Draws an ephemeral key and writes INIT with a zero mac2. Refuses a remote key of low order (`Noise`).
    pub fn new(
        local: &StaticKey,
        remote: &PublicKey,
        sender_index: u32,
        payload: &InitPayload,
        fill: Fill<'_>,
    ) -> Result<(Self, [u8; INIT_LEN]), HandshakeError> {
        let mut init = [0; INIT_LEN];
        init[0] = TYPE_INIT;
        init[1] = VERSION;
        init[4..INIT_CLEAR].copy_from_slice(&sender_index.to_le_bytes());
        let mut state = primitives::initiator(local, remote, init_clear(&init), draw(fill))?;
        let mut random = [0; 32];
        fill(&mut random);
        state.write_message(&payload.encode(random), &mut init[INIT_CLEAR..INIT_MAC1])?;
        let mac1 = cookie::mac1_of(remote, &init[..INIT_MAC1]);
        init[INIT_MAC1..INIT_MAC2].copy_from_slice(&mac1);
        let initiator =
            Self { state, init, sender_index, local: local.public(), remote: *remote, offered: payload.clone() };
        Ok((initiator, init))
    }

    pub fn sender_index(&self) -> u32 {
        self.sender_index
    }

    /// The cookie inside a COOKIE that answers this INIT; `None` for any other or forged COOKIE.
    pub fn read_cookie(&self, message: &[u8; COOKIE_LEN]) -> Option<CookieValue> {
        cookie::open_cookie(&self.remote, &self.init, message)
    }

    /// The same INIT with mac2 for the path on which the cookie was received.
    pub fn with_cookie(&self, cookie: &CookieValue) -> [u8; INIT_LEN] {
        let mut init = self.init;
        cookie::write_mac2(&mut init, cookie);
        init
    }

    /// Reads RESP. After a forged message the handshake can still read the genuine one.
    pub fn read_response(&mut self, message: &[u8]) -> Result<Established, HandshakeError> {
        if peek(message)? != Kind::Resp || message[8..RESP_CLEAR] != self.sender_index.to_le_bytes() {
            return Err(HandshakeError::NotOurs);
        }
        if self.state.is_handshake_finished() {
            return Err(HandshakeError::Finished);
        }
        if message[RESP_MAC2..] != [0; MAC] || !check_mac1(&self.local, message) {
            return Err(HandshakeError::Mac);
        }
        let mut payload = [0; RESP_PAYLOAD_LEN];
        // On an error snow restores its symmetric state, and the next RESP brings its own e: nothing of the forgery
        // remains.
        self.state.read_message(&message[RESP_CLEAR..RESP_MAC1], &mut payload)?;
        // Only the sealed session index is used: a change of the clear copy has no effect.
        let (response, peer_index) = RespPayload::decode(&payload)?;
        self.check_granted(&response)?;
        let root = root(&mut self.state, &resp_clear(peer_index, self.sender_index))?;
        Ok(Established { root, remote_static: self.remote, peer_index, response })
    }

    fn check_granted(&self, response: &RespPayload) -> Result<(), HandshakeError> {
        let offered = &self.offered;
        let granted = (offered.proto_min..=offered.proto_max).contains(&response.proto)
            && offered.suites & response.suite.bit() != 0
            && response.pq_mode.is_power_of_two()
            && offered.pq_modes & response.pq_mode != 0
            && u64::from(response.capabilities) & !offered.capabilities == 0;
        if granted { Ok(()) } else { Err(HandshakeError::NotOffered) }
    }
}

/// The gateway's side.
#[derive(Debug)]
pub struct Responder;

impl Responder {
    /// Opens an INIT whose mac1 (and, under load, mac2) the caller has checked. Returns the client's key and offer. The
    /// caller must check that the key is known before it answers. `fill` provides the ephemeral key of the answer.
    pub fn read_init(local: &StaticKey, message: &[u8], fill: Fill<'_>) -> Result<IncomingInit, HandshakeError> {
        if peek(message)? != Kind::Init {
            return Err(HandshakeError::NotOurs);
        }
        let init: &[u8; INIT_LEN] = message.try_into().map_err(|_| WireError::Length)?;
        let mut state = primitives::responder(local, init_clear(init), draw(fill))?;
        let mut payload = [0; INIT_PAYLOAD_LEN];
        state.read_message(&init[INIT_CLEAR..INIT_MAC1], &mut payload)?;
        let payload = InitPayload::decode(&payload)?;
        #[cfg(any(test, feature = "planted-panic"))]
        crate::vocabulary::planted::stumble_over(&payload.policy_digest);
        let flags = u16::from_le_bytes([init[2], init[3]]);
        if flags & INIT_PQ_REQUIRED != 0 || payload.pq_modes & PQ_OFF == 0 {
            return Err(HandshakeError::PqUnsupported);
        }
        let remote = state.get_remote_static().and_then(|key| key.try_into().ok()).ok_or(HandshakeError::Noise)?;
        let sender_index = u32::from_le_bytes([init[4], init[5], init[6], init[7]]);
        Ok(IncomingInit {
            state,
            sender_index,
            remote_static: PublicKey::from_bytes(remote),
            payload,
            init_hash: init_hash(init),
        })
    }
}

/// An INIT that was opened but not answered yet.
#[derive(Debug)]
pub struct IncomingInit {
    state: HandshakeState,
    sender_index: u32,
    pub remote_static: PublicKey,
    pub payload: InitPayload,
    /// See [`init_hash`].
    pub init_hash: [u8; 32],
}

impl IncomingInit {
    /// Writes RESP. `session_index` is the index under which this end receives. Suite, mode and capabilities must be
    /// among the offered ones.
    pub fn respond(
        self,
        session_index: u32,
        payload: RespPayload,
    ) -> Result<([u8; RESP_LEN], Established), HandshakeError> {
        let Self { mut state, sender_index, remote_static, .. } = self;
        let mut resp = [0; RESP_LEN];
        resp[..RESP_CLEAR].copy_from_slice(&resp_clear(session_index, sender_index));
        state.write_message(&payload.encode(session_index)?, &mut resp[RESP_CLEAR..RESP_MAC1])?;
        let mac1 = cookie::mac1_of(&remote_static, &resp[..RESP_MAC1]);
        resp[RESP_MAC1..RESP_MAC2].copy_from_slice(&mac1);
        let root = root(&mut state, &resp[..RESP_CLEAR])?;
        Ok((resp, Established { root, remote_static, peer_index: sender_index, response: payload }))
    }
}

/// The key of a cached RESP: the hash of INIT without mac2, because the same INIT may arrive with several cookies.
pub fn init_hash(init: &[u8; INIT_LEN]) -> [u8; 32] {
    hash(&[&init[..INIT_MAC2]])
}

fn init_clear(init: &[u8; INIT_LEN]) -> [u8; INIT_CLEAR] {
    let mut clear = [0; INIT_CLEAR];
    clear.copy_from_slice(&init[..INIT_CLEAR]);
    clear
}

fn resp_clear(session_index: u32, receiver: u32) -> [u8; RESP_CLEAR] {
    let mut clear = [TYPE_RESP, VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    clear[4..8].copy_from_slice(&session_index.to_le_bytes());
    clear[8..].copy_from_slice(&receiver.to_le_bytes());
    clear
}

fn draw(fill: Fill<'_>) -> Zeroizing<[u8; 32]> {
    let mut seed = Zeroizing::new([0; 32]);
    fill(seed.as_mut());
    seed
}

/// root₀ = HKDF(salt h, both halves of the split, "JV/1 root" ‖ clear header of RESP).
fn root(state: &mut HandshakeState, resp_header: &[u8]) -> Result<Root, HandshakeError> {
    let hash: [u8; 32] = state.get_handshake_hash().try_into().map_err(|_| HandshakeError::Noise)?;
    let (mut first, mut second) = state.dangerously_get_raw_split();
    let mut split = Zeroizing::new([0; 64]);
    split[..32].copy_from_slice(&first);
    split[32..].copy_from_slice(&second);
    first.zeroize();
    second.zeroize();
    Ok(Root::from_handshake(&split, &hash, resp_header))
}
