//! What superframes a TUN takes.

/// What a TUN takes from us in one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOffload {
    /// Packets whose checksum is partial; without it checksums are completed in software.
    pub checksum: bool,
    /// TCP superframes, both families.
    pub tcp: bool,
    /// UDP superframes, both families.
    pub udp: bool,
}
