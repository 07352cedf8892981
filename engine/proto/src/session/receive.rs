//! One authentic DATA: which path it credits, and what its frames do.

use std::ops::Range;

use super::arrival::{Arrival, Incoming, Outcome};
use super::faults::Trouble;
use super::{Phase, Session};
use crate::frames::{Frame, decode_all};
use crate::messages::{PathId, Report, Role};
use crate::shared::Shared;
use crate::vocabulary::Route;
use crate::vocabulary::blame::{DropKind, PeerFault};
use crate::wire::DATA_HEADER;

impl Session {
    /// Opens and handles one DATA. `datagram` is the whole message; an inner packet stays in it.
    pub(crate) fn receive(&mut self, cx: &mut Shared, incoming: Incoming, datagram: &mut [u8]) -> Outcome {
        let Incoming { now, from, indexed, flags, counter } = incoming;
        let len = datagram.len();
        let linger_us = 3 * self.pto_max_us();
        let opened = match self.epochs.open(now, linger_us, flags, counter, &mut datagram[DATA_HEADER..]) {
            Ok(opened) => opened,
            Err(kind) => {
                // A failed open brings the key closer to its limit.
                if kind == DropKind::BadTag {
                    self.rearm(now, cx);
                }
                // The second of two copies proves nothing about its path.
                if kind == DropKind::Duplicate && self.is_redundant() && self.has_route(from) {
                    return Outcome::Consumed;
                }
                return Outcome::Dropped(kind);
            }
        };
        // If several paths have the same route, the newest one wins.
        let order = (opened.epoch, counter);
        let via = self.paths.iter().rev().position(|path| path.route == from).map(|back| self.paths.len() - 1 - back);
        let via = via.or_else(|| self.new_address(from, len, order));
        let mut arrival = Arrival { now, from, via: None, heard_before: None, len, order };
        if let Some(path) = via.map(|at| &mut self.paths[at]) {
            path.newest = path.newest.max(order);
            if path.route == from && path.new_addresses.disproved_by(order) {
                path.new_addresses.refuse_all(now);
            }
            (arrival.via, arrival.heard_before) = (Some(path.id), path.heard_at);
        } else if let Some(id) = indexed {
            self.displaced(cx, arrival, id);
        }
        let counted = arrival.via.filter(|id| indexed == Some(*id));
        if let Some(id) = arrival.via {
            self.credit_arrival(cx, arrival, id, indexed.is_none() || counted.is_some());
        }
        if opened.confirms {
            self.peer_confirmed_epoch(now, cx);
        }
        let range = DATA_HEADER..DATA_HEADER + opened.len;
        // The message is a size probe: neither end counts it.
        let mut padded = false;
        let first = datagram.get(range.start).filter(|_| opened.len > 0).map(|first| first >> 4);
        let outcome = match first {
            None => Outcome::Consumed,
            Some(4 | 6) => {
                #[cfg(any(test, feature = "planted-panic"))]
                if self.role() == Role::Gateway {
                    crate::vocabulary::planted::stumble_over(&datagram[range.clone()]);
                }
                self.on_inner(cx, now, opened.carries_inner, range, opened.csum_partial)
            }
            Some(0..=3) => {
                let (outcome, asks_for_size) = self.on_frames(cx, arrival, &datagram[range]);
                padded = asks_for_size;
                outcome
            }
            Some(_) => {
                self.trouble(now, cx, Trouble::Attributable(PeerFault::UndecodablePlaintext));
                Outcome::Consumed
            }
        };
        let redundant = self.is_redundant();
        if let Some(path) = counted.filter(|_| !padded).and_then(|id| self.path_mut(id)) {
            // Of two copies only the first arrival could be counted, which would make the slower path look lossy.
            if !(redundant && matches!(first, Some(4 | 6))) {
                path.traffic.rx_packets += 1;
            }
            path.traffic.rx_bytes += len as u64;
        }
        outcome
    }

    /// The seal does not cover the index, so the index proves nothing: a path is credited by messages from its own
    /// validated route. An index of another path shows that the message was relabelled.
    fn credit_arrival(&mut self, cx: &mut Shared, arrival: Arrival, id: PathId, own_index: bool) {
        let Some(at) = self.at(id) else { return };
        if !self.paths[at].validated() {
            self.credit_route(arrival, at);
        } else if own_index {
            self.credit(cx, arrival.now, id);
        }
    }

    /// Adds the bytes of a message to the budget of one unvalidated route, whatever path the message names.
    pub(super) fn credit_route(&mut self, arrival: Arrival, at: usize) {
        if self.credits_once(arrival.order) {
            self.paths[at].credit_budget(arrival.len);
        }
    }

    /// Gateway: true the first time for each message.
    pub(super) fn credits_once(&mut self, order: (u32, u64)) -> bool {
        let side = self.side.gateway_mut();
        side.is_some_and(|side| std::mem::replace(&mut side.credited, order) != order)
    }

    /// An authentic, first-arrived message came from the path's own route: the path is alive.
    pub(super) fn credit(&mut self, cx: &mut Shared, now: u64, id: PathId) {
        let Some(path) = self.path_mut(id) else { return };
        if !path.validated() {
            return;
        }
        let suspected_us = path.suspected.then(|| now.saturating_sub(path.heard_at.unwrap_or(now)));
        path.heard(now);
        if self.liveness.watched() == Some(id) {
            self.credit_watched(cx, now, id);
        }
        // The send path changed during the suspicion, and may have changed back.
        if let Some(silent_us) = suspected_us {
            self.end_suspicion(cx, now, id, silent_us);
        }
    }

    /// Something arrived on the path where this end listens: its silence is judged again.
    fn credit_watched(&mut self, cx: &mut Shared, now: u64, id: PathId) {
        if self.send != Some(id) {
            // The core gave this path up. A client will choose again; a gateway must inform a client that does not know
            // yet.
            match self.role() {
                Role::Client => self.liveness.watch(now, None, 0),
                Role::Gateway => self.liveness.give_up(now),
            }
            return self.rearm(now, cx);
        }
        let doubted_us = self.liveness.in_doubt(now).then(|| self.liveness.silence(now));
        if let Some(silent_us) = self.liveness.heard(now) {
            self.report_cleared(cx, now, id, silent_us);
        } else if let Some(silent_us) = doubted_us.filter(|_| !self.liveness.in_doubt(now)) {
            self.doubt_ended(now, cx, silent_us);
        }
    }

    fn on_inner(
        &mut self,
        cx: &mut Shared,
        now: u64,
        carries_inner: bool,
        range: Range<usize>,
        csum_partial: bool,
    ) -> Outcome {
        let ready = match self.role() {
            Role::Gateway => self.is_active(),
            // The gateway may have bound already: the packet can arrive before its acknowledgement.
            Role::Client => true,
        };
        if !ready {
            return Outcome::Dropped(DropKind::SessionNotReady);
        }
        if !carries_inner {
            return Outcome::Dropped(DropKind::KeyExpired);
        }
        self.on_traffic(cx, now);
        Outcome::Inner { range, csum_partial }
    }

    /// The second value: the message contains padding.
    #[inline(never)]
    fn on_frames(&mut self, cx: &mut Shared, arrival: Arrival, plaintext: &[u8]) -> (Outcome, bool) {
        let now = arrival.now;
        let Ok(frames) = decode_all(plaintext) else {
            self.trouble(now, cx, Trouble::Attributable(PeerFault::UndecodableFrames));
            return (Outcome::Consumed, false);
        };
        let padded = frames.is_padded();
        for frame in frames {
            if let Frame::Close(close) = frame {
                let via = arrival.via.or_else(|| self.control_path());
                if let Some(via) = via {
                    self.send_frames(now, cx, via, &[Frame::CloseAck]);
                }
                self.report_last_denials(now, cx);
                cx.report(now, Report::PeerClosed { session: self.handle, reason: close.reason.to_string() });
                return (Outcome::Ended, padded);
            }
            if let Err(trouble) = self.on_frame(cx, arrival, padded, frame) {
                self.trouble(now, cx, trouble);
            }
        }
        self.rearm(now, cx);
        (Outcome::Consumed, padded)
    }

    fn on_frame(&mut self, cx: &mut Shared, arrival: Arrival, padded: bool, frame: Frame) -> Result<(), Trouble> {
        let gateway = self.role() == Role::Gateway;
        if matches!(self.phase, Phase::Pending { .. }) && !confirms_pending(&frame) {
            return Err(Trouble::Unattributable(DropKind::SessionNotConfirmed));
        }
        match frame {
            Frame::Attach(attach) if gateway => self.on_attach(cx, arrival, &attach),
            Frame::Switch(switch) if gateway => self.on_switch(cx, arrival, &switch),
            Frame::AssignAck { id } if gateway => {
                self.on_assign_ack(id);
                Ok(())
            }
            Frame::RekeyInit(rekey) if gateway => self.on_rekey_init(cx, arrival, &rekey),
            Frame::SwitchDeny(denial) if gateway => self.on_switch_deny(cx, arrival, &denial),
            Frame::AttachAck(ack) if !gateway => self.on_attach_ack(cx, arrival, &ack),
            Frame::SwitchAck(ack) if !gateway => self.on_switch_ack(cx, arrival, &ack),
            Frame::SwitchRequest(request) if !gateway => self.on_switch_request(cx, arrival, &request),
            Frame::Assign(assign) if !gateway => {
                self.on_assign(cx, arrival, assign);
                Ok(())
            }
            Frame::RekeyRequest { epoch } if !gateway => self.on_rekey_request(cx, arrival, epoch),
            Frame::RekeyResp(rekey) if !gateway => self.on_rekey_resp(cx, arrival, &rekey),
            Frame::PathChallenge(token) => self.on_path_challenge(cx, arrival, &token),
            Frame::PathResponse(token) => self.on_path_response(cx, arrival, &token),
            Frame::Probe(probe) => self.on_probe(cx, arrival, padded, &probe),
            Frame::ProbeReply(reply) => self.on_probe_reply(cx, arrival, &reply),
            Frame::PathClose(close) => self.on_path_close(cx, arrival, &close),
            Frame::PathDrop(token) => {
                self.rebinding_answered(cx, arrival, &token, true);
                Ok(())
            }
            // CLOSE was handled before.
            Frame::Close(_) | Frame::CloseAck | Frame::Ping | Frame::Pad(_) => Ok(()),
            _ => Err(Trouble::OTHER_ROLE),
        }
    }

    fn trouble(&mut self, now: u64, cx: &mut Shared, trouble: Trouble) {
        match trouble {
            Trouble::Attributable(kind) if self.faults.admits(now) => {
                cx.report(now, Report::ValidationFailed { session: self.handle, kind, attributable: true });
            }
            Trouble::Attributable(kind) => cx.drop(now, kind),
            Trouble::Unattributable(kind) => cx.drop(now, kind),
        }
    }

    /// The path whose new address sent a message, if that address has answered its challenge. Before that, the message
    /// only adds to the budget.
    fn new_address(&mut self, from: Route, len: usize, order: (u32, u64)) -> Option<usize> {
        let mut paths = self.paths.iter_mut().enumerate();
        let (at, candidate) = paths.find_map(|(at, path)| Some((at, path.new_addresses.at(from)?)))?;
        candidate.received(len);
        if let Some(side) = self.side.gateway_mut() {
            side.credited = order;
        }
        candidate.proved.then_some(at)
    }

    /// The path that a frame names, if the frame also came from this path's route.
    pub(super) fn named(&mut self, cx: &mut Shared, arrival: Arrival, path: PathId) -> Result<usize, Trouble> {
        if arrival.via != Some(path) {
            return Err(Trouble::Unattributable(DropKind::PathMismatch));
        }
        self.credit(cx, arrival.now, path);
        self.at(path).ok_or(Trouble::Unattributable(DropKind::PathUnknown))
    }
}

/// Before the client has confirmed the session, it can only attach, validate its address and close.
fn confirms_pending(frame: &Frame) -> bool {
    matches!(frame, Frame::Attach(_) | Frame::PathResponse(_) | Frame::Close(_) | Frame::Ping | Frame::Pad(_))
}
