//! The replay window: which counters of one key were already accepted.
//!
//! ```text
//!  floor                                 highest
//!    │  … 1 1 0 1 1 1 1 0 1 1 1 1 1 0 1 1 1 │
//!  ──┴─────────── size bits (ring) ─────────┴──────►  counter
//!  too old                                    new: commit moves the window
//! ```
//!
//! The size must be at least the packet rate times the latency difference of the paths in use (5 Gbit/s × 60 ms ≈
//! 27,000). Source: docs/spec/wire.md, "Keys".

/// Number of counters that an idle session remembers.
pub const IDLE_SIZE: u64 = 1_024;
/// Number of counters that a session with traffic remembers.
pub const FULL_SIZE: u64 = 65_536;

const WORD_BITS: u64 = 64;

/// Why a counter is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// Below the window: nobody can tell whether the counter was seen.
    TooOld,
    /// The counter was seen.
    Duplicate,
}

/// The replay window of one receiving key. Allocates nothing before the first commit; 128 bytes when idle, 8 KiB when
/// grown.
#[derive(Debug, Clone)]
pub struct ReplayWindow {
    /// Bit `counter % size`. The size is a power of two, so the counter's wrap never matters. Empty until the first
    /// commit.
    words: Vec<u64>,
    size: u64,
    highest: u64,
    /// Lowest counter that can still be judged. It never falls, even if the size grows.
    floor: u64,
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayWindow {
    pub const fn new() -> Self {
        Self { words: Vec::new(), size: IDLE_SIZE, highest: 0, floor: 0 }
    }

    /// Checks a counter before the AEAD is used. Changes nothing, so a forged counter has no effect.
    pub fn check(&self, counter: u64) -> Result<(), Replayed> {
        if counter < self.floor {
            return Err(Replayed::TooOld);
        }
        if counter <= self.highest && !self.words.is_empty() && self.bit(counter) {
            return Err(Replayed::Duplicate);
        }
        Ok(())
    }

    /// Marks the counter of a message that the AEAD has accepted. Checks it again, because a burst may contain a
    /// counter twice.
    pub fn commit(&mut self, counter: u64) -> Result<(), Replayed> {
        self.check(counter)?;
        if self.words.is_empty() {
            self.words = vec![0; (self.size / WORD_BITS) as usize];
            self.highest = counter;
            self.floor = self.floor.max(counter.saturating_sub(self.size - 1));
        }
        if counter > self.highest {
            self.advance(counter);
        }
        let word = self.word(counter);
        self.words[word] |= mask(counter);
        Ok(())
    }

    /// Remembers 65,536 counters from now on. Counters that had already left the window stay refused.
    pub fn grow(&mut self) {
        self.resize(FULL_SIZE);
    }

    /// Remembers 1,024 counters again, for a session that is idle; older counters are refused from now on.
    pub fn shrink(&mut self) {
        self.resize(IDLE_SIZE);
    }

    /// Number of counters remembered: 1,024 or 65,536.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn resize(&mut self, size: u64) {
        if size == self.size {
            return;
        }
        let old = Self { words: std::mem::take(&mut self.words), ..*self };
        self.size = size;
        if old.words.is_empty() {
            return;
        }
        self.words = vec![0; (size / WORD_BITS) as usize];
        self.floor = old.floor.max(self.highest.saturating_sub(size - 1));
        for counter in self.floor..=self.highest {
            if old.bit(counter) {
                let word = self.word(counter);
                self.words[word] |= mask(counter);
            }
        }
    }

    fn advance(&mut self, to: u64) {
        if to - self.highest >= self.size {
            self.words.fill(0);
        } else {
            self.clear(self.highest + 1, to);
        }
        self.highest = to;
        self.floor = self.floor.max(to.saturating_sub(self.size - 1));
    }

    /// Clears the bits of `from..=to`, whole words where possible.
    fn clear(&mut self, from: u64, to: u64) {
        let mut left = to - from + 1;
        while left > 0 {
            let counter = to - (left - 1);
            let word = self.word(counter);
            if counter.is_multiple_of(WORD_BITS) && left >= WORD_BITS {
                self.words[word] = 0;
                left -= WORD_BITS;
            } else {
                self.words[word] &= !mask(counter);
                left -= 1;
            }
        }
    }

    fn bit(&self, counter: u64) -> bool {
        self.words[self.word(counter)] & mask(counter) != 0
    }

    fn word(&self, counter: u64) -> usize {
        ((counter & (self.size - 1)) / WORD_BITS) as usize
    }
}

const fn mask(counter: u64) -> u64 {
    1 << (counter % WORD_BITS)
}
