//! Sealed messages ready to send: one buffer that becomes one system call.
//!
//! ```text
//!   ┌──────────┬──────────┬──────────┬──────┐
//!   │ sealed   │ sealed   │ sealed   │ last │   all equal but the last; one session, one route
//!   └──────────┴──────────┴──────────┴──────┘
//! ```

use jvpn_proto::{
    endpoint::{CopyPurpose, DuplicateRoute, SendRoute},
    messages::SessionHandle,
    wire::INDEX_AT,
};

use crate::udp::{BATCH_BYTES_MAX, SEGMENTS_MAX};

/// The receiver index in a DATA message.
const INDEX: std::ops::Range<usize> = INDEX_AT..INDEX_AT + 4;

#[derive(Debug)]
pub struct Outgoing {
    bytes: Box<[u8]>,
    used: usize,
    /// Length of all messages but the last.
    segment: usize,
    count: usize,
    /// A shorter message was added: nothing may follow it.
    ended: bool,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self { bytes: vec![0; BATCH_BYTES_MAX].into_boxed_slice(), used: 0, segment: 0, count: 0, ended: false }
    }
}

impl Outgoing {
    /// Whether a message of this length can follow what is in the buffer.
    pub fn takes(&self, length: usize) -> bool {
        let equal_so_far = self.count == 0 || (length <= self.segment && !self.ended);
        equal_so_far && self.count < SEGMENTS_MAX && self.used + length <= self.bytes.len()
    }

    /// The buffer into which the next message is sealed.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.bytes[self.used..]
    }

    /// Adds the message that was sealed into [`Self::space`].
    pub fn push(&mut self, length: usize) {
        if self.count == 0 {
            self.segment = length;
        }
        self.ended = length < self.segment;
        self.used += length;
        self.count += 1;
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub fn segment(&self) -> usize {
        self.segment
    }

    /// Number of messages in the first `bytes` bytes.
    pub fn messages_in(&self, bytes: usize) -> usize {
        if self.segment == 0 { 0 } else { bytes.div_ceil(self.segment) }
    }

    /// Turns the messages into copies for another path: the same ciphertext with another index.
    pub fn relabel(&mut self, index: u32) {
        for message in self.bytes[..self.used].chunks_mut(self.segment.max(1)) {
            if let Some(label) = message.get_mut(INDEX) {
                label.copy_from_slice(&index.to_le_bytes());
            }
        }
    }

    pub fn clear(&mut self) {
        self.used = 0;
        self.segment = 0;
        self.count = 0;
        self.ended = false;
    }
}

/// The destination of the messages in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    pub session: SessionHandle,
    pub to: SendRoute,
}

impl Heading {
    /// Whether messages of several frames may share one call: no budget of the route shrinks while they are collected.
    pub fn collects(&self) -> bool {
        self.to.budget.is_none() && self.to.copies.iter().flatten().all(|copy| copy.purpose == CopyPurpose::Redundant)
    }

    pub fn allows(&self, bytes: usize) -> bool {
        self.to.budget.is_none_or(|budget| bytes as u64 <= budget)
    }

    /// The other routes to which these bytes may still be copied.
    pub fn copies(&self, bytes: usize) -> impl Iterator<Item = DuplicateRoute> {
        self.to.copies.into_iter().flatten().filter(move |copy| bytes as u64 <= copy.budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jvpn_proto::endpoint::{COPIES_MAX, Route};

    #[test]
    fn equal_messages_fill_a_batch_and_a_shorter_one_ends_it() {
        let mut outgoing = Outgoing::default();
        assert!(outgoing.takes(1_452));
        outgoing.push(1_452);
        assert!(!outgoing.takes(1_453));
        outgoing.push(1_452);
        assert!(outgoing.takes(100));
        outgoing.push(100);
        assert!(!outgoing.takes(100));
        assert_eq!((outgoing.bytes().len(), outgoing.messages_in(3_004), outgoing.messages_in(1_452)), (3_004, 3, 1));
        outgoing.clear();
        assert!(outgoing.takes(2_000));
    }

    #[test]
    fn a_batch_holds_what_one_call_takes() {
        let mut outgoing = Outgoing::default();
        let mut small = 0;
        while outgoing.takes(100) {
            outgoing.push(100);
            small += 1;
        }
        assert_eq!(small, SEGMENTS_MAX);
        outgoing.clear();
        let mut large = 0;
        while outgoing.takes(1_452) {
            outgoing.push(1_452);
            large += 1;
        }
        assert_eq!(large, BATCH_BYTES_MAX / 1_452);
    }

    #[test]
    fn copies_differ_in_their_index_alone() {
        let mut outgoing = Outgoing::default();
        for length in [40, 40, 33] {
            outgoing.space()[..length].fill(0xaa);
            outgoing.push(length);
        }
        outgoing.relabel(0x0403_0201);
        for (at, byte) in outgoing.bytes().iter().enumerate() {
            let expected = if INDEX.contains(&(at % 40)) { (at % 40) as u8 - 3 } else { 0xaa };
            assert_eq!(*byte, expected, "byte {at}");
        }
    }
    #[test]
    fn a23_what_goes_to_an_unproved_address_stays_within_its_budget() {
        let route = Route { socket: 0, local: None, remote: ([203, 0, 113, 9], 53).into() };
        let allows = |budget, bytes| {
            let to = SendRoute {
                route,
                path: 1,
                budget,
                copies: [None; COPIES_MAX],
                keep: false,
                packet_max: 1_420,
                settled: false,
                elides_checksums: true,
            };
            Heading { session: 1, to }.allows(bytes)
        };
        assert_eq!([300, 301].map(|bytes| allows(Some(300), bytes)), [true, false]);
        assert!(allows(None, usize::MAX), "a proved address has none");
    }
}
