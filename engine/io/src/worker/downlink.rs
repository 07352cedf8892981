//! Sockets to TUN: a batch is decrypted in place, and each run of one flow becomes one write.

use std::io;

use jvpn_proto::blame::DropKind;
use jvpn_proto::endpoint::{Received, Route};
use jvpn_proto::messages::Role;
use jvpn_proto::wire::TYPE_INIT;

use super::commands::Outer;
use crate::{
    offload::{Coalescer, WriteOffload, clamp_mss, may_begin, source},
    sys::boot_us,
    tun::Tun,
    udp::RecvBatch,
};

#[derive(Debug)]
pub struct Downlink {
    batch: RecvBatch,
    coalescer: Coalescer,
}

impl Downlink {
    pub fn new(offload: WriteOffload) -> Self {
        Self { batch: RecvBatch::default(), coalescer: Coalescer::new(offload) }
    }

    /// Receives at most `most` messages from the socket at `position`. `true` = it may have more. Fails only if the TUN
    /// is gone.
    pub fn receive(&mut self, position: usize, most: usize, outer: &mut Outer, tun: &Tun) -> io::Result<bool> {
        let Some((socket, received)) = outer.sockets.receive(position, &mut self.batch, most) else {
            return Ok(false);
        };
        let count = match received {
            Ok(count) => count,
            Err(error) => {
                outer.path_failed(socket, error.raw_os_error().unwrap_or(libc::EIO));
                return Ok(false);
            }
        };
        let mut sink = tun;
        let mut burst = self.coalescer.burst(&mut sink);
        // Packets of one flow arrive in runs; the allowed source is looked up once for each run.
        let mut allowed = None;
        for message in self.batch.messages() {
            let (at, from) = (message.at_us, Route { socket, local: message.local, remote: message.remote });
            for (place, datagram) in message.datagrams().enumerate() {
                // The kernel merged it with messages that came before it from the same address: no client sends so.
                if place > 0 && outer.role == Role::Gateway && datagram.first() == Some(&TYPE_INIT) {
                    outer.endpoint.count_drop(at, DropKind::InitRate, 1);
                    continue;
                }
                let verdict = outer.endpoint.receive(at, from, datagram);
                let Received::Inner { session, range, csum_partial } = verdict else { continue };
                let packet = &mut datagram[range];
                let claimed = source(packet).map(|source| (session, source));
                if allowed != claimed {
                    allowed = claimed.filter(|(session, source)| outer.endpoint.source_allowed(*session, *source));
                }
                if may_begin(packet) {
                    clamp_mss(packet, usize::from(outer.endpoint.packet_advised(session)), csum_partial);
                }
                if allowed.is_none() {
                    outer.endpoint.count_drop(at, DropKind::InnerSource, 1);
                } else if let Err(malformed) = burst.push(packet, csum_partial) {
                    outer.endpoint.count_drop(at, malformed.kind(), 1);
                }
            }
        }
        let written = burst.finish();
        if written.lost > 0 {
            if written.error == Some(libc::EBADFD) {
                return Err(io::Error::from_raw_os_error(libc::EBADFD));
            }
            outer.endpoint.count_drop(boot_us(), DropKind::TunWrite, u64::from(written.lost));
        }
        Ok(count == most)
    }
}
