/** One place of the built JavaScript. `find` occurs exactly once in `file`. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A plausible mistake, and the scenes in which it must be seen. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly scenes: readonly string[];
}

function mutant(name: string, file: string, find: string, replace: string, ...scenes: readonly string[]): Mutant {
  return { name, patches: [{ file, find, replace }], scenes };
}

const RECOVERING = 'return { state: "RECOVERING", ...identity, ...clocks, ...rest, bindSeq: attempt';

// biome-ignore format: a mutant is read as one line of a table
export const MUTANTS: readonly Mutant[] = [
  // clocks
  mutant("TRANSPORT_LOST_TTL starts anew with RECOVERING", "domains/session/enter.js", RECOVERING, `${RECOVERING}, transportlessSince: active === null ? now : null`, "failover"),
  mutant("DEGRADED_MAX starts anew with RECOVERING", "domains/session/enter.js", RECOVERING, `${RECOVERING}, degradedSince: null`, "failover", "client authority"),
  mutant("a clock ends what has reached its limit, not what exceeds it", "domains/session/clock.js", "now - clock.since > clock.limitMs", "now - clock.since >= clock.limitMs", "failover"),
  mutant("nobody looks when a clock passes", "domains/session/clock.js", "since + limitMs + 1", "since + limitMs + 5_000", "failover"),
  mutant("the lifetime is not judged", "domains/session/clock.js", "return passed([lifetime(session, limits)], now);", "return null;", "forgeries", "wishes"),
  mutant("VOLATILE lasts for ever", "domains/session/rows/volatile.js", 'to: [{ to: "DEGRADED", because: "volatile_persisted" }]', "to: []", "gateway traffic", "following"),
  mutant("an attempt never times out", "domains/session/rows/recovering.js", 'to: [{ to: "DEGRADED", because: "attempt_timeout" }]', "to: []", "failover"),
  mutant("a transport's death ends the session", "domains/session/rows/attached.js", '{ to: "DEGRADED", because: "no_candidate" }', '{ to: "TERMINATED", because: "transport_dead" }', "failover"),
  // bookkeeping of transitions
  mutant("the version does not rise", "domains/session/enter.js", "from.version + 1 : 1", "from.version : 1", "failover"),
  mutant("a transition leaves no event", "domains/session/step.js", "const { version } = session;", 'if (session.state === "DEGRADED") return; const { version } = session;', "failover"),
  mutant("a switch leaves no event", "domains/session/actions.js", "if (old === proof.path) {", "if (old !== null) {", "failover"),
  mutant("a denial leaves no event", "domains/session/actions.js", 'draft.audit.push({ type: "TransportSwitchDenied"', 'if (session.role === "gateway") draft.audit.push({ type: "TransportSwitchDenied"', "wishes"),
  mutant("an end leaves no event", "domains/session/step.js", 'draft.audit.push({ type: "SessionTerminated"', 'if (reason !== "peer_closed") draft.audit.push({ type: "SessionTerminated"', "wishes"),
  mutant("a death leaves no event", "core/session/findings.js", 'emitFor(turn, entry, { type: "TransportDead"', 'if (finding.wasActive) emitFor(turn, entry, { type: "TransportDead"', "failover"),
  mutant("an edge that does not exist", "domains/session/rows/degraded.js", 'to: [{ to: "RECOVERING", because: "peer_reattach" }, { to: "ATTACHED", because: "peer_reattach" }]', 'to: [{ to: "ATTACHED", because: "peer_reattach" }]', "following"),
  // budgets
  mutant("a recovery is not counted", "core/session/sessions.js", 'entry.budget = spend(turn, entry, "recordRecovery", activeOf(entry.session) !== null);', "", "failover", "budgets"),
  mutant("a switch is not counted", "core/session/sessions.js", 'entry.budget = spend(turn, entry, "recordSwitch", effect.left !== null);', "", "failover", "budgets"),
  mutant("one more than the maximum is allowed", "domains/policy/budget.js", "recent[recent.length - max]", "recent[recent.length - max - 1]", "failover", "budgets"),
  mutant("one less than the maximum is allowed", "domains/policy/budget.js", "recent[recent.length - max]", "recent[recent.length - max + 1]", "failover", "budgets"),
  mutant("the gateway looks back half a minute", "domains/policy/budget.js", "gateway: 55_000", "gateway: 30_000", "gateway budgets"),
  mutant("the gateway looks back a whole minute", "domains/policy/budget.js", "gateway: 55_000", "gateway: 120_000", "gateway budgets"),
  mutant("an elective switch needs no cooldown", "domains/policy/budget.js", "cooldown(switches, cooldownMs, now)", "cooldown(switches, 0, now)", "wishes"),
  mutant("an emergency waits for the cooldown", "domains/policy/budget.js", "cooldown(urgent, emergencyCooldownMs, now)", "cooldown(switches, cooldownMs, now)", "failover", "wishes"),
  mutant("moves that could wait leave nothing to deaths", "domains/policy/budget.js", "Math.floor(max / 2)", "max", "wishes", "budgets"),
  mutant("a switch that could wait uses up the reserve", "core/session/sessions.js", '"recordSwitch", effect.left !== null', '"recordSwitch", false', "wishes", "budgets"),
  mutant("a recovery that could wait uses up the reserve", "core/session/sessions.js", '"recordRecovery", activeOf(entry.session) !== null', '"recordRecovery", false', "wishes", "budgets"),
  mutant("a new proof that could wait uses up the reserve", "domains/policy/budget.js", 'kind === "elective" || kind === "revalidate"', 'kind === "elective"', "wishes", "budgets"),
  mutant("a lost path is proved anew as if that could wait", "core/session/context.js", 'activeOf(session) === null ? "restore" : "revalidate"', '"revalidate"', "failover", "budgets", "wishes"),
  mutant("a wish counts as an emergency", "core/session/switching.js", 'active === null ? "emergency" : "elective"', '"emergency"', "wishes"),
  mutant("a denial sets no time for the next attempt", "domains/session/actions.js", 'draft.facts = { ...draft.facts, retry: "denied" };', "", "wishes", "budgets"),
  mutant("a denied client is not told when to ask again", "domains/session/actions.js", "deny: reason, retryAfterMs }", "deny: reason, retryAfterMs: 0 }", "following"),
  mutant("a failed attempt is repeated after seconds", "domains/session/model.js", "RETRY_INTERVAL_MS = 250", "RETRY_INTERVAL_MS = 5_000", "failover"),
  mutant("a stable candidate is not taken from DEGRADED", "core/session/settle.js", 'return entry.session.wait?.denies !== "every_attempt" && takeCandidate(turn, entry);', "return false;", "failover"),
  mutant("the limits of switches hold up the same path", "domains/session/classify.js", 'session.wait.denies === "every_attempt" || context.candidate !== lastActiveOf(session)', "true", "no switch left"),
  mutant("only a living path of its own is proved anew over the limits", "core/session/context.js", "const own = lastActiveOf(entry.session);", "const own = activeOf(entry.session);", "no switch left"),
  mutant("the same path is tried anew however often it fails", "core/session/context.js", "return shunned.includes(own) && !shunned.includes(denied) ? null : own;", "return own;", "no switch left"),
  // proofs and authority
  {
    name: "an old proof is accepted by the gateway",
    patches: [
      { file: "domains/session/classify.js", find: "if (proof.bindSeq <= session.bindSeq)", replace: "if (proof.bindSeq < session.bindSeq)" },
      { file: "domains/security/proof.js", find: "report.bindSeq > attempt.boundSeq", replace: "report.bindSeq >= attempt.boundSeq" },
    ],
    scenes: ["following"],
  },
  {
    name: "an answer to an older attempt is accepted by the client",
    patches: [
      { file: "domains/security/proof.js", find: "report.path === path && report.bindSeq === bindSeq;", replace: "report.path === path;" },
      { file: "domains/session/classify.js", find: "if (proof.path !== event.path || proof.bindSeq !== event.bindSeq)", replace: "if (proof.path !== event.path)" },
    ],
    scenes: ["failover"],
  },
  {
    name: "an answer on another path is accepted by the client",
    patches: [
      { file: "domains/security/proof.js", find: "report.path === path && report.bindSeq === bindSeq;", replace: "report.bindSeq === bindSeq;" },
      { file: "domains/session/classify.js", find: "if (proof.path !== event.path || proof.bindSeq !== event.bindSeq)", replace: "if (proof.bindSeq !== event.bindSeq)" },
    ],
    scenes: ["failover"],
  },
  mutant("the gateway does not answer whom it denies", "domains/session/rows/attached.js", 'to: [], does: ["answer_deny", "deny"]', 'to: [], does: ["deny"]', "following"),
  mutant("lost authority leaves ATTACHED alone", "domains/session/rows/attached.js", 'to: [{ to: "VOLATILE", because: "authority_lost" }, { to: "DEGRADED", because: "authority_lost" }]', "to: []", "client authority"),
  mutant("a jump needs no authority", "domains/session/classify.js", "if (context.candidate === null || !context.authority)", "if (context.candidate === null)", "client authority"),
  mutant("nobody looks when authority ends", "core/cluster/authority.js", "world.deadlines.set(AUTHORITY_KEY, deadline)", "", "gateway authority", "client authority"),
  mutant("a lost authority reaches no session", "core/cluster/authority.js", 'dispatchAll(turn, "AuthorityLost");', "", "client authority"),
  mutant("a session with expired keys stays ATTACHED", "core/session/settle.js", 'entry.keys.expired && entry.session.state === "ATTACHED"', "false", "forgeries", "gateway forgeries"),
  mutant("a path is tried although the keys have expired", "core/session/context.js", "if (entry.keys.expired)\n        return null;", "", "forgeries"),
  // security failures
  mutant("the failure budget is forgotten", "domains/security/failure-budget.js", "exceeded: used > max", "exceeded: false", "forgeries"),
  mutant("the last failure of the budget ends the session", "domains/security/failure-budget.js", "exceeded: used > max", "exceeded: used >= max", "forgeries"),
  mutant("failures are never forgotten", "domains/security/failure-budget.js", "now - at <= FAILURE_WINDOW_MS", "true", "old forgeries"),
  mutant("everybody is blamed", "domains/security/step.js", "input.attributable ? blame", "true ? blame", "forgeries"),
  mutant("a security failure takes the active path", "domains/session/rows/recovering.js", 'to: [{ to: "DEGRADED", because: "reattach_validation_failed" }], does: ["abort", "deny"]', 'to: [{ to: "DEGRADED", because: "reattach_validation_failed" }], does: ["deny"]', "forgeries"),
  // policy and birth
  mutant("a client is attached under an invalid policy", "core/client/reports.js", "if (!turn.world.policy.valid)", "if (false)", "birth"),
  mutant("a gateway attaches under an invalid policy", "core/gateway/admission.js", "if (!turn.world.policy.valid)", "if (false)", "clients"),
  mutant("an invalid policy replaces the running one", "core/policy.js", "if (offered.ok)\n            entry.policy", "entry.policy = { ...entry.policy };\n        if (offered.ok)\n            entry.policy", "wishes"),
  mutant("an answer of the store is ignored", "core/gateway/admission.js", "if (entry?.admission?.request !== token)", "if (true)", "clients"),
  {
    name: "an unknown outcome is taken for a yes",
    patches: [
      { file: "core/gateway/admission.js", find: 'if (outcome.is !== "done")', replace: 'if (outcome.is === "refused")' },
      { file: "core/gateway/admission.js", find: "sized(outcome.assignment, entry.policy)", replace: "outcome.assignment ?? entry.assignment" },
    ],
    scenes: ["clients"],
  },
  mutant("a session does not wait for the store", "core/gateway/admission.js", "    if (refusal === null)\n        askStore(turn, entry, evidence);\n    else\n        ", "    ", "clients"),
  mutant("a newcomer is attached to a dead path", "core/gateway/admission.js", 'if (entry.transport.paths[0]?.health.is !== "alive")', "if (false)", "clients", "gateway authority"),
  mutant("a confirmation counts on a path that is lost", "core/client/reports.js", 'id === path && health.is === "alive"', "true", "birth"),
  mutant("a client dials again after an operator ended its session", "core/client/dial.js", 'dial.phase = { is: "halted" };', "", "wishes", "birth"),
  // an explicit end, always
  mutant("an end that the gateway tells is overheard", "core/client/answer.js", 'if (standing.type !== "ended") {', 'if (standing.type === "ended")\n        return;\n    {', "birth"),
  mutant("a gateway that does not know the session is taken to have it", "core/client/answer.js", 'report.standing.type === "live"', 'report.standing.type !== "ended"', "birth"),
  mutant("a session ends though the gateway has it", "core/client/answer.js", 'report.standing.type === "live"', "false", "birth"),
  mutant("the end that is told gets another reason", "core/client/answer.js", 'heardReason(standing.reason, "peer_closed")', '"peer_closed"', "birth"),
  mutant("a refused client keeps its session", "core/client/answer.js", "if (entry !== null)\n        dispatch(turn, entry, { type: \"PeerClose\", reason, numbers: { peerReason: report.reason } });", "", "birth"),
  mutant("a dial asks about no session", "core/client/dial.js", 'purpose === "inquiry" ? turn.world.client.current : null', "null", "birth"),
  mutant("the engine does not know how a session ended", "core/gateway/admission.js", "tellStanding(turn, entry, session.reason);", "{}", "clients"),
  mutant("the engine does not know of an accepted session", "core/gateway/admission.js", "tellStanding(turn, entry, null);", "", "clients"),
  // orders to the engine
  mutant("a refused command ends nothing", "core/fence/faulted.js", "endCorrupt(turn, entry, fault.what.slice(0, TEXT_MAX));", "{}", "clients", "birth"),
  mutant("the engine is not told of a death", "core/session/findings.js", 'command(turn, { type: "SetPathDead", session, path, dead: true });', "", "failover"),
  mutant("the engine is not told of a return", "core/session/findings.js", 'command(turn, { type: "SetPathDead", session, path, dead: false });', "", "failover"),
  mutant("a session ends and its keys stay", "core/session/sessions.js", 'command(turn, { type: "CloseSession", session, reason: effect.reason });', "", "failover"),
  mutant("an ended session stays in the table", "core/session/leave.js", "world.sessions.delete(handle);", "", "failover"),
  mutant("an attempt is not aborted", "core/session/sessions.js", 'command(turn, { type: "AbortAttach", session, bindSeq: effect.bindSeq, restore: effect.restore });', "", "failover"),
  mutant("a request has no reply", "core/session/operator.js", 'turn.effects.push({ type: "Reply", id, outcome });', "{}", "wishes"),
  mutant("a session ends, and whoever waits for its switch hears nothing", "core/session/leave.js", "endWish(turn, entry);", "", "wishes", "gateway forgeries"),
  mutant("a second switch takes the first one's answer", "core/session/operator.js", "entry.wish !== null", "false", "gateway forgeries", "clients"),
  mutant("a healthy session goes on probing", "core/session/probing.js", "return suspected(entry) ? policy.volatile.livenessMs : 0;", "return policy.volatile.livenessMs;", "failover"),
  mutant("a suspicion outlives its path", "core/session/probing.js", "transport.paths.find(({ id }) => id === active)", 'transport.paths.find(({ health }) => health.is === "alive" && health.suspected)', "three paths"),
  // paths
  mutant("a dead active path stays active", "domains/session/rows/degraded.js", 'does: ["lose_active", "clear_wait"]', 'does: ["clear_wait"]', "failover", "wishes"),
  mutant("a path without its link comes back by an answer", "domains/transport/step.js", "if (path.health.linkLost)\n", "if (false)\n", "walks"),
  mutant("a dead path is a candidate", "domains/transport/rank.js", "tuple.usable === 0 && ", "", "failover"),
];
