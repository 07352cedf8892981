//! The replay window: compared with an oracle that remembers every counter, and tested at its edges.

use std::collections::HashSet;

use jvpn_proto::replay::{FULL_SIZE, IDLE_SIZE, ReplayWindow, Replayed};
use proptest::{collection::vec, prelude::*};

/// Remembers every counter; removes only those that the window must call too old.
#[derive(Default)]
struct Oracle {
    seen: HashSet<u64>,
    highest: Option<u64>,
    floor: u64,
    grown: bool,
}

impl Oracle {
    fn size(&self) -> u64 {
        if self.grown { FULL_SIZE } else { IDLE_SIZE }
    }

    fn raise_floor(&mut self) {
        let highest = self.highest.unwrap_or(0);
        self.floor = self.floor.max(highest.saturating_sub(self.size() - 1));
    }

    fn check(&self, counter: u64) -> Result<(), Replayed> {
        if counter < self.floor {
            Err(Replayed::TooOld)
        } else if self.seen.contains(&counter) {
            Err(Replayed::Duplicate)
        } else {
            Ok(())
        }
    }

    fn commit(&mut self, counter: u64) -> Result<(), Replayed> {
        self.check(counter)?;
        self.seen.insert(counter);
        self.highest = self.highest.max(Some(counter));
        self.raise_floor();
        Ok(())
    }

    fn resize(&mut self, grown: bool) {
        self.grown = grown;
        self.raise_floor();
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// This far below the highest counter.
    Behind(u64),
    Ahead(u64),
    Check(u64),
    Grow,
    Shrink,
}

proptest! {
    #[test]
    fn the_window_agrees_with_an_oracle(steps in vec(step(), 1..400), start in prop_oneof![Just(0), 0..200_000_u64, any::<u64>()]) {
        let (mut window, mut oracle) = (ReplayWindow::new(), Oracle::default());
        for step in steps {
            let highest = oracle.highest.unwrap_or(start);
            match step {
                Step::Behind(by) => {
                    let counter = highest.saturating_sub(by);
                    prop_assert_eq!(window.check(counter), oracle.check(counter));
                    prop_assert_eq!(window.commit(counter), oracle.commit(counter));
                }
                Step::Ahead(by) => {
                    let counter = highest.saturating_add(by);
                    prop_assert_eq!(window.commit(counter), oracle.commit(counter));
                }
                Step::Check(counter) => prop_assert_eq!(window.check(counter), oracle.check(counter)),
                Step::Grow => {
                    window.grow();
                    oracle.resize(true);
                }
                Step::Shrink => {
                    window.shrink();
                    oracle.resize(false);
                }
            }
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..80_u64).prop_map(Step::Behind),
        4 => (0..1_100_u64).prop_map(Step::Behind),
        2 => (0..70_000_u64).prop_map(Step::Behind),
        8 => (1..70_u64).prop_map(Step::Ahead),
        2 => (1..2_000_u64).prop_map(Step::Ahead),
        1 => (1..200_000_u64).prop_map(Step::Ahead),
        1 => any::<u64>().prop_map(Step::Check),
        1 => Just(Step::Grow),
        1 => Just(Step::Shrink),
    ]
}

#[test]
fn a13_a_capture_replayed_forward_and_backward_is_accepted_nowhere() {
    let mut window = ReplayWindow::new();
    window.grow();
    for counter in 0..200_000 {
        assert_eq!(window.commit(counter), Ok(()));
    }
    for counter in (0..200_000).chain((0..200_000).rev()) {
        assert!(window.check(counter).is_err() && window.commit(counter).is_err());
    }
}

#[test]
fn a14_what_is_older_than_the_window_is_dropped_and_moves_nothing() {
    let mut window = ReplayWindow::new();
    assert_eq!(window.commit(5_000), Ok(()));
    assert_eq!(window.check(5_000 - IDLE_SIZE), Err(Replayed::TooOld));
    assert_eq!(window.commit(5_000 - IDLE_SIZE), Err(Replayed::TooOld));
    assert_eq!(window.check(5_000 - IDLE_SIZE + 1), Ok(()));
}

#[test]
fn a15_a_check_of_a_huge_counter_moves_nothing() {
    let mut window = ReplayWindow::new();
    assert_eq!(window.commit(1), Ok(()));
    assert_eq!(window.check(u64::MAX), Ok(()));
    assert_eq!(window.commit(0), Ok(()));
}

#[test]
fn a17_reordering_of_a_window_less_one_is_accepted_and_of_a_window_is_not() {
    let mut window = ReplayWindow::new();
    window.grow();
    assert_eq!(window.commit(FULL_SIZE), Ok(()));
    assert_eq!(window.commit(1), Ok(()));
    assert_eq!(window.commit(0), Err(Replayed::TooOld));
}

#[test]
fn growing_does_not_bring_back_what_had_left_the_window() {
    let mut window = ReplayWindow::new();
    for counter in 0..3_000 {
        assert_eq!(window.commit(counter), Ok(()));
    }
    window.grow();
    assert_eq!(window.size(), FULL_SIZE);
    for counter in 0..3_000 {
        assert!(window.check(counter).is_err(), "{counter}");
    }
}

#[test]
fn a_counter_twice_in_one_burst_is_accepted_once() {
    let mut window = ReplayWindow::new();
    assert_eq!((window.check(7), window.check(7)), (Ok(()), Ok(())));
    assert_eq!((window.commit(7), window.commit(7)), (Ok(()), Err(Replayed::Duplicate)));
}

#[test]
fn the_greatest_counter_overflows_nothing() {
    let mut window = ReplayWindow::new();
    for counter in [u64::MAX - 1, u64::MAX] {
        assert_eq!(window.commit(counter), Ok(()));
        assert_eq!(window.commit(counter), Err(Replayed::Duplicate));
    }
    window.grow();
    window.shrink();
    assert_eq!(window.check(u64::MAX), Err(Replayed::Duplicate));
}
