//! Reports to the core: a bounded queue, and counters of drops that become one report per kind and second.

use std::collections::VecDeque;

use crate::messages::{Report, Sender};
use crate::vocabulary::blame::Dropped;

/// Maximum number of reports that wait for the core. Source: messages.rs, `ReportBatch`.
const CAPACITY: usize = 524_288;
const DROP_REPORT_INTERVAL_US: u64 = 1_000_000;

#[derive(Debug, Default, Clone)]
struct DropCounter {
    /// Drops since the last report.
    count: u64,
    /// Who sent the newest of them.
    sender: Option<Sender>,
    /// No report before this time.
    next_at: u64,
}

#[derive(Debug)]
pub(crate) struct Reports {
    queue: VecDeque<(u64, Report)>,
    lost_stats: u64,
    lost_others: u64,
    /// Indexed by `Dropped::place`.
    drops: [DropCounter; Dropped::COUNT],
}

impl Default for Reports {
    fn default() -> Self {
        let drops = std::array::from_fn(|_| DropCounter::default());
        Self { queue: VecDeque::new(), lost_stats: 0, lost_others: 0, drops }
    }
}

impl Reports {
    pub(crate) fn report(&mut self, at: u64, report: Report) {
        if self.queue.len() >= CAPACITY && !self.make_room() {
            self.lost_others += 1;
            return;
        }
        self.queue.push_back((at, report));
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, Report)> {
        self.queue.pop_front()
    }

    /// Reports that did not fit: (statistics, others). The engine must stop if one of the others is lost.
    pub(crate) fn lost(&self) -> (u64, u64) {
        (self.lost_stats, self.lost_others)
    }

    /// The first drop of a kind is reported at once; later ones are reported as a sum, one second after the last
    /// report.
    pub(crate) fn count_drop(&mut self, now: u64, kind: Dropped, count: u64) {
        let counter = &mut self.drops[kind.place()];
        if counter.count == 0 {
            counter.next_at = counter.next_at.max(now);
        }
        counter.count += count;
    }

    /// The same for one outer datagram.
    pub(crate) fn count_datagram(&mut self, now: u64, kind: Dropped, sender: Sender) {
        self.count_drop(now, kind, 1);
        self.drops[kind.place()].sender = Some(sender);
    }

    /// When the next drop counter is due.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.drops.iter().filter(|counter| counter.count > 0).map(|counter| counter.next_at).min()
    }

    pub(crate) fn on_time(&mut self, now: u64) {
        for place in 0..self.drops.len() {
            let counter = &mut self.drops[place];
            if counter.count == 0 || counter.next_at > now {
                continue;
            }
            let (count, sender) = (std::mem::take(&mut counter.count), counter.sender.take());
            counter.next_at = now + DROP_REPORT_INTERVAL_US;
            if let Some(kind) = Dropped::at(place) {
                self.report(now, Report::Dropped { kind, count, sender });
            }
        }
    }

    /// Statistics are snapshots: the oldest one is removed for any newer report.
    fn make_room(&mut self) -> bool {
        let Some(oldest) = self.queue.iter().position(|(_, report)| matches!(report, Report::Stats { .. })) else {
            return false;
        };
        self.queue.remove(oldest);
        self.lost_stats += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::blame::{DropKind, PeerFault};

    #[test]
    fn drops_of_a_kind_are_summed_to_one_report_a_second() {
        let mut reports = Reports::default();
        let unknown = Dropped::Drop(DropKind::UnknownIndex);
        let dropped = |count| Report::Dropped { kind: unknown, count, sender: None };
        reports.count_drop(5_000_000, unknown, 1);
        assert_eq!(reports.next_deadline(), Some(5_000_000));
        reports.on_time(5_000_000);
        assert_eq!(reports.pop(), Some((5_000_000, dropped(1))));
        reports.count_drop(5_100_000, unknown, 2);
        reports.count_drop(5_200_000, unknown, 3);
        assert_eq!(reports.next_deadline(), Some(6_000_000));
        reports.on_time(5_900_000);
        assert_eq!(reports.pop(), None);
        reports.on_time(6_000_000);
        assert_eq!(reports.pop(), Some((6_000_000, dropped(5))));
        assert_eq!(reports.next_deadline(), None);
    }

    #[test]
    fn a_fault_of_a_peer_that_is_counted_is_told_from_every_drop() {
        let mut reports = Reports::default();
        let kinds = [Dropped::Drop(DropKind::EmptyDatagram), Dropped::Fault(PeerFault::UndecodablePlaintext)];
        for kind in kinds {
            reports.count_drop(0, kind, 1);
        }
        reports.on_time(0);
        let reported: Vec<_> = std::iter::from_fn(|| reports.pop()).map(|(_, report)| report).collect();
        assert_eq!(reported, kinds.map(|kind| Report::Dropped { kind, count: 1, sender: None }));
    }

    #[test]
    fn a_full_queue_gives_up_its_oldest_statistics_first() {
        let mut reports = Reports::default();
        reports.report(0, Report::HandshakeUnanswered { dial: 1 });
        for at in 1..CAPACITY as u64 {
            reports.report(at, Report::Stats { paths: Vec::new() });
        }
        reports.report(9, Report::HandshakeUnanswered { dial: 2 });
        assert_eq!(reports.lost(), (1, 0));
        assert_eq!(reports.pop(), Some((0, Report::HandshakeUnanswered { dial: 1 })));
        assert_eq!(reports.pop().map(|(at, _)| at), Some(2));
    }
}
