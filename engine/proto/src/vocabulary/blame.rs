//! Everything that has no effect, and who is to blame for it: the only table of these kinds. The TypeScript contract,
//! the core's classification and `docs/reference/security-events.md` are generated from it.
//!
//! Each kind has its own counter, raised where the drop happens and reported as `Report::Dropped`. A [`PeerFault`] is
//! also reported by itself as `Report::ValidationFailed` and counts against the budget of its session.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Should a person look at every occurrence of a kind?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KindClass {
    /// Normal in a packet network: recorded as `Diagnostic`.
    Ordinary,
    /// Recorded as `SecurityEvent`.
    Security,
}

/// Who can cause a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The network: delay, loss, duplication, reordering or relabelling can cause it.
    Network,
    /// Anybody who can send a datagram: the sender is not authenticated.
    Sender,
    /// The authenticated peer, but an honest peer can cause it too.
    Peer,
    /// The authenticated peer only: no honest peer can cause it, whatever the network does.
    PeerAlone,
    /// A sender of packets inside the tunnel, on this side or the other.
    Inside,
    /// This machine: its load, its links, its kernel, its configuration.
    Host,
}

/// Class, blame and text of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Explained {
    pub class: KindClass,
    pub blame: Blame,
    /// One sentence for a person.
    pub text: &'static str,
}

macro_rules! kinds {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident: $class:ident, $blame:ident, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant,)* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub fn explained(self) -> Explained {
                match self {
                    $(Self::$variant => {
                        Explained { class: KindClass::$class, blame: Blame::$blame, text: $text }
                    })*
                }
            }
        }
    };
}

kinds! {
    /// A datagram, frame, packet or command that had no effect; the peer of a session cannot be the only one to blame.
    pub enum DropKind {
        // Outer datagrams, before decryption.
        EmptyDatagram: Security, Sender, "a datagram has no bytes";
        UnknownType: Security, Sender, "the type of a message is unknown";
        ResumeUnsupported: Security, Sender, "a message asks to resume a session, which this version cannot do";
        WrongLength: Security, Sender, "a message is longer or shorter than its type allows";
        WrongVersion: Security, Sender, "a message names another version of the protocol";
        ReservedBits: Security, Sender, "a message sets bits that have no meaning in this version";
        MessageOfTheOtherRole: Security, Sender, "a client got a message for gateways, or a gateway one for clients";
        UnknownIndex: Security, Sender, "no session has the index of a message; often its session had just ended";
        OtherWorker: Ordinary, Network, "a message reached a worker that does not have its session";
        SessionClosed: Security, Sender, "a message belongs to a session that is closing";
        PathMismatch: Security, Network, "a message came from an address that does not belong to its path";
        // Handshakes.
        InitMac1: Security, Sender, "the sender of an INIT does not know the gateway's public key";
        InitRate: Security, Sender, "one address sends more INITs than it may";
        InitRepeated: Security, Sender, "one INIT was repeated more often than a client does";
        InitCeiling: Security, Sender, "more INITs arrive per second than the gateway opens";
        CookieRequired: Security, Sender, "an INIT got a COOKIE as answer, because of load or the rate of its address";
        CookieNotOurs: Security, Sender, "a COOKIE does not answer the INIT that was sent, or comes too often";
        HintNotOurs: Security, Sender, "a HINT names no session of this client, or came from another address";
        NoDial: Security, Network, "a RESP arrived while no handshake was running";
        HandshakeNotOurs: Security, Sender, "a handshake message does not belong to the handshake that is running";
        HandshakeMac: Security, Sender, "a handshake message has a wrong message authentication code";
        HandshakeForged: Security, Sender, "a handshake message is not sealed by the expected key";
        HandshakePayload: Security, Peer, "the sealed part of a handshake message cannot be read";
        HandshakeNotOffered: Security, Peer, "a RESP grants what the INIT did not offer";
        HandshakeFinished: Security, Network, "a RESP was already read";
        HandshakeFaulted: Security, Host, "the engine failed, by a mistake of its own, over a handshake message";
        PqUnsupported: Security, Peer, "a client demands a post-quantum handshake, which this version cannot do";
        NoCommonSuite: Security, Peer, "client and gateway have no cipher in common";
        NoCommonVersion: Security, Peer, "client and gateway have no version of the protocol in common";
        UnknownPeer: Security, Sender, "the key of a client is not in the gateway's configuration";
        PeerRemoved: Security, Sender, "the key of a client was removed from the gateway's configuration: it was told so";
        ConfirmedPerKeyFull: Security, Peer, "one client key confirmed too many sessions in a short time";
        SessionEvicted: Security, Peer, "an unconfirmed session was replaced by a newer one of the same key";
        SessionUnconfirmed: Ordinary, Network, "a client did not confirm its session in time";
        // Sealed messages.
        UnknownEpoch: Security, Network, "a message is sealed with a key that this end does not have, or has dropped";
        BadTag: Security, Sender, "a message is not sealed with the key of its session, or was changed in transit";
        TooOld: Security, Network, "a message is older than the window that detects replays";
        Duplicate: Ordinary, Network, "a message arrived before";
        SessionNotReady: Ordinary, Network, "an inner packet arrived before its session was accepted";
        KeyExpired: Ordinary, Peer, "an inner packet is sealed with a key that is past its age or its limit";
        // Frames.
        SessionNotConfirmed: Security, Network, "a frame arrived before its session was confirmed";
        StaleBindSeq: Security, Network, "an activation is older than the newest one";
        StaleEcho: Security, Network, "the answer to a challenge is late";
        StaleReply: Security, Network, "the answer to a probe is late, for example after a jump";
        StaleRekey: Security, Network, "a message belongs to an older rekey";
        StaleSwitchAck: Security, Network, "an answer belongs to a switch that is over";
        StaleSwitchRequest: Ordinary, Network, "a switch request of the gateway was already received";
        StaleSwitchDeny: Ordinary, Network, "the denial of a switch request belongs to a request that is over";
        PathUnknown: Security, Network, "a frame names a path that the session does not have";
        PathNotValidated: Ordinary, Network, "a new path did not answer its challenge";
        ChallengeFlood: Security, Peer, "a path was challenged again before the answer to the first challenge had left";
        ProbeFlood: Security, Peer, "a path was probed again before the answer to the first probe had left";
        RekeyTooSoon: Security, Peer, "the peer rekeys more often than it may";
        RebindingIgnored: Security, Peer, "an address that was refused a short time ago sends for a path again";
        RebindingLimit: Security, Peer, "a session changes its addresses more often than it may";
        RebindingBusy: Security, Peer, "two new addresses of one path are already being examined";
        RebindingUnanswered: Security, Network, "the new address of a path did not answer its challenge";
        // Messages that this end did not send.
        AmplificationBudget: Security, Sender, "an unvalidated address already got three times the bytes that it sent";
        ControlCeiling: Security, Peer, "one session caused more control messages at once than it may";
        KeyExhausted: Security, Peer, "no message can be sealed: the key is used up and was not replaced";
        OutboxFull: Ordinary, Host, "the queue of control messages is full";
        SizeProbeUnsent: Ordinary, Host, "a probe for the packet size of a path could not be sealed";
        NoSendPath: Ordinary, Network, "there was no path for an inner packet, and it could not be held";
        NotSealed: Security, Host, "an inner packet could not be sealed: its session has ended or has no key";
        SendPathClosed: Security, Host, "the socket of a path was closed before a message could leave";
        SendBufferFull: Security, Host, "the send buffer of a socket is full";
        SendTooLong: Ordinary, Host, "a message is longer than the link allows";
        SendRefused: Security, Host, "the kernel refused to send a message";
        SendUnreachable: Ordinary, Host, "the kernel has no route to an address, for example because a link was lost";
        // Inner packets.
        InnerTruncated: Security, Inside, "an inner packet ends inside a header";
        InnerVersion: Security, Inside, "an inner packet is neither IPv4 nor IPv6";
        InnerLength: Security, Inside, "a length in a header of an inner packet does not match the packet";
        InnerHeaderTooLong: Security, Inside, "the headers of an inner packet are longer than supported";
        InnerChecksumField: Security, Inside, "the checksum field of an inner packet lies outside the packet";
        InnerSuperframe: Security, Host, "a frame that the kernel merged does not match its headers";
        InnerPartialChecksum: Security, Inside, "an inner packet has a partial checksum that cannot be completed";
        InnerUnroutable: Ordinary, Inside, "no session has the destination of an inner packet";
        InnerTooBig: Ordinary, Inside, "an inner packet is too long for the path; its sender got an ICMP error";
        InnerSource: Security, Inside, "an inner packet has another source than an address of its session";
        TunWrite: Ordinary, Host, "the tunnel device did not take an inner packet";
        // Commands of the core.
        CommandTooLate: Ordinary, Host, "a command of the core named a session, path or dial that had just ended";
        AddressTableFull: Security, Host, "the kernel's table of workers has no room for the address of a session";
    }
}

kinds! {
    /// Messages that no honest peer produces, whatever the network does to them.
    pub enum PeerFault {
        UndecodablePlaintext: Security, PeerAlone, "a sealed message holds neither a packet nor frames";
        UndecodableFrames: Security, PeerAlone, "a sealed message holds frames that cannot be read";
        FrameOfTheOtherRole: Security, PeerAlone, "a peer sent a frame that only the other role may send";
        FutureOwnerEpoch: Security, PeerAlone, "an activation names an owner of the session that does not exist yet";
        FutureEpoch: Security, PeerAlone, "a rekey skips an epoch";
        LowOrderPoint: Security, PeerAlone, "a public key has low order: anybody can compute the secret";
        EchoNeverIssued: Security, PeerAlone, "an answer echoes a challenge or a probe that was never sent";
        PathZero: Security, PeerAlone, "an activation names path 0, which means no path";
        BindSeqRange: Security, PeerAlone, "an activation has a number that the core cannot represent exactly";
    }
}

/// The kind of a counted drop. A peer fault is counted too, when there are too many to report each one by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(untagged)]
#[ts(rename = "DroppedKind")]
pub enum Dropped {
    Drop(DropKind),
    Fault(PeerFault),
}

impl Dropped {
    pub(crate) const COUNT: usize = DropKind::ALL.len() + PeerFault::ALL.len();

    /// The index of its counter, below `COUNT`.
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Drop(kind) => kind as usize,
            Self::Fault(fault) => DropKind::ALL.len() + fault as usize,
        }
    }

    pub(crate) fn at(place: usize) -> Option<Self> {
        let drop = DropKind::ALL.get(place).copied().map(Self::Drop);
        let fault = || PeerFault::ALL.get(place.checked_sub(DropKind::ALL.len())?).copied().map(Self::Fault);
        drop.or_else(fault)
    }
}

impl From<DropKind> for Dropped {
    fn from(kind: DropKind) -> Self {
        Self::Drop(kind)
    }
}

impl From<PeerFault> for Dropped {
    fn from(fault: PeerFault) -> Self {
        Self::Fault(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_counter_of_its_own() {
        let places: Vec<_> = (0..Dropped::COUNT).map(|place| Dropped::at(place).map(Dropped::place)).collect();
        assert_eq!(places, (0..Dropped::COUNT).map(Some).collect::<Vec<_>>());
        assert_eq!(Dropped::at(Dropped::COUNT), None);
    }
}
