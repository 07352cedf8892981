//! All packet state of one worker, sans-IO, in both roles. Input: datagrams, commands and time. Output: datagrams,
//! inner packets and reports.
//!
//! ```text
//!             command ──►┌──────────────────────────────┐──► report
//!                        │ endpoint                     │
//!   outer  receive ─────►│  client: one dial, its paths │──► Received::Inner ──► TUN
//!                        │  gateway: reception          │
//!   outer ◄── transmit ──│  sessions by handle, index   │◄── seal_inner ◄────── TUN
//!             time ─────►└──────────────────────────────┘──► next_deadline
//! ```
//!
//! Time is µs of `CLOCK_BOOTTIME`; it is an argument of every call and never read here. Calls are cheap. After a batch
//! of calls the I/O loop empties `transmit` and `report`, then sleeps until `next_deadline`.

mod client;
mod closing;
mod commands;
mod config;
mod containment;
mod datagrams;
mod ending;
mod gateway;
mod side;

use std::net::{IpAddr, SocketAddr};

use crate::crypto::keyfile::PublicKey;
use crate::endpoint::client::dial::Dial;
use crate::endpoint::closing::Closings;
use crate::endpoint::side::Side;
use crate::messages::{Command, PathId, Report, SessionHandle};
use crate::session::Session;
use crate::shared::Shared;
use crate::shared::hold::Keep;
use crate::shared::indices::OwnKeyMap;
use crate::vocabulary::blame::DropKind;

pub use crate::path::PATHS_MAX;
pub use crate::shared::hold::Released;
pub use crate::vocabulary::{
    BLOCKS_MAX, COPIES_MAX, CopyPurpose, Declined, DuplicateRoute, Limits, Received, Route, SealError, SendRoute,
    Shard, SizedFor, SocketId, Transmit,
};
pub use config::EndpointConfig;
pub use containment::panic_text;

/// Interval of statistics, µs.
const STATISTICS_US: u64 = 100_000;
/// Maximum number of paths in one `Stats` report.
const STATISTICS_PATHS_MAX: usize = 256;
/// The same error of the same path is reported at most once in this time, µs.
const PATH_ERROR_INTERVAL_US: u64 = 1_000_000;

/// The packet state of one worker.
#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    pub(crate) cx: Shared,
    pub(crate) sessions: OwnKeyMap<Box<Session>>,
    next_handle: SessionHandle,
    /// All handles were used once; numbering started again.
    handles_wrapped: bool,
    closings: Closings,
    statistics_at: u64,
    side: Side,
}

impl Endpoint {
    /// `seed` must come from the operating system's generator and be used for nothing else.
    pub fn new(config: EndpointConfig, seed: [u8; 32], now: u64) -> Self {
        let mut cx = Shared::new(seed, config.mtu, config.shard);
        let side = Side::new(&config, &mut cx.rng);
        Self {
            next_handle: config.shard.first_handle(),
            handles_wrapped: false,
            config,
            cx,
            sessions: OwnKeyMap::default(),
            closings: Closings::default(),
            statistics_at: now + STATISTICS_US,
            side,
        }
    }

    pub fn public_key(&self) -> PublicKey {
        self.config.identity.public()
    }

    /// Client: the socket of a path is open and connected.
    pub fn path_opened(&mut self, now: u64, path: PathId, local: SocketAddr, remote: SocketAddr) {
        if let Some(link) = self.side.client_mut().and_then(|side| side.sockets.get_mut(&path)) {
            link.route = Some(Route { socket: path, local: None, remote });
            self.cx.report(now, Report::PathOpened { path, local });
        }
    }

    /// Client: opening failed, or a send failed with a hard local error. The same error is reported at most once a
    /// second.
    pub fn path_error(&mut self, now: u64, path: PathId, errno: &str) {
        let Some(link) = self.side.client_mut().and_then(|side| side.sockets.get_mut(&path)) else { return };
        let repeated = link.error.as_ref().is_some_and(|(last, at)| last == errno && now < at + PATH_ERROR_INTERVAL_US);
        if !repeated {
            link.error = Some((errno.to_owned(), now));
            self.cx.report(now, Report::PathError { path, errno: errno.to_owned() });
        }
    }

    /// The session for an inner packet from the TUN device. A client has one; a gateway chooses by destination. `None`:
    /// drop and count.
    pub fn route_inner(&self, dst: IpAddr) -> Option<SessionHandle> {
        match &self.side {
            Side::Client(side) => side.chosen,
            Side::Gateway(side) => side.inner.get(&dst).copied(),
        }
    }

    /// True if this session may send inner packets from `src` (A45). A client trusts what its gateway forwards.
    pub fn source_allowed(&self, session: SessionHandle, src: IpAddr) -> bool {
        match &self.side {
            Side::Client(_) => true,
            Side::Gateway(side) => side.inner.get(&src) == Some(&session),
        }
    }

    /// True if the session's peer accepts inner packets with a partial checksum.
    pub fn elides_checksums(&self, session: SessionHandle) -> bool {
        self.sessions.get(&session).is_some_and(|session| session.elides_checksums())
    }

    /// Where the inner packets of a session are sent now. `None`: no send path.
    pub fn send_route(&mut self, session: SessionHandle, now: u64) -> Option<SendRoute> {
        self.enter(now, session, |session, cx| session.send_route(cx, now))?
    }

    /// The packet length that senders on this side should not exceed for a session.
    pub fn packet_advised(&self, session: SessionHandle) -> u16 {
        let settled = self.sessions.get(&session).and_then(|session| session.packet_settled());
        settled.map_or(self.config.mtu, |packet_max| packet_max.min(self.config.mtu))
    }

    /// A datagram of this length with `Transmit::whole` was too long for the link.
    pub fn too_big(&mut self, now: u64, of: SizedFor, len: usize) {
        self.enter(now, of.session, |session, cx| session.too_big(now, cx, of.path, len));
    }

    /// Seals `head ‖ body`, one inner packet, as one DATA into `out` for the session's send path. Returns its length:
    /// 32 bytes more than the packet. Allocates nothing. If the route has a budget, the caller must not send more bytes
    /// than that.
    pub fn seal_inner(
        &mut self,
        session: SessionHandle,
        now: u64,
        out: &mut [u8],
        head: &[u8],
        body: &[u8],
        csum_partial: bool,
    ) -> Result<usize, SealError> {
        let seal =
            |session: &mut Session, cx: &mut Shared| session.seal_inner(cx, now, out, (head, body), csum_partial);
        self.enter(now, session, seal).unwrap_or(Err(SealError::UnknownSession))
    }

    /// Holds `head ‖ body`, an inner packet that could not be sent (`NoPath`, `KeyExpired`), until its session can send
    /// it. False if it is not held: then the caller counts it as dropped. Bounded; see `hold.rs`.
    pub fn hold(&mut self, session: SessionHandle, now: u64, head: &[u8], body: &[u8], csum_partial: bool) -> bool {
        self.sessions.get(&session).is_some_and(|session| session.is_active())
            && self.cx.hold.keep(now, session, Keep::Any, (head, body), csum_partial)
    }

    /// Holds a copy of an inner packet that was sent on a path in doubt (`SendRoute::keep`), if a second copy is
    /// harmless.
    pub fn keep_copy(&mut self, session: SessionHandle, now: u64, head: &[u8], body: &[u8], csum_partial: bool) {
        self.cx.hold.keep(now, session, Keep::Segments, (head, body), csum_partial);
    }

    /// The next held packet whose session can send again: the caller seals and sends it before any newer packet.
    pub fn next_released(&mut self) -> Option<Released> {
        // A session may end between its release and this call; its packets end with it.
        std::iter::from_fn(|| self.cx.hold.next_released()).find(|next| self.sessions.contains_key(&next.session))
    }

    /// Copies of inner packets were sent on the second route. `bytes` of outer payload.
    pub fn copied(&mut self, session: SessionHandle, way: &DuplicateRoute, now: u64, bytes: u32) {
        self.enter(now, session, |session, cx| session.copied(cx, way, now, bytes));
    }

    /// Inner packets were sent on a path: number of messages, bytes of outer payload. For copies, see `copied`.
    pub fn sent(&mut self, session: SessionHandle, path: PathId, now: u64, packets: u32, bytes: u32) {
        self.enter(now, session, |session, _| session.sent(path, now, packets, bytes));
    }

    /// The next control datagram.
    pub fn transmit(&mut self) -> Option<Transmit> {
        self.cx.outbox.pop()
    }

    /// The next report with its time.
    pub fn report(&mut self) -> Option<(u64, Report)> {
        self.cx.reports.pop()
    }

    /// Reports that did not fit: (statistics, others). The engine must stop if one of the others was lost.
    pub fn reports_lost(&self) -> (u64, u64) {
        self.cx.reports.lost()
    }

    /// Counts drops of the I/O loop together with those of the endpoint.
    pub fn count_drop(&mut self, now: u64, kind: DropKind, count: u64) {
        self.cx.reports.count_drop(now, kind.into(), count);
    }

    /// The next time at which `on_deadline` has work. May be too early, never too late.
    pub fn next_deadline(&self) -> Option<u64> {
        let statistics = (!self.cx.measured.is_empty()).then_some(self.statistics_at);
        let handshakes = match &self.side {
            Side::Client(side) => side.dial.as_ref().map(Dial::next_deadline),
            Side::Gateway(side) => side.reception.next_deadline(),
        };
        let slow = [self.closings.next_deadline(), self.cx.reports.next_deadline(), self.cx.hold.next_deadline()];
        [self.cx.timers.next(), statistics, handshakes].into_iter().chain(slow).flatten().min()
    }

    /// Does all that is due at `now`. Call it only after the sockets were drained: received messages must not count as
    /// silence.
    pub fn on_deadline(&mut self, now: u64) {
        while let Some((at, handle)) = self.cx.timers.pop_due(now) {
            let lives = self.enter(now, handle, |session, cx| !session.surfaced(at) || session.on_time(now, cx));
            if lives == Some(false) {
                self.cx.drop(now, DropKind::SessionUnconfirmed);
                self.remove(now, handle, None);
            }
        }
        self.dial_on_time(now);
        for (route, copy) in self.closings.due(now) {
            self.push(now, route, copy);
        }
        if let Some(side) = self.side.gateway_mut() {
            side.reception.expire(now);
        }
        self.cx.hold.sweep(now);
        self.statistics_on_time(now);
        self.cx.reports.on_time(now);
    }

    /// The I/O loop did not run for `stalled_us` until `now`: silence in that time proves nothing about the paths.
    pub fn stall(&mut self, now: u64, stalled_us: u64) {
        if stalled_us == 0 {
            return;
        }
        self.cx.stalled_at = now;
        // Only sessions with traffic or probing can be in doubt, and all of them are in `measured`.
        for handle in self.cx.measured.clone() {
            self.enter(now, handle, |session, cx| session.stalled(now, cx, stalled_us));
        }
    }

    fn statistics_on_time(&mut self, now: u64) {
        if now < self.statistics_at {
            return;
        }
        self.statistics_at = now + STATISTICS_US;
        let mut paths = Vec::new();
        let mut listed = std::mem::take(&mut self.cx.measured);
        listed.retain(|handle| {
            let measured = self.enter(now, *handle, |session, cx| {
                paths.extend(session.stats(now));
                session.stays_measured(now, cx)
            });
            measured == Some(true)
        });
        self.cx.measured = listed;
        for chunk in paths.chunks(STATISTICS_PATHS_MAX) {
            self.cx.report(now, Report::Stats { paths: chunk.to_vec() });
        }
    }

    fn push(&mut self, now: u64, route: Route, data: Vec<u8>) {
        if !self.cx.outbox.push(route, data) {
            self.cx.drop(now, DropKind::OutboxFull);
        }
    }

    /// Executes a command of the core. A declined command changes nothing; it is reported or counted.
    ///
    /// `OpenPath` and `ClosePath` also need the I/O loop: it opens the socket and calls `path_opened` or `path_error`.
    pub fn command(&mut self, now: u64, command: Command) -> Result<(), Declined> {
        let (name, session, (path, dial)) = (command.name(), command.session(), command.awaits());
        let executed = self.execute(now, command);
        match &executed {
            Ok(()) => {}
            Err(Declined::Late) => self.cx.drop(now, DropKind::CommandTooLate),
            // A command without a session goes to every endpoint of a gateway: only the first one reports its refusal.
            Err(Declined::Refused(_)) if session.is_none() && self.config.shard.number > 0 => {}
            Err(Declined::Refused(why)) => {
                let (command, why) = (name.to_owned(), why.clone());
                self.cx.report(now, Report::Refused { command, session, path, dial, why });
            }
        }
        executed
    }
}
