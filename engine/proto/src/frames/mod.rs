//! Frames: the control messages of the two ends inside sealed DATA.
//!
//! ```text
//! plaintext of one DATA, at most 1200 bytes and 16 frames:
//! ┌──────┬────────┬──────┬──────┬────────┬──────┬─
//! │ type │ length │ body │ type │ length │ body │ …
//! └──────┴────────┴──────┴──────┴────────┴──────┴─
//!    1       2     length
//! ```
//!
//! A type is below 0x40, so the first byte of a plaintext distinguishes frames from an IP packet (first nibble 4 or 6).

mod layout;

pub use crate::wire::{DETAIL_MAX, Detail, REASON_MAX, Reason};
pub use layout::{
    Assign, Attach, AttachAck, AttachKind, Close, DNS_MAX, MTU_MIN, PathClose, PathToken, Probe, ProbeReply, Rekey,
    Scope, Status, Switch, SwitchAck, SwitchDeny, SwitchRequest,
};

pub use crate::messages::Transport;
pub use crate::wire::codec::Malformed;
use crate::wire::codec::{Field, Reader, decode_whole};

/// Maximum bytes of frames in one DATA, without PAD: the IPv6 minimum MTU minus the IPv6, UDP and DATA headers and the
/// tag (1200 ≤ 1280 − 40 − 8 − 32).
pub const FRAMES_LEN_MAX: usize = 1200;
/// Maximum number of frames in one DATA; honest ends send only a few.
pub const FRAMES_MAX: usize = 16;
/// Length of type and length before each body.
pub const FRAME_HEADER: usize = 3;
/// The first value of the first byte that cannot begin a frame.
pub const FRAME_TYPE_END: u8 = 0x40;

/// Why a plaintext is not a list of frames. As the message is authenticated, no honest peer causes any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// More than 1200 bytes without PAD.
    TooLong,
    /// More than 16 frames.
    TooMany,
    /// The plaintext ends inside a frame.
    Truncated,
    /// A type that this protocol version does not have.
    Unknown(u8),
    /// A type that is reserved for a feature that was not negotiated (`KEM_*`, `TICKET*`, `POLICY_HINT`).
    Unsupported(u8),
    /// The body of a frame of this type is malformed.
    Body(u8, Malformed),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => write!(f, "frames of more than {FRAMES_LEN_MAX} bytes"),
            Self::TooMany => write!(f, "more than {FRAMES_MAX} frames"),
            Self::Truncated => f.write_str("a frame is cut off"),
            Self::Unknown(kind) => write!(f, "unknown frame type {kind:#04x}"),
            Self::Unsupported(kind) => write!(f, "frame type {kind:#04x} was not negotiated"),
            Self::Body(kind, why) => write!(f, "body of frame type {kind:#04x}: {why:?}"),
        }
    }
}

impl std::error::Error for FrameError {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Attach(Attach),
    AttachAck(AttachAck),
    PathChallenge(PathToken),
    PathResponse(PathToken),
    /// The path works but is no longer preferred (RFC 9853).
    PathDrop(PathToken),
    Switch(Switch),
    SwitchAck(SwitchAck),
    SwitchRequest(SwitchRequest),
    SwitchDeny(SwitchDeny),
    Assign(Assign),
    AssignAck {
        id: u32,
    },
    PathClose(PathClose),
    Probe(Probe),
    ProbeReply(ProbeReply),
    /// The gateway asks the client to rekey and names the epoch that should begin.
    RekeyRequest {
        epoch: u32,
    },
    RekeyInit(Rekey),
    RekeyResp(Rekey),
    Close(Close),
    CloseAck,
    Ping,
    /// This many zero bytes. They make the message as long as the packet size that it probes.
    Pad(u16),
}

const ATTACH: u8 = 0x01;
const ATTACH_ACK: u8 = 0x02;
const PATH_CHALLENGE: u8 = 0x03;
const PATH_RESPONSE: u8 = 0x04;
const PATH_DROP: u8 = 0x05;
const SWITCH: u8 = 0x06;
const SWITCH_ACK: u8 = 0x07;
const SWITCH_REQUEST: u8 = 0x08;
const ASSIGN: u8 = 0x09;
const ASSIGN_ACK: u8 = 0x0a;
const PATH_CLOSE: u8 = 0x0b;
const PROBE: u8 = 0x0c;
const PROBE_REPLY: u8 = 0x0d;
const REKEY_REQUEST: u8 = 0x0e;
const REKEY_INIT: u8 = 0x0f;
const REKEY_RESP: u8 = 0x10;
const KEM_EK: u8 = 0x11;
const KEM_CT: u8 = 0x12;
const CLOSE: u8 = 0x13;
const CLOSE_ACK: u8 = 0x14;
const TICKET: u8 = 0x15;
const TICKET_ACK: u8 = 0x16;
const PING: u8 = 0x17;
const PAD: u8 = 0x18;
const POLICY_HINT: u8 = 0x19;
const SWITCH_DENY: u8 = 0x1a;

impl Frame {
    /// Appends type, length and body. The caller makes sure that one DATA has at most 1200 bytes without PAD.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[self.kind(), 0, 0]);
        self.put_body(out);
        let len = (out.len() - start - FRAME_HEADER) as u16;
        out[start + 1..start + FRAME_HEADER].copy_from_slice(&len.to_le_bytes());
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Attach(_) => ATTACH,
            Self::AttachAck(_) => ATTACH_ACK,
            Self::PathChallenge(_) => PATH_CHALLENGE,
            Self::PathResponse(_) => PATH_RESPONSE,
            Self::PathDrop(_) => PATH_DROP,
            Self::Switch(_) => SWITCH,
            Self::SwitchAck(_) => SWITCH_ACK,
            Self::SwitchRequest(_) => SWITCH_REQUEST,
            Self::SwitchDeny(_) => SWITCH_DENY,
            Self::Assign(_) => ASSIGN,
            Self::AssignAck { .. } => ASSIGN_ACK,
            Self::PathClose(_) => PATH_CLOSE,
            Self::Probe(_) => PROBE,
            Self::ProbeReply(_) => PROBE_REPLY,
            Self::RekeyRequest { .. } => REKEY_REQUEST,
            Self::RekeyInit(_) => REKEY_INIT,
            Self::RekeyResp(_) => REKEY_RESP,
            Self::Close(_) => CLOSE,
            Self::CloseAck => CLOSE_ACK,
            Self::Ping => PING,
            Self::Pad(_) => PAD,
        }
    }

    fn put_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Attach(body) => body.put(out),
            Self::AttachAck(body) => body.put(out),
            Self::PathChallenge(body) | Self::PathResponse(body) | Self::PathDrop(body) => body.put(out),
            Self::Switch(body) => body.put(out),
            Self::SwitchAck(body) => body.put(out),
            Self::SwitchRequest(body) => body.put(out),
            Self::SwitchDeny(body) => body.put(out),
            Self::Assign(body) => body.put(out),
            Self::AssignAck { id } => id.put(out),
            Self::PathClose(body) => body.put(out),
            Self::Probe(body) => body.put(out),
            Self::ProbeReply(body) => body.put(out),
            Self::RekeyRequest { epoch } => epoch.put(out),
            Self::RekeyInit(body) | Self::RekeyResp(body) => body.put(out),
            Self::Close(body) => body.put(out),
            Self::CloseAck | Self::Ping => {}
            Self::Pad(len) => out.resize(out.len() + usize::from(*len), 0),
        }
    }

    fn decode(kind: u8, body: &[u8]) -> Result<Self, FrameError> {
        let frame = match kind {
            ATTACH => decode_whole(body).map(Self::Attach),
            ATTACH_ACK => decode_whole(body).map(Self::AttachAck),
            PATH_CHALLENGE => decode_whole(body).map(Self::PathChallenge),
            PATH_RESPONSE => decode_whole(body).map(Self::PathResponse),
            PATH_DROP => decode_whole(body).map(Self::PathDrop),
            SWITCH => decode_whole(body).map(Self::Switch),
            SWITCH_ACK => decode_whole(body).map(Self::SwitchAck),
            SWITCH_REQUEST => decode_whole(body).map(Self::SwitchRequest),
            SWITCH_DENY => decode_whole(body).map(Self::SwitchDeny),
            ASSIGN => decode_whole(body).map(Self::Assign),
            ASSIGN_ACK => decode_whole(body).map(|id| Self::AssignAck { id }),
            PATH_CLOSE => decode_whole(body).map(Self::PathClose),
            PROBE => decode_whole(body).map(Self::Probe),
            PROBE_REPLY => decode_whole(body).map(Self::ProbeReply),
            REKEY_REQUEST => decode_whole(body).map(|epoch| Self::RekeyRequest { epoch }),
            REKEY_INIT => decode_whole(body).map(Self::RekeyInit),
            REKEY_RESP => decode_whole(body).map(Self::RekeyResp),
            CLOSE => decode_whole(body).map(Self::Close),
            CLOSE_ACK => Reader::new(body).end().map(|()| Self::CloseAck),
            PING => Reader::new(body).end().map(|()| Self::Ping),
            PAD => decode_pad(body),
            KEM_EK | KEM_CT | TICKET | TICKET_ACK | POLICY_HINT => return Err(FrameError::Unsupported(kind)),
            _ => return Err(FrameError::Unknown(kind)),
        };
        frame.map_err(|why| FrameError::Body(kind, why))
    }
}

fn decode_pad(body: &[u8]) -> Result<Frame, Malformed> {
    if body.iter().all(|&byte| byte == 0) { Ok(Frame::Pad(body.len() as u16)) } else { Err(Malformed::Value("pad")) }
}

/// The frames of one DATA in order, at most 16.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameList(Vec<Frame>);

impl FrameList {
    pub fn as_slice(&self) -> &[Frame] {
        &self.0
    }

    /// Contains PAD: the message is a probe of the path's packet size.
    pub fn is_padded(&self) -> bool {
        self.0.iter().any(|frame| matches!(frame, Frame::Pad(_)))
    }
}

impl IntoIterator for FrameList {
    type Item = Frame;
    type IntoIter = std::vec::IntoIter<Frame>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Decodes the frames of one DATA: all of them or none, so that the frames before a bad frame have no effect either. An
/// empty input is an empty list.
pub fn decode_all(plaintext: &[u8]) -> Result<FrameList, FrameError> {
    let mut input = Reader::new(plaintext);
    let mut frames = Vec::new();
    let mut len = 0;
    while !input.is_empty() {
        if frames.len() == FRAMES_MAX {
            return Err(FrameError::TooMany);
        }
        let (kind, body) = split_frame(&mut input).map_err(|_| FrameError::Truncated)?;
        len += if kind == PAD { 0 } else { FRAME_HEADER + body.len() };
        if len > FRAMES_LEN_MAX {
            return Err(FrameError::TooLong);
        }
        frames.push(Frame::decode(kind, body)?);
    }
    Ok(FrameList(frames))
}

fn split_frame<'a>(input: &mut Reader<'a>) -> Result<(u8, &'a [u8]), Malformed> {
    let kind = u8::take(input)?;
    let len = u16::take(input)?;
    Ok((kind, input.bytes(usize::from(len))?))
}
