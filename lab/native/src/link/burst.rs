//! Burst loss after Gilbert and Elliott.
//!
//! ```text
//!          p                    p, r: chance per frame
//!   good ─────▶ bad             mean burst = 1/r frames
//!    ◀───────────┘              share of frames in bad = p/(p+r)
//!          r
//! ```

use crate::seeded::Seeded;
use serde::{Deserialize, Serialize};

/// The probabilities of a two-state loss process, each 0…1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Burst {
    /// Probability per frame of good → bad.
    pub p: f64,
    /// Probability per frame of bad → good.
    pub r: f64,
    /// Loss probability in the bad state.
    #[serde(default = "every_frame")]
    pub loss_in_bad: f64,
}

fn every_frame() -> f64 {
    1.0
}

/// The state of the process; it starts as good.
#[derive(Debug, Default)]
pub struct Weather {
    bad: bool,
}

impl Weather {
    /// Advances the process by one frame and returns whether that frame is lost.
    pub fn loses(&mut self, burst: &Burst, random: &mut Seeded) -> bool {
        let turns = random.chance(if self.bad { burst.r } else { burst.p });
        self.bad ^= turns;
        self.bad && random.chance(burst.loss_in_bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_burst_length_are_those_of_the_model() {
        let burst = Burst {
            p: 0.01,
            r: 0.2,
            loss_in_bad: 1.0,
        };
        let mut random = Seeded::new(42);
        let mut weather = Weather::default();
        let lost: Vec<bool> = (0..400_000)
            .map(|_| weather.loses(&burst, &mut random))
            .collect();
        let losses = lost.iter().filter(|&&lost| lost).count() as f64;
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        let (share, length) = (losses / lost.len() as f64, losses / bursts);
        assert!((share - 0.01 / 0.21).abs() < 0.002, "share {share}");
        assert!((length - 5.0).abs() < 0.15, "mean burst {length}");
    }

    #[test]
    fn a_process_that_never_turns_bad_loses_nothing() {
        let burst = Burst {
            p: 0.0,
            r: 1.0,
            loss_in_bad: 1.0,
        };
        let mut random = Seeded::new(1);
        let mut weather = Weather::default();
        assert!((0..1000).all(|_| !weather.loses(&burst, &mut random)));
    }
}
