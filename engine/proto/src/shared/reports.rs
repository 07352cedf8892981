//! What the endpoint tells the core: a bounded queue of reports, and counters of drops that become one report per kind and second.

use std::collections::VecDeque;

use crate::messages::Report;

/// Reports that wait for the core. Source: messages.rs, `ReportBatch`.
const CAPACITY: usize = 524_288;
/// Kinds of drops that exist; all are constants of this crate and of the I/O loop.
const KINDS_MAX: usize = 128;
const DROP_REPORT_INTERVAL_US: u64 = 1_000_000;

#[derive(Debug)]
struct DropCounter {
    kind: &'static str,
    count: u64,
    reported_at: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    queue: VecDeque<(u64, Report)>,
    lost_stats: u64,
    lost_others: u64,
    drops: Vec<DropCounter>,
}

impl Journal {
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

    /// Reports that did not fit: statistics, and others (which an engine must not survive).
    pub(crate) fn lost(&self) -> (u64, u64) {
        (self.lost_stats, self.lost_others)
    }

    /// The first drop of a kind is reported at once, further ones after a second, as a sum.
    pub(crate) fn count_drop(&mut self, now: u64, kind: &'static str, count: u64) {
        if let Some(counter) = self.drops.iter_mut().find(|counter| counter.kind == kind) {
            counter.count += count;
        } else if self.drops.len() < KINDS_MAX {
            let reported_at = now.saturating_sub(DROP_REPORT_INTERVAL_US);
            self.drops.push(DropCounter { kind, count, reported_at });
        }
    }

    /// When the next drop counter may be reported.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.drops
            .iter()
            .filter(|counter| counter.count > 0)
            .map(|counter| counter.reported_at + DROP_REPORT_INTERVAL_US)
            .min()
    }

    pub(crate) fn on_time(&mut self, now: u64) {
        let mut due = Vec::new();
        for counter in &mut self.drops {
            if counter.count > 0 && counter.reported_at + DROP_REPORT_INTERVAL_US <= now {
                due.push(Report::Dropped { kind: counter.kind.to_owned(), count: std::mem::take(&mut counter.count) });
                counter.reported_at = now;
            }
        }
        for report in due {
            self.report(now, report);
        }
    }

    /// Statistics are snapshots: the oldest gives way to anything newer.
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

    #[test]
    fn drops_of_a_kind_are_summed_to_one_report_a_second() {
        let mut journal = Journal::default();
        let dropped = |count| Report::Dropped { kind: "unknown_index".to_owned(), count };
        journal.count_drop(5_000_000, "unknown_index", 1);
        assert_eq!(journal.next_deadline(), Some(5_000_000));
        journal.on_time(5_000_000);
        assert_eq!(journal.pop(), Some((5_000_000, dropped(1))));
        journal.count_drop(5_100_000, "unknown_index", 2);
        journal.count_drop(5_200_000, "unknown_index", 3);
        journal.on_time(5_900_000);
        assert_eq!(journal.pop(), None);
        journal.on_time(6_000_000);
        assert_eq!(journal.pop(), Some((6_000_000, dropped(5))));
        assert_eq!(journal.next_deadline(), None);
    }

    #[test]
    fn a_full_queue_gives_up_its_oldest_statistics_first() {
        let mut journal = Journal::default();
        journal.report(0, Report::HandshakeUnanswered { dial: 1 });
        for at in 1..CAPACITY as u64 {
            journal.report(at, Report::Stats { paths: Vec::new() });
        }
        journal.report(9, Report::HandshakeUnanswered { dial: 2 });
        assert_eq!(journal.lost(), (1, 0));
        assert_eq!(journal.pop(), Some((0, Report::HandshakeUnanswered { dial: 1 })));
        assert_eq!(journal.pop().map(|(at, _)| at), Some(2));
    }
}
