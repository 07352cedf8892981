//! TUN to sockets: a frame is cut into packets, which are sealed directly into the send buffer.

use std::io;

use jvpn_proto::blame::DropKind;
use jvpn_proto::{
    endpoint::{Released, SealError},
    messages::SessionHandle,
    wire::{DATA_HEADER, TAG},
};

use super::{
    commands::Outer,
    outgoing::{Heading, Outgoing},
    refusal::Refusals,
    sockets::Fit,
};
use crate::{
    offload::{FRAME_MAX, Segment, split, whole},
    sys::boot_us,
    tun::Tun,
};

/// Maximum frames in one turn: as many small frames as a receive batch holds, or a megabyte of large ones.
const FRAMES_PER_TURN: usize = 256;
const BYTES_PER_TURN: usize = 1 << 20;

#[derive(Debug)]
pub struct Uplink {
    frame: Box<[u8]>,
    departure: Departure,
    refusals: Refusals,
}

/// Messages that are sent together, and their destination.
#[derive(Debug, Default)]
struct Departure {
    outgoing: Outgoing,
    /// None while the buffer is empty.
    heading: Option<Heading>,
    /// The collected messages exceed the path MTU and are sent as fragments.
    long: bool,
}

impl Default for Uplink {
    fn default() -> Self {
        Self {
            frame: vec![0; FRAME_MAX].into_boxed_slice(),
            departure: Departure::default(),
            refusals: Refusals::default(),
        }
    }
}

impl Uplink {
    /// Reads frames until there is none, or until the turn's limit is reached (`true`). Fails only if the TUN is gone.
    pub fn forward(&mut self, outer: &mut Outer, tun: &Tun) -> io::Result<bool> {
        let mut bytes = 0;
        if self.departure.release(outer, &mut bytes) {
            // Held packets are sent before newer ones.
            return Ok(true);
        }
        let mut more = true;
        for _ in 0..FRAMES_PER_TURN {
            match tun.read(&mut self.frame) {
                Ok(length) => {
                    self.seal(length, outer, tun);
                    bytes += length;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    more = false;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if bytes >= BYTES_PER_TURN {
                break;
            }
        }
        self.departure.leave(outer);
        Ok(more)
    }

    /// A packet without a route is held for a limited time, within limits. A packet that cannot be sent at all is
    /// counted and dropped: inner senders repeat what matters.
    fn seal(&mut self, length: usize, outer: &mut Outer, tun: &Tun) {
        let now = boot_us();
        let mut segments = match split(&self.frame[..length]) {
            Ok(segments) => segments,
            Err(malformed) => return outer.endpoint.count_drop(now, malformed.kind(), 1),
        };
        let Some(session) = outer.endpoint.route_inner(segments.destination()) else {
            return outer.endpoint.count_drop(now, DropKind::InnerUnroutable, segments.left() as u64);
        };
        let mut heading = self.departure.head_for(session, now, outer);
        if let Some(way) = &heading
            && !segments.fit(usize::from(way.to.packet_max))
            && self.refusals.refuse(now, &way.to, &segments, tun)
        {
            return outer.endpoint.count_drop(now, DropKind::InnerTooBig, segments.left() as u64);
        }
        let elides = heading.map_or_else(|| outer.endpoint.elides_checksums(session), |way| way.to.elides_checksums);
        if !elides && let Err(malformed) = segments.complete_checksums() {
            return outer.endpoint.count_drop(now, malformed.kind(), segments.left() as u64);
        }
        while let Some(segment) = segments.next() {
            self.departure.add(&mut heading, session, now, &segment, outer);
        }
    }
}

impl Departure {
    /// Sends held packets whose sessions have a route again. `true` = the turn's limit was reached.
    fn release(&mut self, outer: &mut Outer, bytes: &mut usize) -> bool {
        let mut released = outer.endpoint.next_released();
        if released.is_none() {
            return false;
        }
        // The activation that opens the path is sent first.
        outer.transmit();
        while let Some(Released { session, packet, csum_partial }) = released.take() {
            let now = boot_us();
            *bytes += packet.len();
            let mut heading = self.head_for(session, now, outer);
            match whole(&packet, csum_partial) {
                Ok(mut segments) => {
                    // A packet held for another path may be too long for this one. It is sent anyway, because its
                    // sender already waits.
                    let _fits = heading.is_none_or(|way| segments.fit(usize::from(way.to.packet_max)));
                    while let Some(segment) = segments.next() {
                        self.add(&mut heading, session, now, &segment, outer);
                    }
                }
                Err(malformed) => outer.endpoint.count_drop(now, malformed.kind(), 1),
            }
            if *bytes < BYTES_PER_TURN {
                released = outer.endpoint.next_released();
            }
        }
        self.leave(outer);
        *bytes >= BYTES_PER_TURN
    }

    /// The route of the session's packets. Messages collected for another route are sent first.
    fn head_for(&mut self, session: SessionHandle, now: u64, outer: &mut Outer) -> Option<Heading> {
        let heading = aim(session, now, outer);
        if self.heading.is_some_and(|collected| heading != Some(collected) || !collected.collects()) {
            self.leave(outer);
        }
        heading
    }

    /// Seals one packet into the buffer. If there is no room, the buffer is sent first.
    fn add(
        &mut self,
        heading: &mut Option<Heading>,
        session: SessionHandle,
        now: u64,
        segment: &Segment<'_>,
        outer: &mut Outer,
    ) {
        let sealed = DATA_HEADER + segment.len() + TAG;
        let mut long = heading.is_some_and(|way| segment.len() > usize::from(way.to.packet_max));
        if !self.outgoing.takes(sealed) || (long != self.long && self.heading.is_some()) {
            self.leave(outer);
            // Sent bytes count against a budget, and a failed send may have changed the route.
            *heading = aim(session, now, outer);
            long = heading.is_some_and(|way| segment.len() > usize::from(way.to.packet_max));
        }
        let Some(way) = heading else {
            return hold(session, now, segment, DropKind::NoSendPath, outer);
        };
        if !way.allows(self.outgoing.bytes().len() + sealed) {
            return outer.endpoint.count_drop(now, DropKind::AmplificationBudget, 1);
        }
        let space = self.outgoing.space();
        match outer.endpoint.seal_inner(session, now, space, segment.head, segment.body, segment.csum_partial) {
            Ok(length) => self.outgoing.push(length),
            Err(SealError::KeyExpired | SealError::NoPath) => {
                return hold(session, now, segment, DropKind::NotSealed, outer);
            }
            Err(_) => return outer.endpoint.count_drop(now, DropKind::NotSealed, 1),
        }
        if way.to.keep {
            outer.endpoint.keep_copy(session, now, segment.head, segment.body, segment.csum_partial);
        }
        self.heading = Some(*way);
        self.long = long;
    }

    /// Sends the collected messages, with copies if the route requires them, and empties the buffer.
    fn leave(&mut self, outer: &mut Outer) {
        let Some(heading) = self.heading.take() else { return };
        let outgoing = &mut self.outgoing;
        let now = boot_us();
        let fit = |route| if self.long { Fit::Cut(heading.to.outer_max(route)) } else { Fit::Path };
        let sent = outer.send(heading.to.route, outgoing.bytes(), outgoing.segment(), fit(heading.to.route));
        let messages = outgoing.messages_in(sent) as u32;
        outer.endpoint.sent(heading.session, heading.to.path, now, messages, sent as u32);
        for copy in heading.copies(outgoing.bytes().len()) {
            outgoing.relabel(copy.index);
            let copied = outer.send(copy.route, outgoing.bytes(), outgoing.segment(), fit(copy.route));
            outer.endpoint.copied(heading.session, &copy, now, copied as u32);
        }
        outgoing.clear();
    }
}

fn aim(session: SessionHandle, now: u64, outer: &mut Outer) -> Option<Heading> {
    outer.endpoint.send_route(session, now).map(|to| Heading { session, to })
}

/// Holds a packet for the session's next route, or counts it as dropped.
fn hold(session: SessionHandle, now: u64, segment: &Segment<'_>, why: DropKind, outer: &mut Outer) {
    if !outer.endpoint.hold(session, now, segment.head, segment.body, segment.csum_partial) {
        outer.endpoint.count_drop(now, why, 1);
    }
}
