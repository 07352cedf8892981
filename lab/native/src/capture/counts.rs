//! The counters of each interface, and of all interfaces together.

use super::dissect::{Ends, Packet, Payload};
use super::prefix::Prefix;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::SocketAddr;

/// Maximum distinct values. Further values are not compared, and the report says that it is incomplete.
const DISTINCT_MAX: usize = 65_536;
const KEY_BYTES: usize = 32;

/// The tunnel's clear-text message types: their exact length if they have one, and the position of the ephemeral key,
/// which decides whether two messages are the same.
const INIT: Handshake = Handshake {
    kind: 0x01,
    bytes: Some(232),
    key_at: 8,
};
const RESP: Handshake = Handshake {
    kind: 0x02,
    bytes: None,
    key_at: 12,
};
const RESUME_INIT: Handshake = Handshake {
    kind: 0x03,
    bytes: Some(232),
    key_at: 24,
};
const RESUME_RESP: Handshake = Handshake {
    kind: 0x05,
    bytes: Some(156),
    key_at: 12,
};
const DATA: u8 = 0x10;

#[derive(Debug, Clone, Copy)]
struct Handshake {
    kind: u8,
    bytes: Option<usize>,
    key_at: usize,
}

/// Defines which packets belong to the tunnel, and which addresses must never appear on an uplink.
#[derive(Debug, Clone)]
pub struct Sought {
    pub port: u16,
    pub inner: Vec<Prefix>,
}

/// The distinct values seen, and the total number of values.
#[derive(Debug)]
struct Distinct<T> {
    seen: HashSet<T>,
    packets: u64,
}

impl<T: Eq + Hash> Distinct<T> {
    fn add(&mut self, value: T) {
        self.packets += 1;
        if self.seen.len() < DISTINCT_MAX {
            self.seen.insert(value);
        }
    }

    fn is_full(&self) -> bool {
        self.seen.len() >= DISTINCT_MAX
    }

    fn tally(&self) -> Tally {
        Tally {
            distinct: self.seen.len() as u64,
            packets: self.packets,
        }
    }
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self {
            seen: HashSet::new(),
            packets: 0,
        }
    }
}

/// The counters of one interface.
#[derive(Debug, Default)]
pub struct Counts {
    packets: u64,
    bytes: u64,
    outgoing: u64,
    inits: Distinct<[u8; KEY_BYTES]>,
    resps: Distinct<[u8; KEY_BYTES]>,
    resume_inits: Distinct<[u8; KEY_BYTES]>,
    resume_resps: Distinct<[u8; KEY_BYTES]>,
    data: u64,
    other: u64,
    syns: Distinct<(Ends, u32)>,
    /// For each connection (lower address first): which of the two ends has closed its direction.
    closed: HashMap<Ends, [bool; 2]>,
    rsts: u64,
    clear: u64,
    clear_first: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub distinct: u64,
    pub packets: u64,
}

/// The counters in the form of a report.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    pub packets: u64,
    pub bytes: u64,
    pub outgoing: u64,
    /// Messages of the tunnel's outer UDP.
    pub outer: Outer,
    pub tcp: Tcp,
    /// Packets with an inner address on an uplink.
    pub clear: u64,
    /// The first of these packets, to help find the leak.
    pub clear_first: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outer {
    pub init: Tally,
    pub resp: Tally,
    pub resume_init: Tally,
    pub resume_resp: Tally,
    pub data: u64,
    pub other: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tcp {
    /// SYN without ACK, distinct by both ends and the initial sequence number.
    pub syn: Tally,
    /// RST of connections that both ends had not closed. A RST after that only answers a late repetition and resets
    /// nothing.
    pub rst: u64,
}

impl Counts {
    pub fn add(&mut self, packet: &Packet, outgoing: bool, is_uplink: bool, sought: &Sought) {
        self.packets += 1;
        self.bytes += packet.bytes as u64;
        self.outgoing += u64::from(outgoing);
        let is_inner = |address| sought.inner.iter().any(|prefix| prefix.contains(address));
        if is_uplink && (is_inner(packet.from) || is_inner(packet.to)) {
            self.clear += 1;
            self.clear_first
                .get_or_insert_with(|| format!("{} → {}", packet.from, packet.to));
        }
        match packet.payload {
            Payload::Udp {
                from_port,
                to_port,
                bytes,
                data,
            } if from_port == sought.port || to_port == sought.port => {
                self.add_outer(bytes, data);
            }
            Payload::Tcp {
                from_port,
                to_port,
                sequence,
                syn,
                ack,
                fin,
                rst,
            } => {
                let ends = (
                    SocketAddr::new(packet.from, from_port),
                    SocketAddr::new(packet.to, to_port),
                );
                let opens = syn && !ack;
                if opens {
                    self.syns.add((ends, sequence));
                }
                self.follow(ends, opens, fin, rst);
            }
            Payload::Udp { .. } | Payload::Other => {}
        }
    }

    /// Separates resets of open connections from resets that come after both ends have closed.
    fn follow(&mut self, (from, to): Ends, opens: bool, fin: bool, rst: bool) {
        let ends = (from.min(to), from.max(to));
        if opens {
            self.closed.remove(&ends);
        }
        if rst && self.closed.get(&ends) != Some(&[true, true]) {
            self.rsts += 1;
        }
        if fin && (self.closed.len() < DISTINCT_MAX || self.closed.contains_key(&ends)) {
            self.closed.entry(ends).or_default()[usize::from(from > to)] = true;
        }
    }

    fn add_outer(&mut self, bytes: usize, data: &[u8]) {
        let kinds = [
            (INIT, &mut self.inits),
            (RESP, &mut self.resps),
            (RESUME_INIT, &mut self.resume_inits),
            (RESUME_RESP, &mut self.resume_resps),
        ];
        for (handshake, distinct) in kinds {
            if let Some(key) = handshake.key(bytes, data) {
                distinct.add(key);
                return;
            }
        }
        let count = if data.first() == Some(&DATA) {
            &mut self.data
        } else {
            &mut self.other
        };
        *count += 1;
    }

    /// True if some distinct values could not be compared.
    pub fn is_full(&self) -> bool {
        let handshakes = [
            &self.inits,
            &self.resps,
            &self.resume_inits,
            &self.resume_resps,
        ];
        self.syns.is_full()
            || self.closed.len() >= DISTINCT_MAX
            || handshakes.iter().any(|distinct| distinct.is_full())
    }

    pub fn shown(&self) -> Shown {
        Shown {
            packets: self.packets,
            bytes: self.bytes,
            outgoing: self.outgoing,
            outer: Outer {
                init: self.inits.tally(),
                resp: self.resps.tally(),
                resume_init: self.resume_inits.tally(),
                resume_resp: self.resume_resps.tally(),
                data: self.data,
                other: self.other,
            },
            tcp: Tcp {
                syn: self.syns.tally(),
                rst: self.rsts,
            },
            clear: self.clear,
            clear_first: self.clear_first.clone(),
        }
    }
}

impl Handshake {
    fn key(self, bytes: usize, data: &[u8]) -> Option<[u8; KEY_BYTES]> {
        let fits =
            data.first() == Some(&self.kind) && self.bytes.is_none_or(|exact| exact == bytes);
        data.get(self.key_at..)
            .filter(|_| fits)?
            .first_chunk()
            .copied()
    }
}

#[cfg(test)]
mod tests;
