//! Sessions that this end has closed: their sealed CLOSE is sent a few more times. The keys are dropped, so nothing can
//! be opened for them.

use std::collections::HashSet;

use crate::vocabulary::{Farewell, Route};
use crate::wire::DATA_LEN_MIN;

/// Maximum number of sends of CLOSE on each path.
const SENDS_MAX: u8 = 3;
/// Maximum number of sessions that wait for their acknowledgement; for further ones, CLOSE is sent only once.
const CLOSING_MAX: usize = 4_096;
/// Length of a sealed CLOSE_ACK: an empty plaintext and one frame without a body.
const CLOSE_ACK_LEN: usize = DATA_LEN_MIN + crate::frames::FRAME_HEADER;

#[derive(Debug)]
struct Closing {
    farewell: Farewell,
    sends: u8,
    next_at: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Closings {
    list: Vec<Closing>,
    indices: HashSet<u32>,
    /// No entry is due before this time.
    next_at: Option<u64>,
}

impl Closings {
    /// Takes over a session whose CLOSE was sent once.
    pub(crate) fn add(&mut self, now: u64, farewell: Farewell) {
        if self.list.len() < CLOSING_MAX && !farewell.copies.is_empty() {
            self.indices.extend(&farewell.indices);
            let next_at = now + farewell.pto_us;
            self.next_at = Some(self.next_at.map_or(next_at, |at| at.min(next_at)));
            self.list.push(Closing { farewell, sends: 1, next_at });
        }
    }

    /// True if the index belonged to a session that is closing: its peer gets no HINT. A message with the exact length
    /// of CLOSE_ACK from one of its routes ends the retries. It cannot be opened any more; a forged one only prevents a
    /// repetition.
    pub(crate) fn on_data(&mut self, index: u32, from: Route, len: usize) -> bool {
        if !self.indices.contains(&index) {
            return false;
        }
        if len == CLOSE_ACK_LEN {
            self.remove_where(|closing| {
                closing.farewell.indices.contains(&index)
                    && closing.farewell.copies.iter().any(|(route, _)| *route == from)
            });
        }
        true
    }

    fn remove_where(&mut self, over: impl Fn(&Closing) -> bool) {
        for at in (0..self.list.len()).rev() {
            if over(&self.list[at]) {
                let Closing { farewell, .. } = self.list.swap_remove(at);
                farewell.indices.iter().for_each(|index| {
                    self.indices.remove(index);
                });
            }
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.next_at
    }

    /// The CLOSE messages that are due. After the last send, a session stays for one more PTO, for late messages of its
    /// peer.
    pub(crate) fn due(&mut self, now: u64) -> Vec<(Route, Vec<u8>)> {
        let mut due = Vec::new();
        if self.next_at.is_none_or(|at| at > now) {
            return due;
        }
        self.remove_where(|closing| closing.next_at <= now && closing.sends >= SENDS_MAX);
        for closing in self.list.iter_mut().filter(|closing| closing.next_at <= now) {
            closing.sends += 1;
            closing.next_at = now + closing.farewell.pto_us;
            due.extend(closing.farewell.copies.iter().cloned());
        }
        self.next_at = self.list.iter().map(|closing| closing.next_at).min();
        due
    }
}
