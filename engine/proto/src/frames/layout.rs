//! The fields of each frame, in their order on the wire. Source: docs/spec/wire.md, "Plaintext of DATA".

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::{Detail, Reason};
use crate::{
    messages::{Assignment, Transport},
    wire::codec::{Field, Malformed, Reader, byte_enum, layout},
};

/// Maximum number of DNS servers in one ASSIGN.
pub const DNS_MAX: usize = 4;
/// Smallest inner MTU: below it, Linux removes the IPv6 addresses of an interface (RFC 8200: 1280).
pub const MTU_MIN: u16 = 1280;

byte_enum! {
    /// What an ATTACH requests.
    pub enum AttachKind {
        /// A validated standby; the send path does not change. Ordered by its new path id.
        Candidate = 0,
        /// The path becomes the send path. Ordered by bind seq, as is `Revalidate`.
        Reattach = 1,
        /// The send path is validated again, perhaps from another address.
        Revalidate = 2,
    }
}

byte_enum! {
    /// The answer to ATTACH and SWITCH.
    pub enum Status {
        Ok = 0,
        /// Refused with a reason. If asking again may help, also with the time to wait before that.
        Denied = 1,
        /// Received but not decided yet: the sender asks again after the given time.
        Waiting = 2,
    }
}

byte_enum! {
    /// The scope of a CLOSE.
    pub enum Scope {
        Session = 0,
    }
}

layout! {
    pub struct Attach {
        pub kind: AttachKind,
        pub path: u32,
        pub bind_seq: u64,
        pub owner_epoch: u64,
        /// Index under which the sender receives on this path.
        pub index: u32,
        pub transport: Transport,
        /// Echoed by `ATTACH_ACK`; retries repeat it.
        pub challenge: [u8; 16],
        pub reason: Reason,
    }
}

layout! {
    pub struct AttachAck {
        pub status: Status,
        pub reason: Reason,
        pub retry_after_ms: u32,
        pub path: u32,
        pub bind_seq: u64,
        /// Index under which the sender of this answer receives on this path.
        pub index: u32,
        /// The challenge of the ATTACH.
        pub echo: [u8; 16],
        /// Must be answered by `PATH_RESPONSE`.
        pub challenge: [u8; 16],
        /// Version of the binding at the gateway.
        pub version: u64,
    }
}

layout! {
    /// Body of `PATH_CHALLENGE`, `PATH_RESPONSE` and `PATH_DROP`.
    pub struct PathToken {
        pub path: u32,
        pub token: [u8; 16],
    }
}

layout! {
    pub struct Switch {
        pub reason: Reason,
        pub redundant: bool,
        pub from: u32,
        pub to: u32,
        pub bind_seq: u64,
        /// The first counter that the sender uses on the new path.
        pub first_counter: u64,
    }
}

layout! {
    pub struct SwitchAck {
        pub status: Status,
        pub reason: Reason,
        pub retry_after_ms: u32,
        pub to: u32,
        pub bind_seq: u64,
        pub version: u64,
    }
}

layout! {
    pub struct SwitchRequest {
        pub to: u32,
        pub reason: Reason,
        /// Distinguishes a new request from a repeated one.
        pub id: u32,
    }
}

layout! {
    /// The client does not follow the `SWITCH_REQUEST` of this id.
    pub struct SwitchDeny {
        pub id: u32,
        pub reason: Reason,
        pub retry_after_ms: u32,
    }
}

layout! {
    pub struct PathClose {
        pub path: u32,
        pub reason: Reason,
    }
}

layout! {
    pub struct Probe {
        pub path: u32,
        pub seq: u32,
        /// The sender's clock in µs. The reply repeats it; it has no meaning for the peer.
        pub t_us: u64,
        /// DATA messages and bytes that the sender has sent on this path, without this message.
        pub tx_packets: u64,
        pub tx_bytes: u64,
        /// Path on which the sender should receive but does not; 0 = none.
        pub deaf_on: u32,
        /// How long it has not received there, in ms.
        pub age_ms: u32,
    }
}

layout! {
    pub struct ProbeReply {
        pub path: u32,
        pub seq: u32,
        pub t_echo_us: u64,
        /// Time between the probe's arrival and this reply, in µs.
        pub hold_us: u32,
        /// DATA messages and bytes that the sender of this reply had received on this path when the probe arrived.
        pub rx_packets: u64,
        pub rx_bytes: u64,
        /// The `tx_packets` of the probe.
        pub tx_seen: u64,
        /// Interarrival jitter as in RFC 3550, in µs.
        pub jitter_us: u32,
    }
}

layout! {
    /// Body of `REKEY_INIT` and `REKEY_RESP`.
    pub struct Rekey {
        /// The epoch that the rekey begins.
        pub epoch: u32,
        /// Ephemeral X25519 public key.
        pub e: [u8; 32],
    }
}

layout! {
    pub struct Close {
        pub scope: Scope,
        pub reason: Reason,
        pub version: u64,
        pub detail: Detail,
    }
}

/// ASSIGN: the inner addresses of a session. Prefix lengths, number of DNS servers and MTU are within their ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assign {
    /// Distinguishes a new ASSIGN from a repeated one; `ASSIGN_ACK` names it.
    pub id: u32,
    assignment: Assignment,
}

impl Assign {
    /// Refuses an assignment without an address, prefix lengths above 32 or 128, more than 4 DNS servers, and an MTU
    /// below 1280.
    pub fn new(id: u32, assignment: Assignment) -> Result<Self, Malformed> {
        if assignment.v4.is_none() && assignment.v6.is_none() {
            return Err(Malformed::Value("assignment"));
        }
        if assignment.v4_prefix > 32 || assignment.v6_prefix > 128 {
            return Err(Malformed::Value("prefix"));
        }
        if assignment.dns.len() > DNS_MAX {
            return Err(Malformed::Value("dns"));
        }
        if assignment.mtu < MTU_MIN {
            return Err(Malformed::Value("mtu"));
        }
        Ok(Self { id, assignment })
    }

    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    pub fn into_assignment(self) -> Assignment {
        self.assignment
    }
}

impl Field for Assign {
    fn put(&self, out: &mut Vec<u8>) {
        let Assignment { v4, v4_prefix, v6, v6_prefix, dns, mtu } = &self.assignment;
        self.id.put(out);
        v4.put(out);
        v4_prefix.put(out);
        v6.put(out);
        v6_prefix.put(out);
        out.push(dns.len() as u8);
        for server in dns {
            server.put(out);
        }
        mtu.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let id = u32::take(input)?;
        let (v4, v4_prefix) = (Field::take(input)?, u8::take(input)?);
        let (v6, v6_prefix) = (Field::take(input)?, u8::take(input)?);
        let servers = usize::from(u8::take(input)?);
        if servers > DNS_MAX {
            return Err(Malformed::Value("dns"));
        }
        let dns = (0..servers).map(|_| IpAddr::take(input)).collect::<Result<_, _>>()?;
        let mtu = u16::take(input)?;
        Self::new(id, Assignment { v4, v4_prefix, v6, v6_prefix, dns, mtu })
    }
}

impl Field for Ipv4Addr {
    fn put(&self, out: &mut Vec<u8>) {
        self.octets().put(out);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.array::<4>().map(Self::from)
    }
}

impl Field for Ipv6Addr {
    fn put(&self, out: &mut Vec<u8>) {
        self.octets().put(out);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.array::<16>().map(Self::from)
    }
}

/// Family byte 4 or 6, then the address.
impl Field for IpAddr {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::V4(address) => {
                out.push(4);
                address.put(out);
            }
            Self::V6(address) => {
                out.push(6);
                address.put(out);
            }
        }
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        match u8::take(input)? {
            4 => Ipv4Addr::take(input).map(Self::V4),
            6 => Ipv6Addr::take(input).map(Self::V6),
            _ => Err(Malformed::Value("address family")),
        }
    }
}

/// First a byte that says whether a value follows.
impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        if bool::take(input)? { T::take(input).map(Some) } else { Ok(None) }
    }
}
