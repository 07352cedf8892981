//! Watches the machine's links, addresses and routes, and reports them after any change.
//!
//! This runs in its own thread: a dump of a large routing table must not delay packets, and a burst of packets must not
//! delay the report that a link went down.

mod links;

use std::{
    io,
    os::fd::{AsRawFd, RawFd},
};

use jvpn_proto::messages::Link;
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::{RouteNetlinkMessage, address::AddressMessage, link::LinkMessage, route::RouteMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::{
    netlink::links::{Inventory, apply_loss},
    sys::{WaitSet, Waker, be_punctual, boot_us, wait},
};

/// Multicast groups of `rtnetlink`: links, IPv4 addresses and routes, IPv6 addresses and routes.
const GROUPS: [u32; 5] = [1, 5, 7, 9, 11];
/// The kernel sends at most 32 KiB of a dump at once.
const BUFFER: usize = 32 * 1024;
/// Minimum time between two dumps. A routing daemon causes constant changes, and each dump costs milliseconds.
const DUMP_INTERVAL_US: u64 = 10_000;
/// Maximum events read before a dump. Further events only repeat that something changed.
const EVENTS_MAX: usize = 256;

/// The last known links, and the sockets that report changes.
#[derive(Debug)]
pub struct LinkWatch {
    events: Socket,
    dumps: Socket,
    /// Our own device, which is never an uplink.
    tun: String,
    links: Vec<Link>,
    buffer: Vec<u8>,
    sequence: u32,
}

impl LinkWatch {
    /// Subscribes before the first dump, so that no change is missed between the two.
    pub fn open(tun: &str) -> io::Result<Self> {
        let mut events = Socket::new(NETLINK_ROUTE)?;
        events.bind_auto()?;
        for group in GROUPS {
            events.add_membership(group)?;
        }
        events.set_non_blocking(true)?;
        let mut dumps = Socket::new(NETLINK_ROUTE)?;
        dumps.bind_auto()?;
        dumps.connect(&SocketAddr::new(0, 0))?;
        let buffer = Vec::with_capacity(BUFFER);
        let mut watch = Self { events, dumps, tun: tun.into(), links: Vec::new(), buffer, sequence: 0 };
        watch.refresh()?;
        Ok(watch)
    }

    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Reports changes until `stop` wakes the thread or `report` returns false.
    pub fn run(mut self, stop: &Waker, mut report: impl FnMut(&[Link]) -> bool) -> io::Result<()> {
        be_punctual();
        let mut set = WaitSet::default();
        let mut stale = false;
        let mut dump_at: u64 = 0;
        loop {
            set.clear();
            set.add(stop.as_raw_fd());
            set.add(self.as_raw_fd());
            wait(&mut set, stale.then(|| dump_at.saturating_sub(boot_us())))?;
            if set.is_ready(0) {
                return Ok(());
            }
            if set.is_ready(1) {
                stale = true;
                if self.read_events()? && !report(&self.links) {
                    return Ok(());
                }
            }
            if stale && boot_us() >= dump_at {
                stale = false;
                let changed = self.refresh()?;
                dump_at = boot_us() + DUMP_INTERVAL_US;
                if changed && !report(&self.links) {
                    return Ok(());
                }
            }
        }
    }

    /// Reads waiting events. `true` = a link was lost, and `links` already shows it.
    fn read_events(&mut self) -> io::Result<bool> {
        let mut lost = false;
        for _ in 0..EVENTS_MAX {
            self.buffer.clear();
            match self.events.recv_from(&mut self.buffer, libc::MSG_DONTWAIT) {
                Ok((_, from)) if from.port_number() != 0 => {}
                Ok(_) => {
                    for message in messages(&self.buffer) {
                        if let NetlinkPayload::InnerMessage(inner) = &message.payload {
                            lost |= apply_loss(&mut self.links, inner);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The kernel dropped events; the dump after any event shows their effect.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    /// Fetches everything again. `true` = something changed.
    fn refresh(&mut self) -> io::Result<bool> {
        let mut inventory = Inventory::default();
        self.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()), &mut inventory)?;
        self.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()), &mut inventory)?;
        self.dump(RouteNetlinkMessage::GetRoute(RouteMessage::default()), &mut inventory)?;
        let links = inventory.into_links(&self.tun);
        let changed = links != self.links;
        self.links = links;
        Ok(changed)
    }

    fn dump(&mut self, request: RouteNetlinkMessage, inventory: &mut Inventory) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(request));
        packet.header.flags = NLM_F_DUMP | NLM_F_REQUEST;
        packet.header.sequence_number = self.sequence;
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);
        self.dumps.send(&bytes, 0)?;
        loop {
            self.buffer.clear();
            match self.dumps.recv(&mut self.buffer, 0) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            for message in messages(&self.buffer).filter(|message| message.header.sequence_number == self.sequence) {
                match &message.payload {
                    NetlinkPayload::InnerMessage(inner) => inventory.add(inner),
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    _ => {}
                }
            }
        }
    }
}

impl AsRawFd for LinkWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.events.as_raw_fd()
    }
}

/// The messages of one datagram. A message that this library cannot parse (from a newer kernel) is skipped by its
/// length.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = NetlinkMessage<RouteNetlinkMessage>> {
    const ALIGN: usize = 4;
    std::iter::from_fn(move || {
        while let Some(header) = bytes.first_chunk::<4>() {
            let length = u32::from_ne_bytes(*header) as usize;
            let message = bytes.get(..length).filter(|message| !message.is_empty())?;
            bytes = bytes.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
            if let Ok(message) = NetlinkMessage::deserialize(message) {
                return Some(message);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_link_is_found() -> io::Result<()> {
        let watch = LinkWatch::open("jvpn0")?;
        assert!(watch.links().iter().any(|link| link.name == "lo" && link.index == 1));
        Ok(())
    }

    #[test]
    fn truncated_datagrams_end_the_iteration() {
        for length in 0..20 {
            let mut bytes = vec![0u8; length];
            if let Some(first) = bytes.first_mut() {
                *first = 18;
            }
            assert!(messages(&bytes).count() <= 1);
        }
    }
}
