/** Plausible mistakes in `engine/proto` and at the seam of `engine/io`. The tests must find each of `MUTANTS`. */

/**
 * Where the mistake is looked for first: a test program of the crate (`lib` = its unit tests), and a filter. `tunnel`
 * lays namespaces.
 */
interface Place {
  readonly crate: "jvpn-proto" | "jvpn-io";
  readonly program: string;
  readonly filter: string;
}

/** A plausible mistake: `find` occurs exactly once in `file`, a path below `engine`. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly by: Place;
}

/** `by`: `liveness`, or `lib crypto::replay`. */
function proto(name: string, file: string, find: string, replace: string, by: string): Mutant {
  return { name, file: `proto/src/${file}`, find, replace, by: placeOf("jvpn-proto", by) };
}

function io(name: string, file: string, find: string, replace: string, by: string): Mutant {
  return { name, file: `io/src/${file}`, find, replace, by: placeOf("jvpn-io", by) };
}

function placeOf(crate: Place["crate"], by: string): Place {
  const [program = "", filter = ""] = by.split(" ");
  return { crate, program, filter };
}

// biome-ignore format: a mutant is read as one line of a table
export const MUTANTS: readonly Mutant[] = [
  // replay
  proto("a counter at the lower end of the window is too old", "crypto/replay.rs", "if counter < self.floor {", "if counter <= self.floor {", "lib crypto::replay"),
  proto("the window is one counter too wide", "crypto/replay.rs", "self.floor = self.floor.max(to.saturating_sub(self.size - 1));", "self.floor = self.floor.max(to.saturating_sub(self.size));", "replay"),
  proto("a counter is accepted twice", "crypto/replay.rs", "self.words[word] |= mask(counter);\n        Ok(())", "let _ = word;\n        Ok(())", "replay"),
  proto("a message is not committed", "crypto/epochs.rs", "epoch.window.commit(counter).map_err(replayed)?;", "", "attacks"),
  proto("the window moves before the seal is opened", "crypto/epochs.rs", "epoch.window.check(counter).map_err(replayed)?;", "epoch.window.commit(counter).map_err(replayed)?;", "attacks"),
  proto("a smaller window forgets what it had seen", "crypto/replay.rs", "if old.bit(counter) {", "if false {", "replay"),
  // epochs and keys
  proto("inner packets are opened after the hard age", "crypto/epochs.rs", "let carries_inner = epoch.expired(now, &limits).is_none();", "let carries_inner = true;", "lib crypto::epochs"),
  proto("inner packets are sealed after the hard age", "session/traffic.rs", "if self.epochs.expired(now).is_some() {", "if false {", "rekey"),
  proto("the previous epoch lingers for ten minutes", "crypto/epochs.rs", "linger_us.clamp(LINGER_MIN_US, LINGER_MAX_US)", "linger_us.clamp(60 * LINGER_MAX_US, 60 * LINGER_MAX_US)", "lib crypto::epochs"),
  proto("sealed control messages have no hard end", "crypto/epochs.rs", "if self.current.next_counter >= hard {", "if false {", "lib crypto::epochs"),
  proto("the packet limit is not judged", "crypto/epochs.rs", "self.next_counter >= limits.rekey_after_packets.saturating_mul(PACKETS_HARD)", "false", "lib crypto::epochs"),
  proto("failed opens are not counted", "crypto/epochs.rs", "epoch.failed_opens += 1;", "", "lib crypto::epochs"),
  proto("a counter is not spent if sealing fails", "crypto/epochs.rs", "epoch.next_counter += 1;\n        let (header, body) = out.split_at_mut_checked(DATA_HEADER)?;", "let (header, body) = out.split_at_mut_checked(DATA_HEADER)?;\n        epoch.next_counter += u64::from(!body.is_empty());", "lib crypto::epochs"),
  proto("the responder seals under a key that nobody has confirmed", "crypto/epochs.rs", "self.other = Some(Box::new(Other { epoch, turn: Turn::Next }));", "let epoch = std::mem::replace(&mut self.current, epoch);\n        self.other = Some(Box::new(Other { epoch, turn: Turn::Previous { until: None } }));", "lib crypto::epochs"),
  proto("a key's age counts from its derivation", "crypto/epochs.rs", "other.epoch.born_at = now;", "", "rekey"),
  proto("the next epoch begins while the previous one is there", "crypto/epochs.rs", "if self.other.is_some() {\n            None", "if false {\n            None", "rekey"),
  proto("the clear header of RESP is bound to no key", "crypto/keys.rs", "&[LABEL_ROOT, resp_header]", "&[LABEL_ROOT]", "reference"),
  proto("a rekey does not bind what both ends sent", "crypto/keys.rs", "&[LABEL_REKEY, transcript]", "&[LABEL_REKEY]", "reference"),
  proto("a counter is checked only after the seal is opened", "crypto/epochs.rs", "epoch.window.check(counter).map_err(replayed)?;\n        let Ok", "let Ok", "attacks"),
  // path tokens and validation
  proto("a token does not name its path", "crypto/token.rs", "&path.to_le_bytes(), &nonce]", "&nonce]", "lib crypto::token"),
  proto("a token does not name its session", "crypto/token.rs", "&[LABEL, session, ", "&[LABEL, ", "lib crypto::token"),
  proto("every echo was issued", "session/tokens.rs", "if cx.tokens.issued(&echo.token, &self.id.0, echo.path) {", "if true {", "attacks"),
  proto("no echo was issued", "session/tokens.rs", "if cx.tokens.issued(&echo.token, &self.id.0, echo.path) {", "if false {", "rebinding"),
  proto("a flood of challenges is answered one by one", "session/validation.rs", "if path.answered_round == Some(round) {", "if false {", "attacks"),
  proto("any echo validates a path", "session/validation.rs", "path.challenge.filter(|challenge| challenge.token == response.token)", "path.challenge", "lib session::rogue"),
  proto("a challenge on another path is answered", "session/validation.rs", "let at = self.named(cx, arrival, challenge.path)?;", "let at = self.at(challenge.path).ok_or(Trouble::Unattributable(DropKind::PathUnknown))?;", "lib session::rogue"),
  proto("a path that does not answer stays", "session/validation.rs", "if !validated {\n            cx.drop(now, DropKind::PathNotValidated);", "if false {\n            cx.drop(now, DropKind::PathNotValidated);", "lib session::rogue"),
  // amplification
  proto("four bytes are sent for each byte of a stranger", "vocabulary/mod.rs", "AMPLIFICATION_MAX: u64 = 3;", "AMPLIFICATION_MAX: u64 = 4;", "attacks"),
  proto("one message credits every path that it names", "session/receive.rs", "std::mem::replace(&mut side.credited, order) != order", "{ side.credited = order; true }", "lib session::rogue"),
  proto("the new address has no budget", "path/rebinding.rs", "if self.proved { u64::MAX } else { self.allowance.left() }", "u64::MAX", "lib session::rogue"),
  // binding
  proto("an older activation is accepted", "session/gateway/attach.rs", "if asked.bind_seq < *bind_seq {", "if false {", "sessions"),
  proto("a future owner epoch is nobody's fault", "session/gateway/attach.rs", "if attach.owner_epoch > self.owner_epoch {", "if false {", "lib session::rogue"),
  proto("a stale owner epoch is accepted", "session/gateway/attach.rs", "(attach.owner_epoch < self.owner_epoch).then_some(DenialReason::OwnershipStale)", "None::<DenialReason>", "lib session::rogue"),
  proto("path 0 is a path", "session/gateway/attach.rs", "if path == 0 { Err(", "if path == u32::MAX { Err(", "lib session::rogue"),
  proto("a ninth path is added", "session/gateway/attach.rs", "if self.paths.len() >= PATHS_MAX || ", "if ", "lib session::rogue"),
  proto("a request to switch is reported again", "session/client/switch.rs", "request.id <= newest", "request.id < newest", "sessions"),
  proto("an old ATTACH is accepted", "session/gateway/attach.rs", "if kind.is_some() && attach.bind_seq < side.binding.bind_seq {", "if false {", "lib session::rogue"),
  proto("SWITCH to a path that is not validated is asked for", "session/gateway/attach.rs", ".filter(|at| asked.kind != AttachKind::Switch || self.paths[*at].validated())", "", "lib session::rogue"),
  proto("a path that was silent for long is switched to without a challenge", "session/gateway/attach.rs", "now <= heard + 2 * self.standby_interval_us(now)", "now >= heard", "lib session::rogue"),
  proto("a candidate is accepted before the session is confirmed", "session/gateway/attach.rs", "if kind.is_none() && !self.is_active() {", "if false {", "lib session::rogue"),
  proto("an answer to another attempt is accepted", "session/client/attach.rs", "== (path, bind_seq, echo)\n", "== (path, attempt.bind_seq, echo)\n", "lib session::rogue"),
  proto("SWITCH_ACK of an older attempt is accepted", "session/client/switch.rs", "(attempt.path, attempt.bind_seq) == (ack.to, ack.bind_seq)", "attempt.path == ack.to", "lib session::rogue"),
  // rebinding
  proto("a rebinding is decided without the old address's time", "path/rebinding.rs", "self.proved && (self.old_dropped || self.old_until <= now)", "self.proved", "lib path::rebinding"),
  proto("a rebinding is decided although the new address is silent", "path/rebinding.rs", "self.proved && (self.old_dropped || self.old_until <= now)", "self.old_dropped || self.old_until <= now", "rebinding"),
  proto("a refused address is examined again at once", "path/rebinding.rs", "*shunned == route && now < *until)\n    }", "*shunned == route && now < *until && false)\n    }", "rebinding"),
  proto("rebindings have no limit", "path/rebinding.rs", "self.times.len() < PER_MINUTE_MAX", "true", "rebinding"),
  proto("the old address's echo is taken from anywhere", "session/gateway/rebind.rs", "let old_answers = from == path.route\n            && ", "let old_answers = ", "rebinding"),
  proto("an old frame moves the path", "session/gateway/rebind.rs", "if order <= path.newest {", "if false {", "rebinding"),
  proto("the old address's answer does not keep the path", "session/gateway/rebind.rs", "path.new_addresses.refuse_all(now);\n            self.credit(cx, now, response.path);", "self.credit(cx, now, response.path);", "lib session::rogue"),
  // liveness
  proto("a path is suspected too late", "liveness/mod.rs", "2 * self.interval_us + self.margin.current_us(now)\n", "4 * self.interval_us + self.margin.current_us(now)\n", "liveness"),
  proto("copies go out for two seconds", "liveness/mod.rs", "COPY_MAX_US: u64 = 200_000;", "COPY_MAX_US: u64 = 2_000_000;", "liveness"),
  proto("a death needs no answer of a standby", "liveness/mod.rs", "let Doubt::Suspected { since, standby: Some(standby), .. } = self.doubt else { return timeout };", "let Doubt::Suspected { since, standby, .. } = self.doubt else { return timeout };\n        let standby = standby.unwrap_or(StandbyAnswer { at: since, srtt_us: 0 });", "liveness"),
  proto("an answer from before the suspicion counts", "liveness/mod.rs", "&& sent_at >= *since\n", "\n", "liveness"),
  proto("a stall of this process counts as silence", "liveness/mod.rs", "self.floor = (self.heard_at.max(self.floor) + stalled_us).min(now.max(self.floor));", "", "liveness"),
  proto("the first packets after idling are expected at once", "liveness/mod.rs", "if idle {\n            self.floor = self.floor.max(now + srtt_us);", "if false {\n            self.floor = self.floor.max(now + srtt_us);", "liveness"),
  proto("an idle gateway never asks for its client", "session/schedule.rs", "let watches = self.role() == Role::Gateway && path.alive && self.is_idle(now);", "let watches = false;", "liveness"),
  proto("an idle standby costs as much as the send path", "session/schedule.rs", "if self.send == Some(path.id) { self.keepalive_us } else { self.idle_standby_us() }", "self.keepalive_us", "liveness"),
  proto("the reply to a probe that was never sent is nobody's fault", "session/watch.rs", "BadReply::NeverIssued => Trouble::Attributable(PeerFault::EchoNeverIssued),", "BadReply::NeverIssued => Trouble::Unattributable(DropKind::StaleReply),", "lib session::rogue"),
  proto("a false suspicion teaches nothing", "liveness/mod.rs", "self.margin.false_suspicion(now);", "", "liveness"),
  proto("a relabelled message credits the path that it came on", "session/receive.rs", "} else if own_index {", "} else {", "liveness"),
  // hold
  proto("held datagrams live for a minute", "shared/hold.rs", "if self.segment.is_some() { SEGMENT_AGE_MAX_US } else { OTHER_AGE_MAX_US }", "SEGMENT_AGE_MAX_US", "lib shared::hold"),
  proto("held packets are never swept", "shared/hold.rs", "} else if self.sweep_at <= now {", "} else if false {", "lib shared::hold"),
  proto("a session may hold everything", "shared/hold.rs", "} else if self.segments.bytes > SEGMENT_BYTES_MAX {", "} else if false {", "lib shared::hold"),
  proto("datagrams push out segments", "shared/hold.rs", "if self.others.bytes > OTHER_BYTES_MAX {", "if false {", "lib shared::hold"),
  proto("all sessions together may hold everything", "shared/hold.rs", "while self.bytes > self.bytes_max", "while self.bytes > usize::MAX", "lib shared::hold"),
  proto("a datagram is released twice", "shared/hold.rs", "if old || !again || entry.segment.is_none() {", "if old || !again {", "lib shared::hold"),
  proto("a release sends what is too old", "shared/hold.rs", "let old = entry.expires_at() <= now;", "let old = false;", "lib shared::hold"),
  // reception
  proto("a cookie is valid for every address", "handshake/cookie.rs", "&period.to_le_bytes(), &ip, &from.port()", "&period.to_le_bytes(), &[0; 16], &from.port()", "cookie"),
  proto("a cookie is valid for every port", "handshake/cookie.rs", "&from.port().to_le_bytes()", "&[0, 0]", "cookie"),
  proto("a cookie is valid for ever", "handshake/cookie.rs", "mac16(&self.seed, &[LABEL_COOKIE, &period.to_le_bytes(), ", "mac16(&self.seed, &[LABEL_COOKIE, &(period & 0).to_le_bytes(), ", "cookie"),
  proto("under load no cookie is demanded", "endpoint/gateway/reception/mod.rs", "if !proved && (load || ", "if !proved && (false || ", "attacks"),
  proto("the handshakes of one network have no limit", "endpoint/gateway/reception/buckets.rs", "if full_at - now > (self.burst - 1) * self.interval_us {", "if false {", "lib reception::buckets"),
  proto("each host of a /64 has a bucket of its own", "endpoint/gateway/reception/buckets.rs", "prefix[..len].copy_from_slice(&octets[..len]);", "prefix[..len].copy_from_slice(&octets[8..8 + len]);", "lib reception::buckets"),
  proto("handshakes have no ceiling", "endpoint/gateway/reception/mod.rs", "if self.opened >= if in_share { OPENED_PER_S } else { OPENED_PER_S / 2 } {", "if false {", "hardening"),
  proto("an INIT that is repeated gets a session of its own", "endpoint/gateway/reception/mod.rs", "match self.slots.repeat(&init_hash(init)) {", "match self.slots.repeat(&[0; 32]) {", "hardening"),
  proto("one key may confirm any number of sessions", "endpoint/gateway/reception/slots.rs", "if settled >= self.confirmed_per_key_max {", "if false {", "lib reception::slots"),
  proto("clients that confirm use up the room of others", "endpoint/gateway/reception/slots.rs", "= OPENED_PER_S as usize * (PENDING_US / SECOND_US + 1) as usize;", "= 4_096;", "lib reception::slots"),
  proto("a key has any number of slots", "endpoint/gateway/reception/slots.rs", ".count() >= PENDING_PER_KEY_MAX {", ".count() >= usize::MAX {", "lib reception::slots"),
  proto("old INITs from forged addresses need no cookie", "endpoint/datagrams.rs", "if !proved && side.reception.crowded(&key) {", "if false {", "hardening"),
  proto("a session whose client has answered gives way", "endpoint/gateway/reception/slots.rs", "find(|hash| matches!(self.slot(hash), Some(Slot::Waits(_))))?", "next()?", "lib reception::slots"),
  proto("an answer is repeated for ever", "endpoint/gateway/reception/slots.rs", "answer.repeats >= REPEATS_MAX", "answer.repeats == u8::MAX", "hardening"),
  proto("a site has no share", "endpoint/gateway/reception/mod.rs", "(load || !in_share)", "(load || !in_rate)", "hardening"),
  proto("one host uses up its site's share", "endpoint/gateway/reception/mod.rs", "let in_share = in_rate && rates", "let in_share = rates", "hardening"),
  proto("one site may use up the ceiling", "endpoint/gateway/reception/mod.rs", "if in_share { OPENED_PER_S } else { OPENED_PER_S / 2 }", "OPENED_PER_S", "hardening"),
  proto("an ended session is called live", "endpoint/gateway/reception/roster.rs", "last.ended.map_or(Standing::Live, Standing::Ended)", "Standing::Live", "standing"),
  proto("a removed client is admitted", "endpoint/gateway/reception/roster.rs", "if let Some(reason) = self.removed.get(key) {", "if let Some(reason) = self.removed.get(key).filter(|_| false) {", "standing"),
  proto("a client may confirm what was not offered", "handshake/mod.rs", "if granted { Ok(()) } else { Err(HandshakeError::NotOffered) }", "Ok(())", "handshake"),
  proto("mac1 is not checked", "endpoint/gateway/reception/mod.rs", "if !self.mac1.proves(init) {", "if false {", "attacks"),
  proto("a pending session may do everything", "session/receive.rs", "matches!(self.phase, Phase::Pending { .. }) && !confirms_pending(&frame)", "false", "lib session::rogue"),
  // inner addresses
  proto("a client may send as its neighbour", "endpoint/mod.rs", "Side::Gateway(side) => side.inner.get(&src) == Some(&session),", "Side::Gateway(side) => side.inner.contains_key(&src),", "lib endpoint::ending"),
  proto("an ended session's address stays with it", "endpoint/ending.rs", "if side.inner.get(&address) == Some(&handle) {", "if false {", "sessions"),
  proto("inner packets pass before the session is accepted", "session/receive.rs", "Role::Gateway => self.is_active(),", "Role::Gateway => true,", "lib session::rogue"),
  // close
  proto("CLOSE is sent only once", "endpoint/closing.rs", "closing.sends >= SENDS_MAX", "closing.sends >= 1", "sessions"),
  proto("CLOSE is sent for ever", "endpoint/closing.rs", "closing.next_at <= now && closing.sends >= SENDS_MAX", "closing.next_at <= now && closing.sends == u8::MAX", "sessions"),
  proto("CLOSE_ACK is taken from anywhere", "endpoint/closing.rs", "&& closing.farewell.copies.iter().any(|(route, _)| *route == from)", "", "sessions"),
  // redundant mode and sizes
  proto("a duplicate in redundant mode is delivered", "crypto/replay.rs", "if counter <= self.highest && !self.words.is_empty() && self.bit(counter) {", "if false {", "redundant"),
  proto("a size that is too large for the link is used", "path/path_mtu.rs", "self.bound = self.bound.min(size.max(floor(self.v6) + 1));\n        if self.low", "if self.low", "path_mtu"),
  proto("a lost size is tried once", "path/path_mtu.rs", "if round.flights >= SENDS_MAX {", "if round.flights >= 1 {", "path_mtu"),
  proto("a black hole is not looked for", "path/path_mtu.rs", "let verification = (verify && self.large_sent).then_some(self.verified_at + pause);", "let verification = None::<u64>;", "path_mtu"),
  proto("a new companion is chosen with every packet", "session/redundant.rs", "let kept = self.companion().filter(|path| self.send != Some(path.id)).filter(fits);", "let kept = self.companion().filter(|_| false);", "redundant"),
  proto("silence is taken for a size that is too large", "path/path_mtu.rs", "if round.silent >= SILENT_FLIGHTS_MAX {\n            self.pause(now);\n            return None;", "if round.silent >= SILENT_FLIGHTS_MAX {\n            return self.too_large(now, &round);", "path_mtu"),
  // the seam of engine/io
  io("the MSS is raised, too", "offload/mss.rs", ".filter(|at| word(packet, *at) > mss)", ".filter(|at| word(packet, *at) != mss)", "lib offload::"),
  io("a multicast packet is answered with ICMP", "offload/too_big.rs", "let single = |address: &[u8]| !matches!(address[0], 0 | 127 | 224..);", "let single = |address: &[u8]| !matches!(address[0], 0 | 127);", "lib offload::"),
  io("handshakes share the buffer of data", "steering.rs", "u32::from(TYPE_INIT), 3, 0),", "u32::from(TYPE_INIT), 0, 0),", "steering"),
  io("a merged message may hold a whole flood", "worker/downlink.rs", "if place > 0 && ", "if place > 99 && ", "tunnel"),
  io("the source of inner packets is not asked for", "worker/downlink.rs", "allowed = claimed.filter(|(session, source)| outer.endpoint.source_allowed(*session, *source));", "allowed = claimed;", "tunnel a45"),
  io("the first packet of a run decides for all sources", "worker/downlink.rs", "if allowed != claimed {", "if allowed.is_none() {", "tunnel a45"),
  io("packets leave beyond the budget of an unproved address", "worker/outgoing.rs", "self.to.budget.is_none_or(|budget| bytes as u64 <= budget)", "true", "lib worker::outgoing"),
];

/**
 * Mistakes that no test finds yet: each is a test that is missing, or a place that something else secures, too. A row
 * moves into the table above with its test. `npm run mutants -- --open` plays these.
 */
// biome-ignore format: a mutant is read as one line of a table
export const OPEN: readonly Mutant[] = [
  io("a checksum is left partial for a peer that cannot complete it", "worker/uplink.rs", "if !elides && let Err(malformed)", "if false && let Err(malformed)", "tunnel"),
];
