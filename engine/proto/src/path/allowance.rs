//! How many bytes may be sent to a route before the peer has proved that it receives there.

use crate::vocabulary::AMPLIFICATION_MAX;

/// Bytes received from and sent to an unproved route.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Allowance {
    rx: u64,
    tx: u64,
}

impl Allowance {
    /// Counts authenticated bytes received from the route.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.rx = self.rx.saturating_add(bytes as u64);
    }

    pub(crate) fn sent(&mut self, bytes: u64) {
        self.tx = self.tx.saturating_add(bytes);
    }

    /// Bytes that may still be sent to the route.
    pub(crate) fn left(&self) -> u64 {
        (AMPLIFICATION_MAX * self.rx).saturating_sub(self.tx)
    }
}
