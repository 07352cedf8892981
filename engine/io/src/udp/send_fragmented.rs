//! Sends datagrams that exceed the path MTU.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::fragments::RawSender;
use super::send::{SendError, SendFailure};
use super::socket::UdpSocket;

impl UdpSocket {
    /// Sends datagrams of `segment` bytes each (the last may be shorter), in fragments of at most `packet_max` bytes.
    /// If raw sockets are not permitted, the datagrams are sent without DF, so that routers may fragment them.
    pub fn send_fragmented(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
        batch: &[u8],
        segment: usize,
        packet_max: u16,
    ) -> Result<(), SendFailure> {
        let mut raw = self.raw.borrow_mut();
        if raw.is_none() {
            *raw = self.local_addr().and_then(|local| RawSender::open(local, self.device.as_deref(), self.mark)).ok();
        }
        let Some(sender) = raw.as_mut() else { return self.without_dont_fragment(to, from, batch, segment) };
        let mut sent = 0;
        for datagram in batch.chunks(segment.max(1)) {
            sender
                .send(to, from, datagram, packet_max)
                .map_err(|error| SendFailure { sent, error: SendError::of(&error) })?;
            sent += datagram.len();
        }
        Ok(())
    }

    fn without_dont_fragment(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
        batch: &[u8],
        segment: usize,
    ) -> Result<(), SendFailure> {
        let failed = |error: io::Error| SendFailure { sent: 0, error: SendError::of(&error) };
        self.set_dont_fragment(false).map_err(failed)?;
        let result = self.send_single(to, from, batch, segment);
        self.set_dont_fragment(true).map_err(failed)?;
        result
    }
}
