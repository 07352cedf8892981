//! Packets that the paths do not carry whole, given back to their senders inside.

use jvpn_proto::{endpoint::SendRoute, frames::MTU_MIN};

use crate::{
    offload::{FrameSink, Segments, TOO_BIG_MAX, too_big},
    tun::Tun,
};

/// Messages to senders in one second; a sender that hears none sends again.
const PER_S: u32 = 1_000;
const SECOND_US: u64 = 1_000_000;

/// How often senders were told in the running second.
#[derive(Debug, Default)]
pub struct Refusals {
    from: u64,
    told: u32,
}

impl Refusals {
    /// True if the packets do not go on because their sender hears what would pass. False where it must not be told:
    /// the size is not certain yet, below what IPv6 demands of every link, or the packet may be fragmented.
    pub fn refuse(&mut self, now: u64, to: &SendRoute, segments: &Segments<'_>, tun: &Tun) -> bool {
        if !to.settled || to.packet_max < MTU_MIN {
            return false;
        }
        let (head, body) = segments.first();
        let mut frame = [0; TOO_BIG_MAX];
        let Some(message) = too_big(head, body, to.packet_max, &mut frame) else { return false };
        if now >= self.from + SECOND_US {
            (self.from, self.told) = (now, 0);
        }
        if self.told < PER_S {
            self.told += 1;
            let mut sink = tun;
            // A full device: the next packet of the sender brings the next message.
            let _ = sink.write(&[std::io::IoSlice::new(message)]);
        }
        true
    }
}
