//! Datagrams as they are visible on the wire. Little-endian. Source: docs/spec/wire.md, "Datagrams".
//!
//! ```text
//! INIT   ┌type┬ver┬flags┬sender index┬─ e ─┬ {static} ┬ {payload} ┬ mac1 ┬ mac2 ┐   232
//!        0    1   2     4            8     40         88          200    216
//! RESP   ┌type┬ver┬flags┬session index┬receiver┬─ e ─┬ {payload} ┬ mac1 ┬ mac2 ┐    230
//!        0    1   2     4             8        12    44          198    214
//! COOKIE ┌type┬ver┬flags┬receiver┬─ nonce ─┬ {cookie} ┐                              64
//!        0    1   2     4        8         32
//! HINT   ┌type┬ver┬code┬receiver┐                                                    8
//!        0    1   2    4
//! DATA   ┌type┬flags┬zero┬receiver┬counter┬ ciphertext … ┬ tag ┐                 32 + n
//!        0    1     2    4        8       16
//! ```

pub(crate) mod codec;
mod payload;
mod standing;
mod text;

use crate::vocabulary::blame::DropKind;
use std::fmt;

pub use payload::{
    CAP_PARTIAL_CHECKSUM, CAP_REDUNDANT, CAP_SWITCH_DENY, INIT_PAYLOAD_LEN, InitPayload, PQ_OFF, PayloadError,
    RESP_PAYLOAD_LEN, RespPayload, Suite,
};
pub use standing::Standing;
pub use text::{DETAIL_MAX, Detail, REASON_MAX, Reason};

/// Byte 1 of every handshake message, COOKIE and HINT.
pub const VERSION: u8 = 1;

pub const TYPE_INIT: u8 = 0x01;
pub const TYPE_RESP: u8 = 0x02;
const TYPE_RESUME_INIT: u8 = 0x03;
pub const TYPE_COOKIE: u8 = 0x04;
const TYPE_RESUME_RESP: u8 = 0x05;
const TYPE_RESUME_DENY: u8 = 0x06;
pub const TYPE_HINT: u8 = 0x07;
pub const TYPE_DATA: u8 = 0x10;

/// Length of an AEAD tag.
pub const TAG: usize = 16;
/// Length of mac1, mac2 and a cookie.
pub const MAC: usize = 16;

/// Clear bytes of INIT before e; they are part of the prologue.
pub const INIT_CLEAR: usize = 8;
pub const INIT_MAC1: usize = INIT_CLEAR + 32 + 32 + TAG + INIT_PAYLOAD_LEN + TAG;
pub const INIT_MAC2: usize = INIT_MAC1 + MAC;
pub const INIT_LEN: usize = INIT_MAC2 + MAC;

/// Clear bytes of RESP before e; they are mixed into the root key.
pub const RESP_CLEAR: usize = 12;
pub const RESP_MAC1: usize = RESP_CLEAR + 32 + RESP_PAYLOAD_LEN + TAG;
pub const RESP_MAC2: usize = RESP_MAC1 + MAC;
pub const RESP_LEN: usize = RESP_MAC2 + MAC;

pub const COOKIE_NONCE: usize = 8;
pub const COOKIE_SEALED: usize = 32;
pub const COOKIE_LEN: usize = COOKIE_SEALED + MAC + TAG;

pub const HINT_LEN: usize = 8;

/// Offset of the receiver index in DATA, and of the sender index in INIT.
pub const INDEX_AT: usize = 4;

/// Clear bytes before the ciphertext of DATA.
pub const DATA_HEADER: usize = 16;
/// Length of a DATA with an empty plaintext: the keepalive.
pub const DATA_LEN_MIN: usize = DATA_HEADER + TAG;
/// Number of header bytes of DATA that the seal covers. The receiver index is not covered, so that one ciphertext can
/// be sent on two paths.
pub const DATA_AAD: usize = 4;

/// Flag b0 of INIT: the client refuses a session without the post-quantum exchange.
pub const INIT_PQ_REQUIRED: u16 = 1;
/// Flag b0 of DATA: parity of the key epoch.
pub const DATA_EPOCH: u8 = 1;
/// Flag b1 of DATA: the inner L4 checksum is partial.
pub const DATA_CSUM_PARTIAL: u8 = 2;

const _: () = {
    // docs/spec/wire.md fixes these lengths. RESP must not be longer than INIT, so that the answer cannot be used for
    // amplification.
    assert!(INIT_MAC1 == 200 && INIT_LEN == 232);
    assert!(RESP_LEN == 230 && RESP_LEN <= INIT_LEN);
    assert!(COOKIE_LEN == 64 && COOKIE_LEN <= INIT_LEN);
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Init,
    Resp,
    Cookie,
    Hint,
    Data,
}

/// Why bytes are not a datagram of this protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    Empty,
    /// Not a type of this protocol.
    UnknownType(u8),
    /// `RESUME_INIT`, `RESUME_RESP` or `RESUME_DENY`: reserved, not supported by this version.
    Resume(u8),
    /// Too short, too long, or not the fixed length of the type.
    Length,
    Version(u8),
    /// A bit that has no meaning in this version, or a zero field that is not zero.
    Reserved,
}

impl WireError {
    /// The kind under which the drop is counted.
    pub const fn kind(self) -> DropKind {
        match self {
            Self::Empty => DropKind::EmptyDatagram,
            Self::UnknownType(_) => DropKind::UnknownType,
            Self::Resume(_) => DropKind::ResumeUnsupported,
            Self::Length => DropKind::WrongLength,
            Self::Version(_) => DropKind::WrongVersion,
            Self::Reserved => DropKind::ReservedBits,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().explained().text)
    }
}

impl std::error::Error for WireError {}

/// The clear fields of a handshake's first message.
#[derive(Debug)]
pub struct Init<'a> {
    pub sender: u32,
    pub bytes: &'a [u8; INIT_LEN],
}

/// The clear fields of a handshake's answer.
#[derive(Debug)]
pub struct Resp<'a> {
    /// The gateway's index for the session.
    pub session_index: u32,
    /// INIT's sender index.
    pub receiver: u32,
    pub bytes: &'a [u8; RESP_LEN],
}

#[derive(Debug)]
pub struct Cookie<'a> {
    /// INIT's sender index.
    pub receiver: u32,
    pub bytes: &'a [u8; COOKIE_LEN],
}

#[derive(Debug)]
pub enum Datagram<'a> {
    Init(Init<'a>),
    Resp(Resp<'a>),
    Cookie(Cookie<'a>),
    /// Unauthenticated: it causes at most an early probe or dial.
    Hint {
        code: u16,
        receiver: u32,
    },
    /// `body` is the ciphertext followed by its tag.
    Data {
        flags: u8,
        receiver: u32,
        counter: u64,
        body: &'a mut [u8],
    },
}

impl<'a> Datagram<'a> {
    /// Splits a datagram into its clear fields. Does not authenticate anything.
    pub fn parse(bytes: &'a mut [u8]) -> Result<Self, WireError> {
        match peek(bytes)? {
            Kind::Data => {
                let (header, body) = bytes.split_first_chunk_mut::<DATA_HEADER>().ok_or(WireError::Length)?;
                Ok(Self::Data { flags: header[1], receiver: u32_at(header, 4)?, counter: u64_at(header, 8)?, body })
            }
            Kind::Init => {
                let bytes = exact(bytes)?;
                Ok(Self::Init(Init { sender: u32_at(bytes, 4)?, bytes }))
            }
            Kind::Resp => {
                let bytes = exact(bytes)?;
                Ok(Self::Resp(Resp { session_index: u32_at(bytes, 4)?, receiver: u32_at(bytes, 8)?, bytes }))
            }
            Kind::Cookie => {
                let bytes = exact(bytes)?;
                Ok(Self::Cookie(Cookie { receiver: u32_at(bytes, 4)?, bytes }))
            }
            Kind::Hint => {
                Ok(Self::Hint { code: u16::from_le_bytes([bytes[2], bytes[3]]), receiver: u32_at(bytes, 4)? })
            }
        }
    }
}

/// The type of a datagram. Checks length, version and reserved bits.
pub fn peek(bytes: &[u8]) -> Result<Kind, WireError> {
    let kind = *bytes.first().ok_or(WireError::Empty)?;
    match kind {
        TYPE_DATA => peek_data(bytes),
        TYPE_INIT => peek_versioned(bytes, INIT_LEN, INIT_PQ_REQUIRED, Kind::Init),
        TYPE_RESP => peek_versioned(bytes, RESP_LEN, 0, Kind::Resp),
        TYPE_COOKIE => peek_versioned(bytes, COOKIE_LEN, 0, Kind::Cookie),
        TYPE_HINT => peek_versioned(bytes, HINT_LEN, u16::MAX, Kind::Hint),
        TYPE_RESUME_INIT | TYPE_RESUME_RESP | TYPE_RESUME_DENY => Err(WireError::Resume(kind)),
        _ => Err(WireError::UnknownType(kind)),
    }
}

fn peek_data(bytes: &[u8]) -> Result<Kind, WireError> {
    if bytes.len() < DATA_LEN_MIN {
        return Err(WireError::Length);
    }
    if bytes[1] & !(DATA_EPOCH | DATA_CSUM_PARTIAL) != 0 || bytes[2] != 0 || bytes[3] != 0 {
        return Err(WireError::Reserved);
    }
    Ok(Kind::Data)
}

fn peek_versioned(bytes: &[u8], len: usize, flags_allowed: u16, kind: Kind) -> Result<Kind, WireError> {
    if bytes.len() != len {
        return Err(WireError::Length);
    }
    if bytes[1] != VERSION {
        return Err(WireError::Version(bytes[1]));
    }
    if u16::from_le_bytes([bytes[2], bytes[3]]) & !flags_allowed != 0 {
        return Err(WireError::Reserved);
    }
    Ok(kind)
}

/// Writes the 16 clear bytes of a DATA. `out` must have at least 16 bytes.
#[inline]
pub fn write_data_header(out: &mut [u8], flags: u8, receiver: u32, counter: u64) {
    out[..DATA_AAD].copy_from_slice(&data_aad(flags));
    write_receiver(out, receiver);
    out[8..DATA_HEADER].copy_from_slice(&counter.to_le_bytes());
}

/// Replaces the receiver index of a sealed DATA, to send one ciphertext on a second path.
#[inline]
pub fn write_receiver(datagram: &mut [u8], receiver: u32) {
    datagram[4..8].copy_from_slice(&receiver.to_le_bytes());
}

/// The header bytes of DATA that the seal covers.
#[inline]
pub const fn data_aad(flags: u8) -> [u8; DATA_AAD] {
    [TYPE_DATA, flags, 0, 0]
}

/// HINT: the gateway does not know `receiver`.
pub fn hint(code: u16, receiver: u32) -> [u8; HINT_LEN] {
    let mut out = [TYPE_HINT, VERSION, 0, 0, 0, 0, 0, 0];
    out[2..4].copy_from_slice(&code.to_le_bytes());
    out[4..].copy_from_slice(&receiver.to_le_bytes());
    out
}

/// Code of a HINT: the gateway does not know the index.
pub const HINT_UNKNOWN_INDEX: u16 = 1;

fn exact<const N: usize>(bytes: &mut [u8]) -> Result<&[u8; N], WireError> {
    (&*bytes).try_into().map_err(|_| WireError::Length)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, WireError> {
    let field = bytes.get(at..at + 4).and_then(|field| field.try_into().ok());
    field.map(u32::from_le_bytes).ok_or(WireError::Length)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, WireError> {
    let field = bytes.get(at..at + 8).and_then(|field| field.try_into().ok());
    field.map(u64::from_le_bytes).ok_or(WireError::Length)
}
