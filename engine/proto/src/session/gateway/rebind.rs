//! Gateway: address translators can change a client's address. A path is rebound to the new address after both
//! addresses were challenged.
//!
//! ```text
//!   the newest sealed frame of a path comes from a new address
//!        │  challenge old and new; send the identical ciphertext to both (new: at most 3× until it answers)
//!        ├── old answers, or sends again ──────────► stay; the new address is ignored for 10 s
//!        ├── new answers, old silent or DROP ──────► rebind: an event, not a switch
//!        └── neither ────────────────────────────► stay
//! ```

use crate::frames::{Frame, PathToken};
use crate::messages::{PathId, Report, Role};
use crate::path::Retry;
use crate::path::rebinding::Rebinding;
use crate::session::Session;
use crate::session::arrival::Arrival;
use crate::session::faults::Trouble;
use crate::shared::Shared;
use crate::vocabulary::Route;
use crate::vocabulary::blame::DropKind;
use crate::wire::write_receiver;

/// Maximum number of paths of one session that are validated at a time.
const VALIDATIONS_MAX: usize = 4;
/// An index proves nothing: it explains silence at most once in this time, µs.
const EXCUSE_US: u64 = 10_000_000;

impl Session {
    /// The path that a frame names. If the frame came from a new address, that address is examined.
    pub(in crate::session) fn named_or_moved(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        id: PathId,
    ) -> Result<usize, Trouble> {
        let moved = self.role() == Role::Gateway && arrival.via.is_none();
        let Some(at) = self.at(id).filter(|at| moved && self.paths[*at].validated()) else {
            return self.named(cx, arrival, id);
        };
        self.examine(cx, arrival, at)?;
        Ok(at)
    }

    /// Starts or continues the validation of an address that sent a frame which names the path.
    pub(in crate::session) fn examine(&mut self, cx: &mut Shared, arrival: Arrival, at: usize) -> Result<(), Trouble> {
        let Arrival { now, from, order, .. } = arrival;
        let path = &self.paths[at];
        if order <= path.newest {
            return Err(Trouble::Unattributable(DropKind::PathMismatch));
        }
        if self.paths[at].new_addresses.at(from).is_some() {
            self.paths[at].newest = order;
            return Ok(());
        }
        let path = &self.paths[at];
        let missed =
            path.probes.in_doubt() || (self.liveness.watched() == Some(path.id) && self.liveness.in_doubt(now));
        if !missed && path.new_addresses.shuns(from, now) {
            return Err(Trouble::Unattributable(DropKind::RebindingIgnored));
        }
        let under_way = self.paths.iter().filter(|path| path.new_addresses.any()).count();
        let Some(side) = self.side.gateway_mut() else { return Err(Trouble::OTHER_ROLE) };
        if (!path.new_addresses.any() && under_way >= VALIDATIONS_MAX) || !side.rebinds.admits(now) {
            return Err(Trouble::Unattributable(DropKind::RebindingLimit));
        }
        if !self.paths[at].new_addresses.make_room(now) {
            return Err(Trouble::Unattributable(DropKind::RebindingBusy));
        }
        self.begin_rebinding(cx, arrival, at);
        self.paths[at].newest = order;
        Ok(())
    }

    fn begin_rebinding(&mut self, cx: &mut Shared, arrival: Arrival, at: usize) {
        let Arrival { now, from: route, len, order, .. } = arrival;
        let id = self.paths[at].id;
        let tokens = [self.issue_token(cx, id), self.issue_token(cx, id)];
        let credits = self.credits_once(order);
        let interval = self.interval_us();
        let path = &mut self.paths[at];
        let pto = path.rtt.pto_us(interval);
        let old_until = now + (3 * path.rtt.expected_us()).max(pto);
        let until = old_until.max(now + path.validation_us(interval));
        let mut rebinding = Rebinding::new((route, order), tokens, Retry::begun(now, pto), (old_until, until));
        if credits {
            rebinding.received(len);
        }
        path.new_addresses.add(rebinding);
        self.excuse(now, cx, at);
        // The next message expected is the answer of the new address.
        self.liveness.expect_on(id, now, pto);
        self.send_rebinding_challenges(now, cx, at, route);
        self.rearm(now, cx);
    }

    /// The client was heard on another address than expected, so silence on the expected one proves nothing.
    fn excuse(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let id = self.paths[at].id;
        if self.liveness.watched() == Some(id)
            && let Some(silent_us) = self.liveness.stalled(now, self.liveness.silence(now))
        {
            self.report_cleared(cx, now, id, silent_us);
        }
    }

    /// Authentic data from an unknown address carries the index of a path: probably its client has a new address and
    /// does not know it. The index may be relabelled, so the path does not move. But the path is not judged until a
    /// probe of the client has had time to arrive.
    pub(in crate::session) fn displaced(&mut self, cx: &mut Shared, arrival: Arrival, id: PathId) {
        let Arrival { now, order, .. } = arrival;
        let Some(at) = self.at(id).filter(|_| self.role() == Role::Gateway) else { return };
        let path = &mut self.paths[at];
        let excused = path.new_addresses.excused_at.is_some_and(|at| now < at + EXCUSE_US);
        if excused || !path.validated() || order <= path.newest || self.liveness.watched() != Some(id) {
            return;
        }
        path.new_addresses.excused_at = Some(now);
        let expected_us = path.rtt.expected_us();
        self.excuse(now, cx, at);
        self.liveness.expect_on(id, now, expected_us);
    }

    /// A client answers only one challenge per round. If both challenges reach it, the two must take turns in being
    /// first.
    fn send_rebinding_challenges(&mut self, now: u64, cx: &mut Shared, at: usize, route: Route) {
        let path = &mut self.paths[at];
        let old_route = path.route;
        let Some(candidate) = path.new_addresses.at(route) else { return };
        let mut challenges = [(old_route, candidate.old_token), (route, candidate.new_token)];
        if candidate.retry.sends.is_multiple_of(2) {
            challenges.reverse();
        }
        for (route, token) in challenges {
            self.send_challenge_to(now, cx, at, route, token);
        }
    }

    fn send_challenge_to(&mut self, now: u64, cx: &mut Shared, at: usize, route: Route, token: [u8; 16]) {
        let (id, tx_index) = (self.paths[at].id, self.paths[at].tx_index);
        let Some(mut sealed) = self.seal_control(&[Frame::PathChallenge(PathToken { path: id, token })]) else {
            return cx.drop(now, DropKind::KeyExhausted);
        };
        write_receiver(&mut sealed, if tx_index == 0 { self.tx_index } else { tx_index });
        let bytes = sealed.len() as u64;
        let path = &mut self.paths[at];
        match path.new_addresses.at(route) {
            Some(rebinding) if rebinding.budget() < bytes => return cx.drop(now, DropKind::AmplificationBudget),
            Some(rebinding) => rebinding.sent(bytes),
            None => path.count_sent(now, 1, bytes),
        }
        if !cx.outbox.push(route, sealed) {
            cx.drop(now, DropKind::OutboxFull);
        }
    }

    /// Handles an echo for the validation of a new address. False if it belongs to none.
    pub(in crate::session) fn rebinding_answered(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        response: &PathToken,
        dropped: bool,
    ) -> bool {
        let Arrival { now, from, .. } = arrival;
        let Some(at) = self.at(response.path) else { return false };
        let path = &mut self.paths[at];
        let old_answers = from == path.route
            && path.new_addresses.candidates().iter().any(|candidate| candidate.old_token == response.token);
        if old_answers && dropped {
            path.new_addresses.candidates().iter_mut().for_each(|candidate| candidate.old_dropped = true);
        } else if old_answers {
            path.new_addresses.refuse_all(now);
            self.credit(cx, now, response.path);
        } else if let Some(candidate) = path.new_addresses.at(from)
            && candidate.new_token == response.token
            && !dropped
        {
            candidate.proved = true;
            self.excuse(now, cx, at);
        } else {
            return false;
        }
        self.settle_rebinding(now, cx, at);
        self.rearm(now, cx);
        true
    }

    fn settle_rebinding(&mut self, now: u64, cx: &mut Shared, at: usize) {
        let path = &mut self.paths[at];
        let Some(route) = path.new_addresses.take_decided(now) else { return };
        path.route = route;
        path.heard(now);
        path.probes.restart();
        path.mtu.restart();
        let path = path.id;
        if let Some(side) = self.side.gateway_mut() {
            side.rebinds.count(now);
        }
        let description = cx.describe(path, route);
        cx.report(now, Report::PathRebound { session: self.handle, path, description });
    }

    pub(in crate::session) fn rebindings_on_time(&mut self, now: u64, cx: &mut Shared) {
        let interval = self.interval_us();
        for at in 0..self.paths.len() {
            if !self.paths[at].new_addresses.any() {
                continue;
            }
            self.settle_rebinding(now, cx, at);
            let path = &mut self.paths[at];
            let rtt = path.rtt;
            let unanswered = path.new_addresses.refuse_unanswered(now);
            for _ in 0..unanswered {
                cx.drop(now, DropKind::RebindingUnanswered);
            }
            let mut due = Vec::new();
            for candidate in path.new_addresses.candidates() {
                if candidate.retry.next_at <= now && !candidate.retry.exhausted() && !candidate.proved {
                    candidate.retry.again(now, &rtt, interval);
                    due.push(candidate.route);
                }
            }
            for route in due {
                self.send_rebinding_challenges(now, cx, at, route);
            }
        }
    }

    pub(in crate::session) fn next_rebinding_at(&self) -> Option<u64> {
        self.paths.iter().filter_map(|path| path.new_addresses.next_at()).min()
    }
}
