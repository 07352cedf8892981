//! Client: one handshake on several open paths at once. The INIT is identical on each path, except for mac2; the first
//! valid RESP wins.
//!
//! ```text
//!  path 1   INIT ──── 0.25 ──── INIT ───── 0.5 ───── INIT ────────── 1 ─ … 5 s, each + up to 333 ms
//!  path 2        0.25 s later: the same
//! ```

use crate::crypto::rng::Rng;
use crate::handshake::{CookieValue, Established, HandshakeError, Initiator};
use crate::messages::{PathId, SessionHandle};
use crate::vocabulary::Route;
use crate::wire::{COOKIE_LEN, INIT_LEN};

/// Delay between the first INITs on two paths, µs.
const STAGGER_US: u64 = 250_000;
/// Pauses between INITs on one path, µs; the last one repeats. Source: docs/spec/wire.md, "Constants".
const PAUSES_US: [u64; 6] = [250_000, 500_000, 1_000_000, 2_000_000, 4_000_000, 5_000_000];
const JITTER_US: u64 = 333_000;
/// Time after which a dial gives up, µs.
const GIVE_UP_US: u64 = 90_000_000;
/// Maximum number of paths of one dial.
pub(crate) const DIAL_PATHS_MAX: usize = 16;
/// Number of cookies that are accepted on one path without delay: a gateway sends one every two minutes. After these,
/// one per pause is accepted. An attacker who sees an INIT can forge a COOKIE for it, and this must not keep the dial
/// from accepting the real one.
const COOKIES_MAX: u8 = 3;
const COOKIE_PAUSE_US: u64 = 10_000_000;

#[derive(Debug)]
struct DialPath {
    path: PathId,
    sends: usize,
    sent_at: u64,
    next_at: u64,
    cookie: Option<CookieValue>,
    cookies: u8,
    /// One more cookie is accepted from this time on.
    next_cookie_at: u64,
}

#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) id: u32,
    /// The session that a RESP creates; its index is the sender index of INIT.
    pub(crate) session: SessionHandle,
    initiator: Initiator,
    init: [u8; INIT_LEN],
    paths: Vec<DialPath>,
    until: u64,
}

impl Dial {
    pub(crate) fn new(id: u32, session: SessionHandle, initiator: Initiator, init: [u8; INIT_LEN], now: u64) -> Self {
        Self { id, session, initiator, init, paths: Vec::new(), until: now + GIVE_UP_US }
    }

    pub(crate) fn index(&self) -> u32 {
        self.initiator.sender_index()
    }

    /// Adds a path after those that wait for their first INIT. False if the path is already there or there is no room.
    pub(crate) fn add(&mut self, now: u64, path: PathId) -> bool {
        if self.paths.len() >= DIAL_PATHS_MAX || self.paths.iter().any(|known| known.path == path) {
            return false;
        }
        let last = self.paths.iter().filter(|path| path.sends == 0).map(|path| path.next_at).max();
        let running = self.paths.iter().map(|path| path.sent_at).max().filter(|at| *at > 0);
        let next_at = last.or(running).map_or(now, |at| (at + STAGGER_US).max(now));
        self.paths.push(DialPath { path, sends: 0, sent_at: 0, next_at, cookie: None, cookies: 0, next_cookie_at: 0 });
        true
    }

    /// No more INITs are sent on a closed path. If a send fails, the path stays and is tried again with the next INIT.
    pub(crate) fn remove(&mut self, path: PathId) {
        self.paths.retain(|known| known.path != path);
    }

    pub(crate) fn next_deadline(&self) -> u64 {
        self.paths.iter().map(|path| path.next_at).min().unwrap_or(self.until).min(self.until)
    }

    pub(crate) fn gave_up(&self, now: u64) -> bool {
        self.until <= now
    }

    /// The INITs that are due.
    pub(crate) fn due(&mut self, now: u64, rng: &mut Rng) -> Vec<(PathId, [u8; INIT_LEN])> {
        let mut due = Vec::new();
        for path in self.paths.iter_mut().filter(|path| path.next_at <= now) {
            let pause = PAUSES_US[path.sends.min(PAUSES_US.len() - 1)];
            path.next_at = now + pause + rng.below(JITTER_US);
            path.sent_at = now;
            path.sends += 1;
            let init = path.cookie.as_ref().map_or(self.init, |cookie| self.initiator.with_cookie(cookie));
            due.push((path.path, init));
        }
        due
    }

    /// COOKIE arrived on one of the paths: INIT is sent there again at once, with mac2. False if the COOKIE does not
    /// answer this INIT.
    pub(crate) fn on_cookie(&mut self, now: u64, from: Route, message: &[u8; COOKIE_LEN]) -> bool {
        let Some(cookie) = self.initiator.read_cookie(message) else { return false };
        let path = self.paths.iter_mut().find(|path| path.path == from.socket && path.sends > 0);
        let Some(path) = path.filter(|path| path.cookies < COOKIES_MAX || path.next_cookie_at <= now) else {
            return false;
        };
        path.cookies = path.cookies.saturating_add(1);
        path.next_cookie_at = now + COOKIE_PAUSE_US;
        path.cookie = Some(cookie);
        path.next_at = now;
        true
    }

    /// Handles RESP. A refused RESP does not change the dial.
    pub(crate) fn on_response(&mut self, message: &[u8]) -> Result<Established, HandshakeError> {
        self.initiator.read_response(message)
    }

    /// Round trip of the handshake on this path; `None` if it is unknown which INIT was answered.
    pub(crate) fn rtt_us(&self, now: u64, path: PathId) -> Option<u64> {
        let path = self.paths.iter().find(|known| known.path == path && known.sends == 1)?;
        Some(now.saturating_sub(path.sent_at))
    }
}
