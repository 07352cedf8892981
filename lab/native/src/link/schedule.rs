//! Decides what happens to every frame of one direction: a pure function of time, settings and seed.
//!
//! ```text
//!  frame ─▶ black hole ─▶ MTU ─▶ loss ─▶ bursts ─▶ bottleneck (queue, rate or recording) ─▶ delay ± jitter ─▶ out
//!              │           │       │        │          │ tail                                 └ never before the
//!              ▼           ▼       ▼        ▼          ▼                                        frame ahead of it
//!             each drop is counted under its own name
//! ```

use super::burst::Weather;
use super::settings::{Jitter, Settings};
use super::shaper::Shaper;
use super::trace::Trace;
use crate::clock::{MonoNs, NS_PER_MS};
use crate::seeded::Seeded;
use std::sync::Arc;

/// Why a frame was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    BlackHole,
    Mtu,
    Loss,
    Burst,
    Queue,
}

/// The decision about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Drop(Cause),
    /// Deliver at this time, and again directly after that if `twice`.
    Deliver {
        at: MonoNs,
        twice: bool,
    },
}

/// The active settings of one direction, with their state.
#[derive(Debug)]
pub struct Schedule {
    settings: Settings,
    shaper: Shaper,
    weather: Weather,
    random: Seeded,
    /// Frames that keep their order are not delivered before this time.
    order_floor: MonoNs,
}

impl Schedule {
    pub fn new(seed: u64) -> Self {
        Self {
            settings: Settings::default(),
            shaper: Shaper::unlimited(),
            weather: Weather::default(),
            random: Seeded::new(seed),
            order_floor: 0,
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Applies new settings to frames that enter from `now` on. Frames in transit keep their delivery time, but a black
    /// hole drops them (the caller discards them). `trace` is the recording that `settings` names.
    pub fn set(&mut self, now: MonoNs, settings: Settings, trace: Option<Arc<Trace>>) {
        if !self.settings.same_bottleneck(&settings) {
            self.shaper = shaper(now, &settings, trace);
        }
        if settings.burst != self.settings.burst {
            self.weather = Weather::default();
        }
        if settings.blackhole {
            self.shaper.clear(now);
            self.order_floor = 0;
        }
        self.settings = settings;
    }

    /// Decides on a frame of `len` layer 3 bytes that enters at `now`.
    pub fn push(&mut self, now: MonoNs, len: u32) -> Verdict {
        let settings = &self.settings;
        let random = &mut self.random;
        if settings.blackhole {
            return Verdict::Drop(Cause::BlackHole);
        }
        if settings.mtu.is_some_and(|mtu| len > mtu) {
            return Verdict::Drop(Cause::Mtu);
        }
        if random.chance(settings.loss) {
            return Verdict::Drop(Cause::Loss);
        }
        if settings
            .burst
            .is_some_and(|burst| self.weather.loses(&burst, random))
        {
            return Verdict::Drop(Cause::Burst);
        }
        let Some(sent) = self.shaper.serve(now, len) else {
            return Verdict::Drop(Cause::Queue);
        };
        let arrival = sent + delay_ns(settings, random);
        let twice = random.chance(settings.duplicate);
        let at = if random.chance(settings.reorder) {
            arrival + ns(settings.reorder_ms)
        } else {
            self.order_floor = self.order_floor.max(arrival);
            self.order_floor
        };
        Verdict::Deliver { at, twice }
    }

    /// Bytes that wait before the bottleneck.
    pub fn queued_bytes(&mut self, now: MonoNs) -> u64 {
        self.shaper.queued_bytes(now)
    }
}

fn shaper(now: MonoNs, settings: &Settings, trace: Option<Arc<Trace>>) -> Shaper {
    let queue_bytes = |bytes_per_sec: u64| {
        settings
            .queue_bytes
            .unwrap_or_else(|| (bytes_per_sec as f64 * settings.queue_ms / 1000.0) as u64)
    };
    match (settings.rate_mbit, trace) {
        (Some(mbit), _) => {
            let bytes_per_sec = (mbit * 1e6 / 8.0) as u64;
            Shaper::rate(bytes_per_sec, queue_bytes(bytes_per_sec))
        }
        (None, Some(trace)) => {
            let queue_bytes = queue_bytes(trace.mean_bytes_per_sec());
            Shaper::recorded(trace, now, queue_bytes)
        }
        (None, None) => Shaper::unlimited(),
    }
}

fn delay_ns(settings: &Settings, random: &mut Seeded) -> u64 {
    if settings.jitter_ms == 0.0 {
        return ns(settings.delay_ms);
    }
    let deviation = match settings.jitter {
        Jitter::Uniform => random.ratio() * 2.0 - 1.0,
        Jitter::Normal => random.normal(),
    };
    ns((settings.delay_ms + settings.jitter_ms * deviation).max(0.0))
}

fn ns(ms: f64) -> u64 {
    (ms * NS_PER_MS as f64) as u64
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
