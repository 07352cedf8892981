//! Received outer datagrams.

use super::{Endpoint, Received, Route};
use crate::crypto::keyfile::PublicKey;
use crate::endpoint::containment::contained;
use crate::endpoint::gateway::reception::{Admission, Answer, PENDING_US, choose_suite};
use crate::handshake::{Established, HandshakeError, IncomingInit, Responder};
use crate::messages::{Offer, Report, Role, Sender, SessionHandle};
use crate::path::PATHS_MAX;
use crate::session::{Incoming, Outcome, Phase, Session};
use crate::shared::indices::Target;
use crate::vocabulary::blame::DropKind;
use crate::wire::{
    CAP_REDUNDANT, COOKIE_LEN, Datagram, HINT_UNKNOWN_INDEX, INIT_LEN, InitPayload, PQ_OFF, RESP_LEN, Reason,
    RespPayload, Standing, VERSION, hint,
};

/// The only owner epoch if there is no cluster.
const OWNER_EPOCH: u64 = 1;
const OTHER_ROLE: Received = Received::Dropped(DropKind::MessageOfTheOtherRole);

impl Endpoint {
    /// Handles one outer datagram. `now` is the time at which the kernel received it. An inner packet is opened in
    /// place.
    pub fn receive(&mut self, now: u64, from: Route, datagram: &mut [u8]) -> Received {
        let from = match self.config.role {
            Role::Client => Route { local: None, ..from },
            Role::Gateway => from,
        };
        let received = self.judge(now, from, datagram);
        if let Received::Dropped(kind) = received {
            self.count_refused(now, from, kind);
        }
        received
    }

    /// Out of the way of the packets that arrive.
    #[cold]
    fn count_refused(&mut self, now: u64, from: Route, kind: DropKind) {
        let key = self.cx.revealed.take().map(PublicKey::to_text);
        self.cx.reports.count_datagram(now, kind.into(), Sender { remote: from.remote, key });
    }

    fn judge(&mut self, now: u64, from: Route, datagram: &mut [u8]) -> Received {
        let client = self.config.role == Role::Client;
        match Datagram::parse(datagram) {
            Err(why) => Received::Dropped(why.kind()),
            Ok(Datagram::Data { flags, receiver, counter, .. }) => {
                self.on_data(now, from, datagram, (flags, receiver, counter))
            }
            Ok(Datagram::Init(init)) if !client => self.on_init(now, from, init.bytes),
            Ok(Datagram::Resp(resp)) if client => self.on_resp(now, from, resp.bytes),
            Ok(Datagram::Cookie(cookie)) if client => self.on_cookie(now, from, cookie.bytes),
            Ok(Datagram::Hint { receiver, .. }) if client => self.on_hint(now, from, receiver),
            Ok(_) => OTHER_ROLE,
        }
    }

    fn on_data(
        &mut self,
        now: u64,
        from: Route,
        datagram: &mut [u8],
        (flags, receiver, counter): (u8, u32, u64),
    ) -> Received {
        let Some(Target { session: handle, path: indexed }) = self.cx.indices.find(receiver) else {
            return self.on_unknown_index(now, from, receiver, datagram.len());
        };
        // The index of a dial names a session that does not exist yet.
        let incoming = Incoming { now, from, indexed, flags, counter };
        let outcome = self.enter(now, handle, |session, cx| session.receive(cx, incoming, datagram));
        match outcome.unwrap_or(Outcome::Dropped(DropKind::UnknownIndex)) {
            Outcome::Inner { range, csum_partial } => Received::Inner { session: handle, range, csum_partial },
            Outcome::Dropped(kind) => Received::Dropped(kind),
            Outcome::Consumed => {
                self.settle_confirmed(handle);
                Received::Consumed
            }
            Outcome::Ended => {
                self.remove(now, handle, None);
                Received::Consumed
            }
        }
    }

    /// The client of a pending session has its keys: the slot gives way to no other INIT, and is free as soon as the
    /// session is confirmed.
    fn settle_confirmed(&mut self, handle: SessionHandle) {
        let Some(side) = self.side.gateway_mut() else { return };
        if !side.reception.is_pending(handle) {
            return;
        }
        match self.sessions.get(&handle).map(|session| &session.phase) {
            Some(Phase::Pending { .. }) => side.reception.answered(handle),
            Some(_) => side.reception.settle(handle),
            None => {}
        }
    }

    fn on_unknown_index(&mut self, now: u64, from: Route, receiver: u32, len: usize) -> Received {
        if !self.config.shard.has(receiver) {
            // The index belongs to another endpoint, which may know it: the kernel may merge datagrams of one sender
            // that are meant for several endpoints.
            return Received::Dropped(DropKind::OtherWorker);
        }
        let closing = self.closings.on_data(receiver, from, len);
        if !closing && self.side.gateway_mut().is_some_and(|side| side.hints.admits(now, from.remote.ip())) {
            self.push(now, from, hint(HINT_UNKNOWN_INDEX, receiver).to_vec());
        }
        Received::Dropped(if closing { DropKind::SessionClosed } else { DropKind::UnknownIndex })
    }

    // ---- gateway ----------------------------------------------------------------------------------------------------

    fn on_init(&mut self, now: u64, from: Route, init: &[u8; INIT_LEN]) -> Received {
        let Some(side) = self.side.gateway_mut() else { return OTHER_ROLE };
        match side.reception.admit(now, from, &self.config.identity, init, &mut self.cx.rng) {
            Admission::Refuse(kind) => Received::Dropped(kind),
            Admission::Repeat(response) => {
                self.push(now, from, response.to_vec());
                Received::Consumed
            }
            Admission::Cookie(cookie) => {
                self.push(now, from, cookie.to_vec());
                Received::Dropped(DropKind::CookieRequired)
            }
            Admission::Read { proved } => self.read_init(now, from, init, proved),
        }
    }

    fn read_init(&mut self, now: u64, from: Route, init: &[u8; INIT_LEN], proved: bool) -> Received {
        let Self { config, cx, .. } = self;
        let read = contained(|| Responder::read_init(&config.identity, init, &mut |out| cx.rng.fill(out)));
        let incoming = match read {
            Ok(Ok(incoming)) => incoming,
            Ok(Err(why)) => return Received::Dropped(why.kind()),
            Err(_) => return Received::Dropped(DropKind::HandshakeFaulted),
        };
        let key = incoming.remote_static;
        self.cx.revealed = Some(key);
        let received = self.welcome(now, from, init, incoming, proved);
        if !matches!(received, Received::Dropped(_)) {
            self.cx.revealed = None;
        }
        received
    }

    /// The sender of this INIT has the key that it names.
    fn welcome(
        &mut self,
        now: u64,
        from: Route,
        init: &[u8; INIT_LEN],
        incoming: IncomingInit,
        proved: bool,
    ) -> Received {
        let key = incoming.remote_static;
        let Some(side) = self.side.gateway_mut() else { return OTHER_ROLE };
        let (offer, standing) = match side.reception.answer(&key, incoming.payload.about) {
            Answer::Grant(offer, standing) => (offer, standing),
            Answer::Refuse(reason) => return self.refuse(now, from, incoming, reason),
            Answer::Stranger => return Received::Dropped(DropKind::UnknownPeer),
        };
        if !proved && side.reception.crowded(&key) {
            let cookie = side.reception.cookie(now, from, &self.config.identity, init, &mut self.cx.rng);
            self.push(now, from, cookie.to_vec());
            return Received::Dropped(DropKind::CookieRequired);
        }
        let Some(evicted) = side.reception.make_room(&key) else {
            return Received::Dropped(DropKind::ConfirmedPerKeyFull);
        };
        for handle in evicted {
            self.cx.drop(now, DropKind::SessionEvicted);
            self.remove(now, handle, None);
        }
        self.respond(now, from, incoming, &key, (offer, standing))
    }

    fn respond(
        &mut self,
        now: u64,
        from: Route,
        incoming: IncomingInit,
        key: &PublicKey,
        (offer, standing): (Offer, Standing),
    ) -> Received {
        let payload = match self.terms(&incoming.payload, offer, standing) {
            Ok(payload) => payload,
            Err(kind) => return Received::Dropped(kind),
        };
        let hash = incoming.init_hash;
        let handle = self.take_handle();
        let index = self.cx.indices.assign(&mut self.cx.rng, Target { session: handle, path: None });
        let (response, established) = match answer(incoming, index, payload) {
            Ok(answer) => answer,
            Err(kind) => {
                self.cx.indices.release(index);
                return Received::Dropped(kind);
            }
        };
        let phase = Phase::Pending { until: now + PENDING_US };
        let mut session = Session::new(handle, Role::Gateway, established, index, phase, self.config.limits, now);
        session.rearm(now, &mut self.cx);
        self.sessions.insert(handle, Box::new(session));
        if let Some(side) = self.side.gateway_mut() {
            side.reception.remember(now, hash, response, handle, key);
        }
        self.push(now, from, response.to_vec());
        Received::Consumed
    }

    /// Tells a client that was removed why it gets no session. Nothing is stored: a repeated INIT costs as much as the
    /// first one.
    fn refuse(&mut self, now: u64, from: Route, incoming: IncomingInit, reason: Reason) -> Received {
        let terms = self.terms(&incoming.payload, Offer::nothing(), Standing::Refused(reason));
        let refusal = terms.and_then(|terms| answer(incoming, 0, RespPayload { session_id: [0; 16], ..terms }));
        match refusal {
            Ok((response, _)) => {
                self.push(now, from, response.to_vec());
                Received::Dropped(DropKind::PeerRemoved)
            }
            Err(kind) => Received::Dropped(kind),
        }
    }

    /// What RESP grants of what the client offers.
    fn terms(&mut self, offered: &InitPayload, offer: Offer, standing: Standing) -> Result<RespPayload, DropKind> {
        let suite = choose_suite(offered, self.config.allow_aes).ok_or(DropKind::NoCommonSuite)?;
        if !(offered.proto_min..=offered.proto_max).contains(&VERSION) {
            return Err(DropKind::NoCommonVersion);
        }
        let wanted = if offer.redundant { u64::MAX } else { !CAP_REDUNDANT };
        let granted = offered.capabilities & self.capabilities() & wanted;
        Ok(RespPayload {
            session_id: self.cx.rng.bytes(),
            locator: [0; 16],
            owner_epoch: OWNER_EPOCH,
            incarnation: self.config.incarnation,
            proto: VERSION,
            suite,
            pq_mode: PQ_OFF,
            max_paths: PATHS_MAX as u8,
            offer: Offer { redundant: granted & CAP_REDUNDANT != 0, ..offer },
            capabilities: granted as u32,
            standing,
        })
    }

    // ---- client -----------------------------------------------------------------------------------------------------

    fn on_resp(&mut self, now: u64, from: Route, message: &[u8]) -> Received {
        let path = from.socket;
        let Some(side) = self.side.client_mut() else { return OTHER_ROLE };
        if side.sockets.get(&path).is_none_or(|link| link.route != Some(from)) {
            return Received::Dropped(DropKind::PathMismatch);
        }
        let Some(dial) = &mut side.dial else { return Received::Dropped(DropKind::NoDial) };
        let established = match contained(|| dial.on_response(message)) {
            Ok(Ok(established)) => established,
            Ok(Err(why)) => return Received::Dropped(why.kind()),
            Err(_) => return Received::Dropped(DropKind::HandshakeFaulted),
        };
        let (id, handle, index, rtt_us) = (dial.id, dial.session, dial.index(), dial.rtt_us(now, path));
        side.dial = None;
        let response = &established.response;
        let standing = match response.standing.told() {
            Ok(standing) => standing,
            Err(reason) => return self.refused(now, id, index, &established.remote_static, reason),
        };
        let (incarnation, owner_epoch, offer) = (response.incarnation, response.owner_epoch, response.offer.clone());
        let gateway_key = established.remote_static.to_text();
        let session = Session::new(handle, Role::Client, established, index, Phase::Offered, self.config.limits, now);
        let session_id = session.id.to_text();
        self.sessions.insert(handle, Box::new(session));
        side.answered_on = Some((handle, path, rtt_us));
        let report = Report::HandshakeDone {
            dial: id,
            session: handle,
            session_id,
            path,
            gateway_key,
            incarnation,
            owner_epoch,
            offer,
            standing,
        };
        self.cx.report(now, report);
        Received::Consumed
    }

    fn refused(&mut self, now: u64, dial: u32, index: u32, gateway: &PublicKey, reason: Reason) -> Received {
        self.cx.indices.release(index);
        let (gateway_key, reason) = (gateway.to_text(), reason.to_string());
        self.cx.report(now, Report::HandshakeRefused { dial, gateway_key, reason });
        Received::Consumed
    }

    fn on_cookie(&mut self, now: u64, from: Route, message: &[u8; COOKIE_LEN]) -> Received {
        let dial = self.side.client_mut().and_then(|side| side.dial.as_mut());
        let answers = dial.is_some_and(|dial| dial.on_cookie(now, from, message));
        if !answers {
            return Received::Dropped(DropKind::CookieNotOurs);
        }
        self.dial_on_time(now);
        Received::Consumed
    }

    /// Unauthenticated: reported at most once per ten seconds, and only if it came from a route of the session that it
    /// names.
    fn on_hint(&mut self, now: u64, from: Route, receiver: u32) -> Received {
        let named = self.sessions.values().find(|session| session.sends_to_index(receiver) && session.has_route(from));
        let Some(session) = named.map(|session| session.handle) else {
            return Received::Dropped(DropKind::HintNotOurs);
        };
        self.enter(now, session, |session, cx| session.hinted(now, cx));
        Received::Consumed
    }
}

/// Writes RESP; a panic costs this handshake alone.
fn answer(incoming: IncomingInit, index: u32, payload: RespPayload) -> Result<([u8; RESP_LEN], Established), DropKind> {
    let made = contained(|| incoming.respond(index, payload));
    made.map_or(Err(DropKind::HandshakeFaulted), |made| made.map_err(HandshakeError::kind))
}
