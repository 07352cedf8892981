//! The packet format of a flow.
//!
//! ```text
//!   0        4        8                16               24                size
//!   | "JVFD" | flow   | sequence       | sent at, µs    | zeros …        |     little-endian
//!   | "JVFE" | flow   | packets in all | ended at, µs   |                      the flow is over, repeated
//! ```

use crate::clock::BootUs;

pub const BYTES_MIN: usize = 24;
/// The maximum UDP payload over IPv4.
pub const BYTES_MAX: usize = 65_507;

const DATA: [u8; 4] = *b"JVFD";
const END: [u8; 4] = *b"JVFE";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Data {
        seq: u64,
    },
    /// Total packets of the flow, sent or failed.
    End {
        packets: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// A random number from the sender; it identifies packets of other flows on the same port.
    pub flow: u32,
    pub kind: Kind,
    pub sent_us: BootUs,
}

impl Packet {
    /// Writes the header into `out`, which has at least [`BYTES_MIN`] bytes; the rest is unchanged.
    pub fn write(&self, out: &mut [u8]) {
        let (magic, number) = match self.kind {
            Kind::Data { seq } => (DATA, seq),
            Kind::End { packets } => (END, packets),
        };
        out[0..4].copy_from_slice(&magic);
        out[4..8].copy_from_slice(&self.flow.to_le_bytes());
        out[8..16].copy_from_slice(&number.to_le_bytes());
        out[16..24].copy_from_slice(&self.sent_us.to_le_bytes());
    }

    /// `None` if the bytes are not a packet of a flow.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (flow, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (sent, _) = rest.split_first_chunk::<8>()?;
        let number = u64::from_le_bytes(*number);
        let kind = match *magic {
            DATA => Kind::Data { seq: number },
            END => Kind::End { packets: number },
            _ => return None,
        };
        Some(Self {
            flow: u32::from_le_bytes(*flow),
            kind,
            sent_us: u64::from_le_bytes(*sent),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        for kind in [Kind::Data { seq: 7 }, Kind::End { packets: 9 }] {
            let packet = Packet {
                flow: 3,
                kind,
                sent_us: 1_234_567,
            };
            let mut bytes = [0xff; 200];
            packet.write(&mut bytes);
            assert_eq!(Packet::read(&bytes), Some(packet));
            assert_eq!(Packet::read(&bytes[..BYTES_MIN - 1]), None);
            bytes[0] = 0;
            assert_eq!(Packet::read(&bytes), None);
        }
    }
}
