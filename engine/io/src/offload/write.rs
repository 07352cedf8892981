//! The superframes that a TUN accepts.

/// What a TUN accepts in one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOffload {
    /// Packets with a partial checksum; otherwise checksums are completed in software.
    pub checksum: bool,
    /// TCP superframes, both families.
    pub tcp: bool,
    /// UDP superframes, both families.
    pub udp: bool,
}
