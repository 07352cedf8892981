//! The packet state of one session, for both roles. The files beside this one handle frames and timers. The core
//! decides which path is right and whether an activation may happen.

mod arrival;
mod bounds;
mod client;
mod faults;
mod gateway;
mod receive;
mod redundant;
mod rekey;
#[cfg(test)]
mod rogue;
mod schedule;
mod side;
mod sizes;
mod tandem;
mod timing;
mod tokens;
mod traffic;
mod validation;
mod watch;

use std::net::IpAddr;

use crate::crypto::epochs::Epochs;
use crate::frames::{Close, Detail, Frame, Reason, Scope};
use crate::handshake::Established;
use crate::liveness::Liveness;
use crate::messages::{Offer, PathId, PathStats, Role, SessionHandle};
use crate::path::Path;
use crate::path::path_mtu::PacketMax;
use crate::path::probes::{ProbeNumbers, UNANSWERED_MAX};
use crate::shared::Shared;
use crate::shared::indices::Target;
use crate::shared::recent::Recent;
use crate::shared::timers::Armed;
use crate::vocabulary::blame::DropKind;
use crate::vocabulary::{Farewell, Limits, Route, SessionId};
use crate::wire::{CAP_PARTIAL_CHECKSUM, write_receiver};

pub(crate) use arrival::{Incoming, Outcome};
use faults::ReportWindow;
use rekey::state::Rekey;
use side::Side;
use tandem::Tandem;

/// Bounds of the negotiated liveness interval, µs: a peer's policy can neither make this end send all the time nor
/// switch liveness off.
const INTERVAL_MIN_US: u64 = 2_000;
const INTERVAL_MAX_US: u64 = 2_000_000;
/// Maximum number of control messages of one session between two drains of the outbox.
const CONTROL_PER_ROUND: u32 = 32;
/// Minimum keepalive interval, µs.
const KEEPALIVE_MIN_US: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Gateway: RESP was sent. Without a confirming ATTACH the slot is free again at this time.
    Pending {
        until: u64,
    },
    /// Gateway: reported to the core, which has not accepted the session yet. Client: ATTACH is not acknowledged yet.
    Offered,
    Active,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) handle: SessionHandle,
    pub(crate) id: SessionId,
    pub(crate) phase: Phase,
    side: Side,
    epochs: Epochs,
    /// The session indices for paths without an index of their own: under `rx_index` this end receives, under
    /// `tx_index` the peer.
    rx_index: u32,
    tx_index: u32,
    /// Capabilities granted in the handshake.
    granted: u32,
    owner_epoch: u64,
    keepalive_us: u64,
    paths: Vec<Path>,
    /// Client: the last attached path. Gateway: the bound path.
    send: Option<PathId>,
    /// State of redundant mode.
    tandem: Option<Box<Tandem>>,
    armed: Armed,
    liveness: Liveness,
    /// Numbers of the probes on all its paths.
    probe_numbers: ProbeNumbers,
    rekey: Rekey,
    faults: ReportWindow,
    /// No rekey is accepted before this time: the peer sent a key of low order.
    rekey_paused_until: u64,
    /// A round of the outbox, and the number of control messages sent in it.
    control: (u64, u32),
    /// Probing interval that the core ordered for all paths, µs; 0 = traffic decides.
    probing_us: u64,
    /// The session is listed for the next statistics.
    measured: bool,
    /// Bytes of copies that may still be sent during this suspicion, and the path on which the peer asked for them.
    copies_left: u64,
    copies_to: Option<PathId>,
    /// The session carries traffic: its keys are prepared, its replay window is large.
    awake: bool,
    /// Present while traffic flows, if a ring is available.
    recent: Option<Box<Recent>>,
    packet_max: PacketMax,
    /// A message above the base size of all paths was sealed since size probes were last considered.
    large_sealed: bool,
    #[cfg(test)]
    planted: Option<&'static str>,
}

impl Session {
    /// A session after its handshake. `rx_index` must already be assigned to `handle`.
    pub(crate) fn new(
        handle: SessionHandle,
        role: Role,
        established: Established,
        rx_index: u32,
        phase: Phase,
        limits: Limits,
        now: u64,
    ) -> Self {
        let Established { root, remote_static, peer_index, response } = established;
        let offer: &Offer = &response.offer;
        let interval_us = (u64::from(offer.liveness_ms) * 1_000).clamp(INTERVAL_MIN_US, INTERVAL_MAX_US);
        Self {
            handle,
            id: SessionId(response.session_id),
            phase,
            side: Side::new(role, remote_static),
            epochs: Epochs::new(root, response.suite, role, limits, now),
            rx_index,
            tx_index: peer_index,
            granted: response.capabilities,
            owner_epoch: response.owner_epoch,
            keepalive_us: (u64::from(offer.keepalive_ms) * 1_000).max(KEEPALIVE_MIN_US),
            paths: Vec::new(),
            send: None,
            tandem: offer.redundant.then(Box::default),
            armed: Armed::default(),
            liveness: Liveness::new(interval_us),
            probe_numbers: ProbeNumbers::default(),
            rekey: Rekey::Idle,
            faults: ReportWindow::default(),
            rekey_paused_until: 0,
            control: (0, 0),
            probing_us: 0,
            measured: false,
            copies_left: 0,
            copies_to: None,
            awake: false,
            recent: None,
            packet_max: PacketMax { bytes: u16::MAX, settled: false },
            large_sealed: false,
            #[cfg(test)]
            planted: None,
        }
    }

    /// True if the peer accepts inner packets with a partial checksum.
    pub(crate) fn elides_checksums(&self) -> bool {
        u64::from(self.granted) & CAP_PARTIAL_CHECKSUM != 0
    }

    /// Gateway: the inner addresses of an accepted session.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        self.side.gateway().map(|side| side.addresses).into_iter().flatten().flatten()
    }

    fn role(&self) -> Role {
        self.side.role()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.phase == Phase::Active
    }

    /// True if `index` is in this end's datagrams to the peer; a HINT would name it.
    pub(crate) fn sends_to_index(&self, index: u32) -> bool {
        index != 0 && (self.tx_index == index || self.paths.iter().any(|path| path.tx_index == index))
    }

    pub(crate) fn has_route(&self, route: Route) -> bool {
        self.paths.iter().any(|path| path.route == route)
    }

    pub(crate) fn stats(&self, now: u64) -> impl Iterator<Item = PathStats> + '_ {
        self.paths.iter().map(move |path| {
            let tolerated = if self.in_tandem(now, path) { UNANSWERED_MAX } else { 1 };
            path.stats(self.handle, now, tolerated)
        })
    }

    /// The longest inner packet that is sent whole, if a finished search has found it.
    pub(crate) fn packet_settled(&self) -> Option<u16> {
        self.packet_max.settled.then_some(self.packet_max.bytes)
    }

    fn interval_us(&self) -> u64 {
        self.liveness.interval_us()
    }

    fn at(&self, id: PathId) -> Option<usize> {
        self.paths.iter().position(|path| path.id == id)
    }

    fn path(&self, id: PathId) -> Option<&Path> {
        self.paths.iter().find(|path| path.id == id)
    }

    fn path_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.paths.iter_mut().find(|path| path.id == id)
    }

    /// The PTO of a path; the initial PTO if the path does not exist.
    fn pto_us(&self, id: Option<PathId>) -> u64 {
        let rtt = id.and_then(|id| self.path(id)).map(|path| path.rtt).unwrap_or_default();
        rtt.pto_us(self.interval_us())
    }

    /// Largest PTO of the validated paths.
    fn pto_max_us(&self) -> u64 {
        let validated = self.paths.iter().filter(|path| path.validated());
        validated.map(|path| path.rtt.pto_us(self.interval_us())).max().unwrap_or_else(|| self.pto_us(None))
    }

    /// Adds a path with an index of its own. The caller has checked the maximum number of paths.
    fn add_path(&mut self, cx: &mut Shared, id: PathId, route: Route) -> usize {
        let target = Target { session: self.handle, path: Some(id) };
        let rx_index = cx.indices.assign(&mut cx.rng, target);
        // Paths are few and live long: reserve no extra room.
        self.paths.reserve_exact(1);
        self.paths.push(Path::new(id, route, rx_index, self.role() == Role::Gateway, cx.tunnel_mtu));
        self.paths.len() - 1
    }

    fn remove_path(&mut self, now: u64, cx: &mut Shared, id: PathId) {
        let Some(at) = self.at(id) else { return };
        let path = self.paths.remove(at);
        cx.indices.release(path.rx_index);
        if self.send == Some(id) {
            self.set_send(now, None);
        } else if self.liveness.watched() == Some(id) {
            self.liveness.watch(now, None, 0);
        }
        if self.copies_to == Some(id) {
            self.copies_to = None;
        }
        self.forget_told(now, cx, id);
    }

    /// Sets the path for inner packets. Liveness judges this path only, and only after it is validated: before that,
    /// the answer to ATTACH is what this end waits for.
    fn set_send(&mut self, now: u64, to: Option<PathId>) {
        if self.send != to
            && let Some(path) = to.and_then(|id| self.path_mut(id))
        {
            path.mtu.taken();
        }
        self.send = to;
        let validated = to.and_then(|id| self.path(id)).filter(|path| path.validated());
        let (watched, srtt_us) = (validated.map(|path| path.id), validated.map_or(0, |path| path.rtt.expected_us()));
        self.liveness.watch(now, watched, srtt_us);
    }

    /// The path for messages about the whole session: the send path; otherwise the usable path that was heard last;
    /// otherwise any.
    fn control_path(&self) -> Option<PathId> {
        let rank = |path: &&Path| (self.send == Some(path.id), path.usable(), path.validated(), path.heard_at);
        self.paths.iter().max_by_key(rank).map(|path| path.id)
    }

    /// Seals frames once and sends them on `path`.
    fn send_frames(&mut self, now: u64, cx: &mut Shared, path: PathId, frames: &[Frame]) {
        self.send_copies(now, cx, &[path], frames);
    }

    /// Seals frames once; the identical ciphertext is sent on each path, with that path's index.
    fn send_copies(&mut self, now: u64, cx: &mut Shared, paths: &[PathId], frames: &[Frame]) {
        let Some(mut sealed) = self.seal_control(frames) else {
            return cx.drop(now, DropKind::KeyExhausted);
        };
        for id in paths {
            if !self.has_turn(cx) {
                cx.drop(now, DropKind::ControlCeiling);
                continue;
            }
            let session_index = self.tx_index;
            let Some(path) = self.path_mut(*id) else { continue };
            write_receiver(&mut sealed, if path.tx_index == 0 { session_index } else { path.tx_index });
            if !path.permits(sealed.len()) {
                cx.drop(now, DropKind::AmplificationBudget);
            } else if cx.outbox.push(path.route, sealed.clone()) {
                path.count_sent(now, 1, sealed.len() as u64);
            } else {
                cx.drop(now, DropKind::OutboxFull);
            }
            path.copy_to_new_address(cx, &sealed);
        }
    }

    /// Limits one session so that the outbox has room for the others, whatever the peer requests.
    fn has_turn(&mut self, cx: &Shared) -> bool {
        let round = cx.outbox.round();
        if self.control.0 != round {
            self.control = (round, 0);
        }
        self.control.1 = self.control.1.saturating_add(1);
        self.control.1 <= CONTROL_PER_ROUND
    }

    fn seal_control(&mut self, frames: &[Frame]) -> Option<Vec<u8>> {
        let mut plaintext = Vec::with_capacity(128);
        for frame in frames {
            frame.encode(&mut plaintext);
        }
        self.epochs.seal_frames(&plaintext, self.tx_index)
    }

    /// From now on, every call into the session panics after it has done its work.
    #[cfg(test)]
    pub(crate) fn plant(&mut self) {
        self.planted = Some("a planted panic");
    }

    #[cfg(test)]
    pub(crate) fn stumble(&self) {
        if let Some(text) = self.planted {
            panic!("{text}");
        }
    }

    /// The indices under which this end receives.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> + '_ {
        self.paths.iter().map(|path| path.rx_index).chain([self.rx_index])
    }

    pub(crate) fn take_ring(&mut self) -> Option<Box<Recent>> {
        self.recent.take()
    }

    /// Ends the session. Returns its sealed CLOSE messages; the keys are dropped with `self`.
    pub(crate) fn farewell(mut self, reason: Option<Reason>) -> Farewell {
        let mut copies = Vec::new();
        if let Some(reason) = reason {
            let close = Close { scope: Scope::Session, reason, version: 0, detail: Detail::EMPTY };
            if let Some(sealed) = self.seal_control(&[Frame::Close(close)]) {
                // CLOSE will be repeated, so it is sent only to addresses where the peer is known to be.
                for path in self.paths.iter().filter(|path| !path.dead && path.budget().is_none()) {
                    let mut copy = sealed.clone();
                    write_receiver(&mut copy, if path.tx_index == 0 { self.tx_index } else { path.tx_index });
                    copies.push((path.route, copy));
                }
            }
        }
        Farewell { copies, pto_us: self.pto_max_us(), indices: self.indices().collect() }
    }
}
