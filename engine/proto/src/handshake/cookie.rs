//! mac1, mac2 and the cookie: what a handshake message must prove before a Diffie-Hellman is spent on it.
//!
//! mac1 shows that the sender knows the receiver's public key. Under load, the gateway answers an INIT with a cookie
//! for the address that it came from. mac2, keyed by that cookie, shows that the sender receives at this address. The
//! gateway keeps no state for either.

use std::{fmt, net::SocketAddr};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{AeadInOut, inout::InOutBuf},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    crypto::hash::{hash, mac16},
    crypto::keyfile::PublicKey,
    vocabulary::Fill,
    wire::{
        COOKIE_LEN, COOKIE_NONCE, COOKIE_SEALED, INIT_LEN, INIT_MAC1, INIT_MAC2, MAC, RESP_LEN, RESP_MAC1, TYPE_COOKIE,
        VERSION,
    },
};

/// A cookie is valid for 120 to 240 s: the secrets of the current period and of the one before are accepted.
pub const COOKIE_PERIOD_US: u64 = 120_000_000;

const LABEL_MAC1: &[u8] = b"JV/1 mac1";
const LABEL_COOKIE: &[u8] = b"JV/1 cookie";

/// What the mac2 of an INIT proves about the sender's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mac2 {
    /// All zeros: the sender has no cookie.
    Absent,
    /// The sender received a cookie at this address in this period or the one before.
    Valid,
    /// A cookie of another address, an expired cookie, or a forgery.
    Invalid,
}

/// A received cookie. It is valid for the address from which INIT was sent.
#[derive(Clone)]
pub struct CookieValue(Zeroizing<[u8; MAC]>);

impl fmt::Debug for CookieValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieValue(…)")
    }
}

/// Makes and checks cookies. Its size does not depend on the number of senders.
pub struct CookieJar {
    seed: Zeroizing<[u8; 32]>,
}

impl CookieJar {
    pub fn new(fill: Fill<'_>) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        fill(seed.as_mut());
        Self { seed }
    }

    /// The COOKIE message for an INIT that came from this address. It is shorter than the INIT.
    pub fn reply(
        &self,
        now_us: u64,
        from: SocketAddr,
        local: &PublicKey,
        init: &[u8; INIT_LEN],
        fill: Fill<'_>,
    ) -> [u8; COOKIE_LEN] {
        let mut out = [0; COOKIE_LEN];
        out[0] = TYPE_COOKIE;
        out[1] = VERSION;
        out[4..COOKIE_NONCE].copy_from_slice(&init[4..8]);
        fill(&mut out[COOKIE_NONCE..COOKIE_SEALED]);
        let mut nonce = [0; COOKIE_SEALED - COOKIE_NONCE];
        nonce.copy_from_slice(&out[COOKIE_NONCE..COOKIE_SEALED]);
        let (cookie_at, tag_at) = out[COOKIE_SEALED..].split_at_mut(MAC);
        cookie_at.copy_from_slice(&self.cookie(now_us / COOKIE_PERIOD_US, from));
        let tag = cookie_cipher(local)
            .encrypt_inout_detached(&nonce.into(), &init[INIT_MAC1..INIT_MAC2], InOutBuf::from(cookie_at))
            .expect("16 bytes are within the cipher's limit");
        tag_at.copy_from_slice(&tag);
        out
    }

    pub fn check_mac2(&self, now_us: u64, from: SocketAddr, init: &[u8; INIT_LEN]) -> Mac2 {
        let mac2 = &init[INIT_MAC2..];
        if mac2 == [0; MAC] {
            return Mac2::Absent;
        }
        let period = now_us / COOKIE_PERIOD_US;
        let valid = [Some(period), period.checked_sub(1)].into_iter().flatten().any(|period| {
            let expected = mac2_of(&self.cookie(period, from), init);
            bool::from(expected.ct_eq(mac2))
        });
        if valid { Mac2::Valid } else { Mac2::Invalid }
    }

    fn cookie(&self, period: u64, from: SocketAddr) -> [u8; MAC] {
        let ip = match from.ip().to_canonical() {
            std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(ip) => ip.octets(),
        };
        mac16(&self.seed, &[LABEL_COOKIE, &period.to_le_bytes(), &ip, &from.port().to_le_bytes()])
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieJar(…)")
    }
}

/// Checks mac1 of many INITs with one hash each.
pub struct Mac1Key([u8; 32]);

impl Mac1Key {
    pub fn of(receiver: &PublicKey) -> Self {
        Self(hash(&[LABEL_MAC1, receiver.as_bytes()]))
    }

    /// True if mac1 proves knowledge of the receiver's public key. The first check of a handshake message.
    pub fn proves(&self, init: &[u8; INIT_LEN]) -> bool {
        mac16(&self.0, &[&init[..INIT_MAC1]]).ct_eq(&init[INIT_MAC1..INIT_MAC2]).into()
    }
}

impl fmt::Debug for Mac1Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac1Key(…)")
    }
}

/// True if mac1 of this INIT or RESP proves knowledge of `receiver`'s public key. The first check of a handshake
/// message; costs two hashes.
pub fn check_mac1(receiver: &PublicKey, message: &[u8]) -> bool {
    let at = match message.len() {
        INIT_LEN => INIT_MAC1,
        RESP_LEN => RESP_MAC1,
        _ => return false,
    };
    mac1_of(receiver, &message[..at]).ct_eq(&message[at..at + MAC]).into()
}

pub(super) fn mac1_of(receiver: &PublicKey, before: &[u8]) -> [u8; MAC] {
    mac16(&hash(&[LABEL_MAC1, receiver.as_bytes()]), &[before])
}

/// Opens a COOKIE that answers this INIT; `None` if it does not.
pub(super) fn open_cookie(
    remote: &PublicKey,
    init: &[u8; INIT_LEN],
    message: &[u8; COOKIE_LEN],
) -> Option<CookieValue> {
    let nonce: [u8; COOKIE_SEALED - COOKIE_NONCE] = message[COOKIE_NONCE..COOKIE_SEALED].try_into().ok()?;
    let mut cookie = Zeroizing::new([0; MAC]);
    cookie.copy_from_slice(&message[COOKIE_SEALED..COOKIE_SEALED + MAC]);
    let tag: [u8; 16] = message[COOKIE_SEALED + MAC..].try_into().ok()?;
    cookie_cipher(remote)
        .decrypt_inout_detached(
            &nonce.into(),
            &init[INIT_MAC1..INIT_MAC2],
            InOutBuf::from(cookie.as_mut_slice()),
            &tag.into(),
        )
        .ok()?;
    Some(CookieValue(cookie))
}

pub(super) fn write_mac2(init: &mut [u8; INIT_LEN], cookie: &CookieValue) {
    let mac2 = mac2_of(&cookie.0, init);
    init[INIT_MAC2..].copy_from_slice(&mac2);
}

fn mac2_of(cookie: &[u8; MAC], init: &[u8; INIT_LEN]) -> [u8; MAC] {
    let mut key = Zeroizing::new([0; 32]);
    key[..MAC].copy_from_slice(cookie);
    mac16(&key, &[&init[..INIT_MAC2]])
}

fn cookie_cipher(responder: &PublicKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&hash(&[LABEL_COOKIE, responder.as_bytes()]).into())
}
