//! The settings of one link direction, and how a command changes them.

use super::burst::Burst;
use super::shaper::QUEUE_BYTES_MAX;
use serde::{Deserialize, Deserializer, Serialize};

const DELAY_MS_MAX: f64 = 60_000.0;
const RATE_MBIT_MIN: f64 = 0.001;
const RATE_MBIT_MAX: f64 = 100_000.0;

/// The distribution of the delay's deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jitter {
    /// Uniform within ±`jitterMs`.
    Uniform,
    /// Normal, with `jitterMs` as standard deviation.
    Normal,
}

/// The settings of one direction. All lengths are layer 3 (frame less 14 bytes of Ethernet); all ratios are 0…1, per
/// frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Time from the end of the bottleneck to delivery, 0…60000 ms.
    pub delay_ms: f64,
    /// Deviation from the delay, 0…60000 ms. A frame never overtakes: it waits for the frames ahead of it.
    pub jitter_ms: f64,
    pub jitter: Jitter,
    pub loss: f64,
    pub burst: Option<Burst>,
    pub duplicate: f64,
    /// Share of frames that are delayed by `reorderMs`, so that later frames overtake them.
    pub reorder: f64,
    pub reorder_ms: f64,
    /// 0.001…100000 Mbit/s; `None` is unlimited. Excludes `trace`.
    pub rate_mbit: Option<f64>,
    /// Path of a recording in Mahimahi's format. Excludes `rate_mbit`.
    pub trace: Option<String>,
    /// Length of the bottleneck's queue, as time at the (mean) rate.
    pub queue_ms: f64,
    /// Length of the bottleneck's queue in bytes, at most 64 MiB; overrides `queue_ms`.
    pub queue_bytes: Option<u64>,
    /// Larger packets are dropped silently.
    pub mtu: Option<u32>,
    /// No frame enters, and no frame in transit arrives.
    pub blackhole: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delay_ms: 0.0,
            jitter_ms: 0.0,
            jitter: Jitter::Uniform,
            loss: 0.0,
            burst: None,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_ms: 5.0,
            rate_mbit: None,
            trace: None,
            queue_ms: 100.0,
            queue_bytes: None,
            mtu: None,
            blackhole: false,
        }
    }
}

/// The settings that one command contains; the others stay unchanged. `null` removes a limit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(
    clippy::option_option,
    reason = "a command sets a limit, removes it, or does not mention it"
)]
pub struct Change {
    delay_ms: Option<f64>,
    jitter_ms: Option<f64>,
    jitter: Option<Jitter>,
    loss: Option<f64>,
    #[serde(deserialize_with = "named")]
    burst: Option<Option<Burst>>,
    duplicate: Option<f64>,
    reorder: Option<f64>,
    reorder_ms: Option<f64>,
    #[serde(deserialize_with = "named")]
    rate_mbit: Option<Option<f64>>,
    #[serde(deserialize_with = "named")]
    trace: Option<Option<String>>,
    queue_ms: Option<f64>,
    #[serde(deserialize_with = "named")]
    queue_bytes: Option<Option<u64>>,
    #[serde(deserialize_with = "named")]
    mtu: Option<Option<u32>>,
    blackhole: Option<bool>,
}

/// Distinguishes an absent field from `null`.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Settings {
    /// Returns the settings after a change. A rate replaces a recording, and a recording replaces a rate. Refuses
    /// values out of range.
    pub fn changed(&self, change: &Change) -> Result<Self, String> {
        let mut next = self.clone();
        take(&mut next.delay_ms, change.delay_ms);
        take(&mut next.jitter_ms, change.jitter_ms);
        take(&mut next.jitter, change.jitter);
        take(&mut next.loss, change.loss);
        take(&mut next.burst, change.burst);
        take(&mut next.duplicate, change.duplicate);
        take(&mut next.reorder, change.reorder);
        take(&mut next.reorder_ms, change.reorder_ms);
        take(&mut next.queue_ms, change.queue_ms);
        take(&mut next.queue_bytes, change.queue_bytes);
        take(&mut next.mtu, change.mtu);
        take(&mut next.blackhole, change.blackhole);
        if let Some(rate) = change.rate_mbit {
            next.rate_mbit = rate;
            next.trace = next.trace.filter(|_| rate.is_none());
        }
        if let Some(trace) = &change.trace {
            next.trace.clone_from(trace);
            let named_too = change.rate_mbit.is_some_and(|rate| rate.is_some());
            if trace.is_some() && named_too {
                return Err("rateMbit and trace cannot be used together".into());
            }
            next.rate_mbit = next.rate_mbit.filter(|_| trace.is_none());
        }
        next.check()?;
        Ok(next)
    }

    fn check(&self) -> Result<(), String> {
        let burst = self.burst.unwrap_or(Burst {
            p: 0.0,
            r: 0.0,
            loss_in_bad: 0.0,
        });
        let ratios = [
            ("loss", self.loss),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
            ("burst.p", burst.p),
            ("burst.r", burst.r),
            ("burst.lossInBad", burst.loss_in_bad),
        ];
        for (name, ratio) in ratios {
            within(name, ratio, 0.0, 1.0)?;
        }
        let times = [
            ("delayMs", self.delay_ms),
            ("jitterMs", self.jitter_ms),
            ("reorderMs", self.reorder_ms),
            ("queueMs", self.queue_ms),
        ];
        for (name, ms) in times {
            within(name, ms, 0.0, DELAY_MS_MAX)?;
        }
        if let Some(rate) = self.rate_mbit {
            within("rateMbit", rate, RATE_MBIT_MIN, RATE_MBIT_MAX)?;
        }
        if let Some(bytes) = self.queue_bytes {
            within("queueBytes", bytes as f64, 1.0, QUEUE_BYTES_MAX as f64)?;
        }
        if let Some(mtu) = self.mtu {
            within("mtu", f64::from(mtu), 1.0, 65_535.0)?;
        }
        Ok(())
    }

    /// Whether the shaper of `self` also serves `other`. A shaper that stays keeps its queue.
    pub fn same_bottleneck(&self, other: &Self) -> bool {
        let bottleneck = |of: &Self| (of.rate_mbit, of.trace.clone(), of.queue_ms, of.queue_bytes);
        bottleneck(self) == bottleneck(other)
    }
}

fn take<T>(setting: &mut T, named: Option<T>) {
    if let Some(value) = named {
        *setting = value;
    }
}

fn within(name: &str, value: f64, min: f64, max: f64) -> Result<(), String> {
    if value >= min && value <= max {
        Ok(())
    } else {
        Err(format!("{name} must be {min}…{max}, not {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> Result<Settings, String> {
        let change: Change = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Settings {
            rate_mbit: Some(5.0),
            loss: 0.5,
            ..Settings::default()
        }
        .changed(&change)
    }

    #[test]
    fn what_a_command_does_not_name_stays() {
        let next = change(r#"{"delayMs":10}"#).expect("valid");
        assert_eq!(
            (next.delay_ms, next.loss, next.rate_mbit),
            (10.0, 0.5, Some(5.0))
        );
    }

    #[test]
    fn null_lifts_a_limit() {
        assert_eq!(
            change(r#"{"rateMbit":null}"#).expect("valid").rate_mbit,
            None
        );
    }

    #[test]
    fn a_recording_replaces_the_rate_and_the_reverse() {
        let next = change(r#"{"trace":"x"}"#).expect("valid");
        assert_eq!((next.rate_mbit, next.trace.as_deref()), (None, Some("x")));
        let back: Change = serde_json::from_str(r#"{"rateMbit":1}"#).expect("valid");
        assert_eq!(next.changed(&back).expect("valid").trace, None);
    }

    #[test]
    fn what_is_unknown_or_out_of_range_is_refused() {
        for json in [
            r#"{"delay":1}"#,
            r#"{"loss":1.01}"#,
            r#"{"loss":-0.1}"#,
            r#"{"delayMs":60001}"#,
            r#"{"rateMbit":0}"#,
            r#"{"burst":{"p":2,"r":1}}"#,
            r#"{"mtu":0}"#,
            r#"{"rateMbit":1,"trace":"x"}"#,
            r#"{"queueBytes":67108865}"#,
        ] {
            assert!(change(json).is_err(), "{json}");
        }
    }
}
