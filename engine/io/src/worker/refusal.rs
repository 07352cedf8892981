//! Returns packets that the paths cannot carry whole to their inner senders, with an ICMP message.

use jvpn_proto::{endpoint::SendRoute, frames::MTU_MIN};

use crate::{
    offload::{FrameSink, Segments, TOO_BIG_MAX, too_big},
    tun::Tun,
};

/// Maximum messages to senders per second. A sender that gets none sends again.
const PER_S: u32 = 1_000;
const SECOND_US: u64 = 1_000_000;

/// Number of messages sent in the current second.
#[derive(Debug, Default)]
pub struct Refusals {
    from: u64,
    told: u32,
}

impl Refusals {
    /// True if the packets must be dropped because their sender gets the size that fits. False if no message is
    /// possible: the size is not certain yet or is below the IPv6 minimum, or the packet may be fragmented.
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
            // If the device is full, the sender's next packet causes the next message.
            let _ = sink.write(&[std::io::IoSlice::new(message)]);
        }
        true
    }
}
