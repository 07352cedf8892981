//! Seeded random numbers: a run can be repeated with the seed from its first line.

/// xoshiro256++ by Blackman and Vigna (public domain algorithm), seeded through splitmix64.
#[derive(Debug, Clone)]
pub struct Seeded {
    state: [u64; 4],
}

impl Seeded {
    pub fn new(seed: u64) -> Self {
        let mut mix = seed;
        Self {
            state: std::array::from_fn(|_| splitmix64(&mut mix)),
        }
    }

    pub fn next(&mut self) -> u64 {
        let [s0, s1, s2, s3] = &mut self.state;
        let drawn = s0.wrapping_add(*s3).rotate_left(23).wrapping_add(*s0);
        let shifted = *s1 << 17;
        *s2 ^= *s0;
        *s3 ^= *s1;
        *s1 ^= *s2;
        *s0 ^= *s3;
        *s2 ^= shifted;
        *s3 = s3.rotate_left(45);
        drawn
    }

    /// Uniform in 0 ≤ x < 1.
    pub fn ratio(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with the probability `ratio`. At 0 it draws no number, so that an unused impairment does not change the
    /// sequence of the others.
    pub fn chance(&mut self, ratio: f64) -> bool {
        ratio > 0.0 && self.ratio() < ratio
    }

    /// A standard normal value (Box–Muller; the second value is discarded).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.ratio()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.ratio()).cos()
    }

    /// Fills `out` with the little-endian bytes of the sequence. Several fills equal one long fill if every part but
    /// the last is a multiple of 8 bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let draw = |seed| {
            let mut random = Seeded::new(seed);
            [random.next(), random.next(), random.next()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn ratios_are_uniform_and_normals_are_standard() {
        let mut random = Seeded::new(1);
        let draws = 100_000;
        let mean = (0..draws).map(|_| random.ratio()).sum::<f64>() / f64::from(draws);
        assert!((mean - 0.5).abs() < 0.005, "mean {mean}");
        let normals: Vec<f64> = (0..draws).map(|_| random.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(draws);
        let variance = normals.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(draws);
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02,
            "mean {mean}, variance {variance}"
        );
    }

    #[test]
    fn parts_of_eight_bytes_equal_one_long_fill() {
        let mut whole = [0; 64];
        Seeded::new(3).fill(&mut whole);
        let mut parts = [0; 64];
        let mut random = Seeded::new(3);
        random.fill(&mut parts[..24]);
        random.fill(&mut parts[24..]);
        assert_eq!(whole, parts);
    }
}
