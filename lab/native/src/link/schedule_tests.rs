use super::*;
use crate::link::burst::Burst;

fn schedule(settings: Settings) -> Schedule {
    let mut schedule = Schedule::new(9);
    schedule.set(0, settings, None);
    schedule
}

/// Pushes `count` frames of 100 bytes, one every `gap` nanoseconds.
fn push_many(schedule: &mut Schedule, count: u64, gap: u64) -> Vec<Verdict> {
    (0..count).map(|i| schedule.push(i * gap, 100)).collect()
}

fn deliveries(verdicts: &[Verdict]) -> Vec<MonoNs> {
    let at = |verdict: &Verdict| match *verdict {
        Verdict::Deliver { at, .. } => Some(at),
        Verdict::Drop(_) => None,
    };
    verdicts.iter().filter_map(at).collect()
}

#[test]
fn without_settings_a_frame_is_delivered_at_once() {
    assert_eq!(
        Schedule::new(1).push(7, 1500),
        Verdict::Deliver {
            at: 7,
            twice: false
        }
    );
}

#[test]
fn the_delay_is_exact() {
    let mut schedule = schedule(Settings {
        delay_ms: 10.5,
        ..Settings::default()
    });
    assert_eq!(
        schedule.push(3, 100),
        Verdict::Deliver {
            at: 10_500_003,
            twice: false
        }
    );
}

#[test]
fn jitter_spreads_around_the_delay_and_keeps_the_order() {
    for jitter in [Jitter::Uniform, Jitter::Normal] {
        let mut schedule = schedule(Settings {
            delay_ms: 20.0,
            jitter_ms: 5.0,
            jitter,
            ..Settings::default()
        });
        let gap = 100 * NS_PER_MS; // so far apart that the order never delays a frame
        let verdicts = push_many(&mut schedule, 20_000, gap);
        let delays: Vec<f64> = (0..)
            .zip(deliveries(&verdicts))
            .map(|(i, at)| (at - i * gap) as f64 / NS_PER_MS as f64)
            .collect();
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        assert!((mean - 20.0).abs() < 0.15, "{jitter:?}: mean {mean}");
        let beyond = delays.iter().filter(|&&ms| (ms - 20.0).abs() > 5.0).count() as f64
            / delays.len() as f64;
        let expected = if jitter == Jitter::Uniform {
            0.0
        } else {
            0.317
        };
        assert!(
            (beyond - expected).abs() < 0.01,
            "{jitter:?}: beyond one jitter {beyond}"
        );
        let dense = deliveries(&push_many(&mut schedule, 5_000, 1000));
        assert!(dense.is_sorted(), "{jitter:?}: order");
    }
}

#[test]
fn a_shorter_delay_does_not_let_frames_overtake() {
    let mut schedule = schedule(Settings {
        delay_ms: 50.0,
        ..Settings::default()
    });
    schedule.push(0, 100);
    schedule.set(
        1,
        Settings {
            delay_ms: 1.0,
            ..Settings::default()
        },
        None,
    );
    assert_eq!(
        schedule.push(2, 100),
        Verdict::Deliver {
            at: 50 * NS_PER_MS,
            twice: false
        }
    );
}

#[test]
fn loss_is_the_ratio_that_was_set() {
    let mut schedule = schedule(Settings {
        loss: 0.3,
        ..Settings::default()
    });
    let verdicts = push_many(&mut schedule, 100_000, 1000);
    let lost = verdicts
        .iter()
        .filter(|&&v| v == Verdict::Drop(Cause::Loss))
        .count();
    assert!((29_400..30_600).contains(&lost), "{lost}"); // ±4 standard deviations
}

#[test]
fn bursts_duplicates_and_reordering_come_as_often_as_set() {
    let mut bursts = schedule(Settings {
        burst: Some(Burst {
            p: 0.05,
            r: 0.5,
            loss_in_bad: 1.0,
        }),
        ..Settings::default()
    });
    let verdicts = push_many(&mut bursts, 100_000, 1000);
    let lost = verdicts
        .iter()
        .filter(|&&v| v == Verdict::Drop(Cause::Burst))
        .count();
    assert!((8_700..9_500).contains(&lost), "{lost}");

    let mut reordered = schedule(Settings {
        reorder: 0.1,
        duplicate: 0.2,
        ..Settings::default()
    });
    let verdicts = push_many(&mut reordered, 100_000, 10_000);
    let twice = verdicts
        .iter()
        .filter(|v| matches!(v, Verdict::Deliver { twice: true, .. }))
        .count();
    assert!((19_400..20_600).contains(&twice), "{twice}");
    let held = (0..)
        .zip(deliveries(&verdicts))
        .filter(|&(i, at)| at == i * 10_000 + 5 * NS_PER_MS)
        .count();
    assert!((9_600..10_400).contains(&held), "{held}");
}

#[test]
fn one_seed_repeats_every_verdict() {
    let settings = || Settings {
        loss: 0.2,
        jitter_ms: 3.0,
        duplicate: 0.1,
        ..Settings::default()
    };
    let (mut one, mut two) = (schedule(settings()), schedule(settings()));
    assert_eq!(
        push_many(&mut one, 1000, 500),
        push_many(&mut two, 1000, 500)
    );
}

#[test]
fn larger_packets_than_the_mtu_are_dropped() {
    let mut schedule = schedule(Settings {
        mtu: Some(1280),
        ..Settings::default()
    });
    assert_eq!(schedule.push(0, 1281), Verdict::Drop(Cause::Mtu));
    assert_eq!(
        schedule.push(0, 1280),
        Verdict::Deliver {
            at: 0,
            twice: false
        }
    );
}

#[test]
fn a_black_hole_swallows_all_and_leaves_no_queue_behind() {
    let slow = Settings {
        rate_mbit: Some(1.0),
        delay_ms: 5.0,
        ..Settings::default()
    };
    let mut schedule = schedule(slow.clone());
    schedule.push(0, 1250);
    schedule.set(
        1,
        Settings {
            blackhole: true,
            ..slow.clone()
        },
        None,
    );
    assert_eq!(schedule.push(2, 100), Verdict::Drop(Cause::BlackHole));
    schedule.set(3, slow, None);
    assert_eq!(
        schedule.push(0, 1250),
        Verdict::Deliver {
            at: 15 * NS_PER_MS,
            twice: false
        }
    );
}

#[test]
fn a_recording_shapes_and_its_queue_is_time_at_the_mean_rate() {
    let trace = Arc::new(Trace::parse("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n").expect("valid"));
    let mut schedule = Schedule::new(1);
    let settings = Settings {
        trace: Some("x".into()),
        queue_ms: 3.0,
        ..Settings::default()
    };
    schedule.set(0, settings, Some(trace));
    let verdicts: Vec<Verdict> = (0..4).map(|_| schedule.push(0, 1500)).collect();
    assert_eq!(
        deliveries(&verdicts),
        [NS_PER_MS, 2 * NS_PER_MS, 3 * NS_PER_MS]
    );
    assert_eq!(verdicts[3], Verdict::Drop(Cause::Queue));
}

#[test]
fn a_change_that_does_not_touch_the_bottleneck_keeps_its_queue() {
    let slow = Settings {
        rate_mbit: Some(1.0),
        ..Settings::default()
    };
    let mut schedule = schedule(slow.clone());
    schedule.push(0, 1250);
    schedule.set(
        0,
        Settings {
            loss: 0.0,
            delay_ms: 1.0,
            ..slow
        },
        None,
    );
    assert_eq!(
        schedule.push(0, 1250),
        Verdict::Deliver {
            at: 21 * NS_PER_MS,
            twice: false
        }
    );
}
