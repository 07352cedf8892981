//! TUN to sockets: a frame is cut into packets, which are sealed straight into the buffer that is sent.

use std::io;

use jvpn_proto::{
    messages::SessionHandle,
    wire::{DATA_HEADER, TAG},
};

use super::{
    outer::Outer,
    outgoing::{Heading, Outgoing},
};
use crate::{
    offload::{FRAME_MAX, split},
    sys::boot_us,
    tun::Tun,
};

/// Frames of one turn: as many small ones as a receive batch holds, or a megabyte of large ones.
const FRAMES_PER_TURN: usize = 256;
const BYTES_PER_TURN: usize = 1 << 20;

#[derive(Debug)]
pub struct Uplink {
    frame: Box<[u8]>,
    outgoing: Outgoing,
    /// Where the messages in the buffer go; none while it is empty.
    heading: Option<Heading>,
}

impl Default for Uplink {
    fn default() -> Self {
        Self { frame: vec![0; FRAME_MAX].into_boxed_slice(), outgoing: Outgoing::default(), heading: None }
    }
}

impl Uplink {
    /// Reads frames until there is none, or the turn's share is used up (`true`). Fails only when the TUN is gone.
    pub fn forward(&mut self, outer: &mut Outer, tun: &Tun) -> io::Result<bool> {
        let mut bytes = 0;
        let mut more = true;
        for _ in 0..FRAMES_PER_TURN {
            match tun.read(&mut self.frame) {
                Ok(length) => {
                    self.seal(length, outer);
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
        flush(&mut self.outgoing, &mut self.heading, outer);
        Ok(more)
    }

    /// What cannot be sent is counted and dropped: inner senders repeat what matters.
    fn seal(&mut self, length: usize, outer: &mut Outer) {
        let now = boot_us();
        let mut segments = match split(&self.frame[..length], true) {
            Ok(segments) => segments,
            Err(malformed) => return outer.endpoint.count_drop(now, malformed.reason(), 1),
        };
        let Some(session) = outer.endpoint.route_inner(segments.destination()) else {
            return outer.endpoint.count_drop(now, "inner_unroutable", segments.left() as u64);
        };
        let Some(mut heading) = aim(session, now, outer) else {
            return outer.endpoint.count_drop(now, "no_send_path", segments.left() as u64);
        };
        if self.heading.is_some_and(|collected| collected != heading || !collected.collects()) {
            flush(&mut self.outgoing, &mut self.heading, outer);
        }
        while let Some(segment) = segments.next() {
            let sealed = DATA_HEADER + segment.len() + TAG;
            if !self.outgoing.takes(sealed) {
                flush(&mut self.outgoing, &mut self.heading, outer);
                // What was sent counts against a budget, and a failed send may have changed the way.
                let Some(changed) = aim(session, now, outer) else {
                    return outer.endpoint.count_drop(now, "no_send_path", 1 + segments.left() as u64);
                };
                heading = changed;
            }
            if !heading.allows(self.outgoing.bytes().len() + sealed) {
                return outer.endpoint.count_drop(now, "amplification_budget", 1 + segments.left() as u64);
            }
            let space = self.outgoing.space();
            match outer.endpoint.seal_inner(session, now, space, segment.head, segment.body, segment.csum_partial) {
                Ok(length) => self.outgoing.push(length),
                Err(_) => return outer.endpoint.count_drop(now, "not_sealed", 1 + segments.left() as u64),
            }
            self.heading = Some(heading);
        }
    }
}

fn aim(session: SessionHandle, now: u64, outer: &mut Outer) -> Option<Heading> {
    outer.endpoint.send_route(session, now).map(|to| Heading { session, to })
}

/// Sends what was collected, with copies where the route asks for them, and empties the buffer.
fn flush(outgoing: &mut Outgoing, heading: &mut Option<Heading>, outer: &mut Outer) {
    let Some(heading) = heading.take() else { return };
    let now = boot_us();
    let mut send = |outgoing: &Outgoing, route, path| {
        let sent = outer.send(route, outgoing.bytes(), outgoing.segment());
        outer.endpoint.sent(heading.session, path, now, outgoing.messages_in(sent) as u32, sent as u32);
    };
    send(outgoing, heading.to.route, heading.to.path);
    if let Some(second) = heading.duplicate(outgoing.bytes().len()) {
        outgoing.relabel(second.index);
        send(outgoing, second.route, second.path);
    }
    outgoing.clear();
}
