//! `struct virtio_net_hdr`: 10 bytes in native byte order before every frame of the TUN.

use super::headers::Malformed;

/// Length of the virtio header.
pub const VIRTIO_LEN: usize = 10;
/// Longest TUN frame: virtio header and the longest IP packet.
pub const FRAME_MAX: usize = VIRTIO_LEN + 65_535;

pub(super) const NEEDS_CSUM: u8 = 1;

pub(super) const GSO_NONE: u8 = 0;
pub(super) const GSO_TCPV4: u8 = 1;
pub(super) const GSO_TCPV6: u8 = 4;
pub(super) const GSO_UDP_L4: u8 = 5;
/// Flag combined with the type: the first segment has CWR. [`super::split`] clears CWR on all others anyway.
const GSO_ECN: u8 = 0x80;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct VirtioHeader {
    pub flags: u8,
    pub gso_type: u8,
    pub hdr_len: u16,
    pub gso_size: u16,
    pub csum_start: u16,
    pub csum_offset: u16,
}

impl VirtioHeader {
    /// The header of a frame, and the packet after it.
    pub fn parse(frame: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (raw, packet) = frame.split_first_chunk::<VIRTIO_LEN>().ok_or(Malformed::Truncated)?;
        let word = |at: usize| u16::from_ne_bytes([raw[at], raw[at + 1]]);
        let header = Self {
            flags: raw[0],
            gso_type: raw[1] & !GSO_ECN,
            hdr_len: word(2),
            gso_size: word(4),
            csum_start: word(6),
            csum_offset: word(8),
        };
        Ok((header, packet))
    }

    pub fn encode(self) -> [u8; VIRTIO_LEN] {
        let mut raw = [0; VIRTIO_LEN];
        raw[0] = self.flags;
        raw[1] = self.gso_type;
        raw[2..4].copy_from_slice(&self.hdr_len.to_ne_bytes());
        raw[4..6].copy_from_slice(&self.gso_size.to_ne_bytes());
        raw[6..8].copy_from_slice(&self.csum_start.to_ne_bytes());
        raw[8..10].copy_from_slice(&self.csum_offset.to_ne_bytes());
        raw
    }

    pub fn needs_checksum(self) -> bool {
        self.flags & NEEDS_CSUM != 0
    }
}
