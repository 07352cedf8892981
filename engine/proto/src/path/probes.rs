//! The probes of one path: which ones are outstanding, what their answers measured, and when missing answers count as
//! silence.

use std::collections::VecDeque;

use crate::frames::{Probe, ProbeReply};

/// Maximum number of probes whose answer is still accepted. At one probe per 10 ms this covers a round trip of 640 ms.
/// On a longer path the oldest probe is dropped, and its answer measures nothing.
const OUTSTANDING_MAX: usize = 64;
/// A path counts as silent after this number of probes in a row, each unanswered for a PTO.
pub(crate) const UNANSWERED_MAX: u32 = 3;

#[derive(Debug, Clone, Copy)]
struct Outstanding {
    seq: u32,
    sent_at: u64,
    /// Unanswered for a PTO. A late answer is still accepted.
    overdue: bool,
}

/// The measurement of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rtt_us: u64,
    pub(crate) sent_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadReply {
    /// Already answered, or dropped: proves nothing.
    Stale,
    /// A sequence number or time stamp that this end never sent: no honest peer does that.
    NeverIssued,
}

/// Numbers of all probes of one session. A path may be given up and taken again under its id; an answer to an earlier
/// probe of that id must not look like one to a probe that was never sent.
#[derive(Debug, Default)]
pub(crate) struct ProbeNumbers {
    taken: u64,
}

impl ProbeNumbers {
    pub(crate) fn take(&mut self) -> u32 {
        let number = self.taken as u32;
        self.taken += 1;
        number
    }

    /// True if a probe had this number.
    fn was_taken(&self, number: u32) -> bool {
        let age = (self.taken as u32).wrapping_sub(number);
        age != 0 && u64::from(age) <= self.taken
    }
}

#[derive(Debug, Default)]
pub(crate) struct Probes {
    outstanding: VecDeque<Outstanding>,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) lost: u64,
    /// Number of overdue probes since the last answer.
    unanswered_run: u32,
    /// When the first probe of this run was sent.
    run_since: u64,
    /// When the newest probe was sent; 0 = none was sent.
    pub(crate) last_at: u64,
    newest_answered: Option<u32>,
    newest_heard: Option<u32>,
    pub(crate) up_sent: u64,
    pub(crate) up_received: u64,
    pub(crate) down_sent: u64,
    pub(crate) down_received: u64,
}

impl Probes {
    /// A probe with this number is sent at `now`.
    pub(crate) fn issue(&mut self, seq: u32, now: u64) {
        if self.outstanding.len() == OUTSTANDING_MAX {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back(Outstanding { seq, sent_at: now, overdue: false });
        self.sent += 1;
        self.last_at = now;
    }

    pub(crate) fn answer(&mut self, now: u64, reply: &ProbeReply, numbers: &ProbeNumbers) -> Result<Answer, BadReply> {
        let Some(at) = self.outstanding.iter().position(|probe| probe.seq == reply.seq) else {
            return Err(if numbers.was_taken(reply.seq) { BadReply::Stale } else { BadReply::NeverIssued });
        };
        let sent_at = self.outstanding[at].sent_at;
        if sent_at != reply.t_echo_us {
            return Err(BadReply::NeverIssued);
        }
        self.outstanding.remove(at);
        if self.outstanding.is_empty() {
            self.outstanding.shrink_to(4);
        }
        self.answered += 1;
        self.unanswered_run = 0;
        if self.newest_answered.is_none_or(|newest| newer(reply.seq, newest)) {
            self.newest_answered = Some(reply.seq);
            self.up_sent = reply.tx_seen;
            self.up_received = reply.rx_packets;
        }
        let rtt_us = now.saturating_sub(sent_at).saturating_sub(u64::from(reply.hold_us));
        Ok(Answer { rtt_us, sent_at })
    }

    /// A probe of the peer arrived: compares what the peer had sent with what had arrived here.
    pub(crate) fn heard(&mut self, probe: &Probe, rx_packets: u64) {
        if self.newest_heard.is_none_or(|newest| newer(probe.seq, newest)) {
            self.newest_heard = Some(probe.seq);
            self.down_sent = probe.tx_packets;
            self.down_received = rx_packets;
        }
    }

    /// Marks probes that are unanswered for a PTO. Time before `floor` (a stall of this process) does not count.
    /// Returns how many became overdue.
    pub(crate) fn expire(&mut self, now: u64, pto_us: u64, floor: u64) -> u32 {
        let mut newly = 0;
        for probe in &mut self.outstanding {
            if !probe.overdue && probe.sent_at.max(floor) + pto_us <= now {
                probe.overdue = true;
                if self.unanswered_run + newly == 0 {
                    self.run_since = probe.sent_at.max(floor);
                }
                newly += 1;
            }
        }
        self.lost += u64::from(newly);
        self.unanswered_run = self.unanswered_run.saturating_add(newly);
        newly
    }

    /// When the oldest outstanding probe becomes overdue.
    pub(crate) fn next_overdue(&self, pto_us: u64, floor: u64) -> Option<u64> {
        self.outstanding.iter().find(|probe| !probe.overdue).map(|probe| probe.sent_at.max(floor) + pto_us)
    }

    /// When the current run of unanswered probes began, if it is long enough to count as silence.
    pub(crate) fn silent_since(&self) -> Option<u64> {
        (self.unanswered_run >= UNANSWERED_MAX).then_some(self.run_since)
    }

    /// The path proved itself by other means: earlier unanswered probes prove nothing any more.
    pub(crate) fn restart(&mut self) {
        if self.unanswered_run > 0 {
            self.unanswered_run = 0;
            self.outstanding.clear();
        }
    }

    /// A run of unanswered probes has begun: until the path is judged, the next probe is sent before its schedule.
    pub(crate) fn in_doubt(&self) -> bool {
        self.unanswered_run > 0
    }

    /// Since when probes are unanswered, if the newest judged one is unanswered.
    pub(crate) fn unanswered_since(&self) -> Option<u64> {
        self.in_doubt().then_some(self.run_since)
    }

    /// True if fewer than `tolerated` of the newest judged probes are unanswered.
    pub(crate) fn answering(&self, tolerated: u32) -> bool {
        self.answered > 0 && self.unanswered_run < tolerated
    }
}

fn newer(seq: u32, than: u32) -> bool {
    seq.wrapping_sub(than).cast_signed() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(seq: u32, t_echo_us: u64) -> ProbeReply {
        ProbeReply { path: 1, seq, t_echo_us, hold_us: 0, rx_packets: 7, rx_bytes: 0, tx_seen: 9, jitter_us: 0 }
    }

    #[test]
    fn an_answer_measures_once_and_an_echo_never_issued_is_told_apart_from_a_stale_one() {
        let (mut probes, mut numbers) = (Probes::default(), ProbeNumbers::default());
        let seq = numbers.take();
        probes.issue(seq, 1_000);
        assert_eq!(probes.answer(21_000, &reply(seq, 999), &numbers), Err(BadReply::NeverIssued));
        let measured = Answer { rtt_us: 20_000, sent_at: 1_000 };
        assert_eq!(probes.answer(21_000, &reply(seq, 1_000), &numbers), Ok(measured));
        assert_eq!((probes.up_sent, probes.up_received), (9, 7));
        assert_eq!(probes.answer(22_000, &reply(seq, 1_000), &numbers), Err(BadReply::Stale));
        assert_eq!(probes.answer(22_000, &reply(seq + 1, 1_000), &numbers), Err(BadReply::NeverIssued));
    }

    #[test]
    fn after_the_largest_number_the_numbers_begin_again() {
        let mut numbers = ProbeNumbers { taken: u64::from(u32::MAX) };
        assert!(numbers.was_taken(0) && !numbers.was_taken(u32::MAX));
        assert_eq!([numbers.take(), numbers.take()], [u32::MAX, 0]);
        assert!(numbers.was_taken(u32::MAX) && numbers.was_taken(0) && !numbers.was_taken(1));
    }

    #[test]
    fn three_unanswered_in_a_row_are_silence_and_a_late_answer_ends_it() {
        let (mut probes, mut numbers) = (Probes::default(), ProbeNumbers::default());
        for at in [0, 100, 200] {
            probes.issue(numbers.take(), at);
        }
        assert_eq!(probes.next_overdue(50, 0), Some(50));
        assert_eq!(probes.expire(150, 50, 0), 2);
        assert!(probes.in_doubt());
        assert_eq!(probes.silent_since(), None);
        assert_eq!(probes.expire(250, 50, 0), 1);
        assert_eq!(probes.silent_since(), Some(0));
        assert!(probes.answer(260, &reply(0, 0), &numbers).is_ok());
        assert_eq!(probes.silent_since(), None);
        assert!(probes.answering(1));
    }

    #[test]
    fn time_of_an_own_stall_makes_no_probe_overdue() {
        let mut probes = Probes::default();
        probes.issue(0, 0);
        assert_eq!(probes.expire(1_000, 500, 900), 0);
        assert_eq!(probes.next_overdue(500, 900), Some(1_400));
    }

    #[test]
    fn no_more_than_the_maximum_is_remembered() {
        let (mut probes, mut numbers) = (Probes::default(), ProbeNumbers::default());
        for at in 0..10 * OUTSTANDING_MAX as u64 {
            probes.issue(numbers.take(), at);
        }
        assert_eq!(probes.outstanding.len(), OUTSTANDING_MAX);
        assert_eq!(probes.answer(9_999, &reply(0, 0), &numbers), Err(BadReply::Stale));
    }
}
