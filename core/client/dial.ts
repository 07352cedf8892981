import { birth } from "#domains/session/model";
import { backoff } from "#kernel/backoff";
import type { Report } from "#kernel/contract/engine.generated";
import type { Reason } from "#kernel/contract/reason";
import { type Millis, SECOND } from "#kernel/time";
import { command, emit, emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { dispatch } from "../session/sessions.ts";
import { type Turn, touch } from "../turn.ts";
import {
  type ClientPath,
  type ClientState,
  type DialPhase,
  type DialPurpose,
  type Entry,
  freshEntry,
  sendingNumbers,
  usablePaths,
} from "../world.ts";
import { addPath } from "./candidates.ts";
import { gatewayInUse } from "./paths.ts";

type Running = Extract<DialPhase, { is: "running" }>;

/**
 * A dial is aborted after this time if there is another gateway to try, or if it is an inquiry; else the engine's 90 s
 * apply.
 */
const DIAL_PATIENCE_MS: Millis = 10 * SECOND;
/** Wait between dials: first and longest; it doubles in between. */
const BACKOFF_FIRST_MS: Millis = 250;
const BACKOFF_MAX_MS: Millis = 5 * SECOND;

/** Starts a dial if one is needed and aborts one that lasts too long. Decides by the state, not by events. */
export function pursue(turn: Turn, entry: Entry | null): void {
  const { world } = turn;
  const { dial } = world.client;
  if (dial.phase.is === "running") giveUpLate(turn, dial.phase);
  const { phase } = dial;
  if (phase.is !== "waiting" || phase.until > turn.now || world.stopping) return;
  if (entry !== null && phase.purpose === "session") return;
  const gateway = gatewayInUse(world.client, entry);
  const paths = usablePaths(world.client);
  if (gateway === null || paths.length === 0) return;
  if (!world.policy.valid || world.policy.current === null) {
    dial.lastReason = "policy_invalid";
    return;
  }
  start(turn, phase.purpose, gateway.key, paths);
}

function giveUpLate(turn: Turn, phase: Running): void {
  const { client } = turn.world;
  const lostAll = !phase.paths.some((id) => usablePaths(client).some((path) => path.id === id));
  if (!lostAll && !(isLimited(client, phase) && turn.now - phase.since >= DIAL_PATIENCE_MS)) return;
  command(turn, { type: "AbortDial", dial: client.dial.id });
  dialFailed(turn, lostAll ? "no_candidate" : "dial_unanswered");
}

/** With another gateway to try, or a session to go on with, a dial has its own limit of time. */
function isLimited({ config }: ClientState, { purpose }: Running): boolean {
  return (config?.gateways.length ?? 0) > 1 || purpose === "inquiry";
}

function start(turn: Turn, purpose: DialPurpose, gatewayKey: string, usable: readonly ClientPath[]): void {
  const { dial } = turn.world.client;
  if (dial.attempts === 0) dial.sinceAt = turn.now;
  dial.id += 1;
  dial.attempts += 1;
  const paths = usable.map((path) => path.id);
  dial.phase = { is: "running", purpose, since: turn.now, paths };
  command(turn, { type: "Dial", dial: dial.id, gatewayKey, paths });
  const numbers = { attempt: dial.attempts, paths: paths.length, background: purpose === "inquiry" };
  emit(turn, { type: "DialStarted", actor: "core", numbers });
}

/** Adds a path that opened during a dial to that dial. */
export function dialAlso(turn: Turn, path: ClientPath): void {
  const { dial } = turn.world.client;
  const { phase } = dial;
  if (phase.is !== "running" || phase.paths.includes(path.id)) return;
  dial.phase = { ...phase, paths: [...phase.paths, path.id] };
  command(turn, { type: "DialAlso", dial: dial.id, path: path.id });
}

export function dialUnanswered(turn: Turn, dialId: number): void {
  if (runningDial(turn, dialId) !== null) dialFailed(turn, "dial_unanswered");
}

/** The engine refused to begin the dial. */
export function dialRefused(turn: Turn, dialId: number): void {
  if (runningDial(turn, dialId) !== null) dialFailed(turn, "state_corruption");
}

/** Ends the attempt. The next one waits for the back-off and tries the next gateway; an inquiry is not repeated. */
export function dialFailed(turn: Turn, reason: Reason): void {
  const { client } = turn.world;
  const { dial } = client;
  const background = dial.phase.is !== "halted" && dial.phase.purpose === "inquiry";
  emit(turn, { type: "DialFailed", reason, numbers: { attempt: dial.attempts, background } });
  dial.lastReason = reason;
  if (background) {
    dial.phase = { is: "waiting", purpose: "session", until: turn.now };
    return;
  }
  client.gateway = (client.gateway + 1) % Math.max(1, client.config?.gateways.length ?? 1);
  backOff(turn);
}

/** The next dial is for a new session, and waits longer after each failure. */
export function backOff(turn: Turn): void {
  const { dial } = turn.world.client;
  dial.failures += 1;
  const until = turn.now + backoff(dial.failures, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
  dial.phase = { is: "waiting", purpose: "session", until };
}

/** Nothing is dialled from here on, and what runs is given up: its answer must not make a session. */
export function halt(turn: Turn, reason: Reason): void {
  const { dial } = turn.world.client;
  if (dial.phase.is === "running") {
    command(turn, { type: "AbortDial", dial: dial.id });
    dialFailed(turn, reason);
  }
  dial.phase = { is: "halted" };
}

/** The configuration permits dialling again. */
export function resume(turn: Turn): void {
  const { dial } = turn.world.client;
  if (dial.phase.is === "halted") dial.phase = { is: "waiting", purpose: "session", until: turn.now };
}

/**
 * The session that a running dial inquires about has ended: the answer may become the new session. Returns false if no
 * dial runs.
 */
export function dialForSession(turn: Turn): boolean {
  const { dial } = turn.world.client;
  if (dial.phase.is !== "running") return false;
  dial.phase = { ...dial.phase, purpose: "session" };
  return true;
}

/** The next time at which the dial needs a Tick; `null` = none. */
export function nextDialLook(turn: Turn): Millis | null {
  const { client } = turn.world;
  const { phase } = client.dial;
  if (phase.is === "running") return isLimited(client, phase) ? phase.since + DIAL_PATIENCE_MS : null;
  return phase.is === "waiting" && phase.until > turn.now ? phase.until : null;
}

function runningDial(turn: Turn, id: number): Running | null {
  const { dial } = turn.world.client;
  return dial.phase.is === "running" && dial.id === id ? dial.phase : null;
}

/** A valid RESP. It creates a session, unless the answering gateway process already has the live session. */
export function handshakeDone(turn: Turn, report: Extract<Report, { type: "HandshakeDone" }>, entry: Entry | null): void {
  const { world } = turn;
  const { dial } = world.client;
  const forget = (): void => command(turn, { type: "ForgetSession", session: report.session });
  if (world.sessions.has(report.session)) return;
  if (runningDial(turn, report.dial) === null || world.stopping) {
    forget();
    return;
  }
  if (entry !== null && entry.client?.incarnation === report.incarnation) {
    forget();
    dial.phase = { is: "waiting", purpose: "session", until: turn.now };
    const numbers = { incarnation: report.incarnation, found: "the gateway still has the session" };
    emitFor(turn, entry, { type: "Diagnostic", numbers });
    return;
  }
  if (!usablePaths(world.client).some(({ id }) => id === report.path)) {
    // Its path was lost while the answer was on its way: nothing can be confirmed there.
    forget();
    dialFailed(turn, "no_candidate");
    return;
  }
  const local = world.policy.current?.base;
  const policy =
    local === undefined ? null : guarded(turn, "policy", () => world.domains.policy.policyFromOffer(report.offer, local), null);
  if (policy === null || world.sessions.full) {
    forget();
    dialFailed(turn, policy === null ? "policy_invalid" : "resource_exhausted");
    return;
  }
  dial.phase = { is: "waiting", purpose: "session", until: turn.now };
  const predecessor = entry?.session.id ?? dial.predecessor;
  world.client.current = report.session;
  if (entry !== null) dispatch(turn, entry, { type: "KeysLost", reason: "session_lost" });
  const gateway = world.client.config?.gateways.find(({ key }) => key === report.gatewayKey);
  const peer = { name: gateway?.name ?? report.gatewayKey, key: report.gatewayKey };
  const session = birth(report.sessionId, report.session, "client", turn.now);
  const born = freshEntry(session, policy, peer, predecessor, policy.switch.mode);
  born.client = { offer: report.offer, incarnation: report.incarnation, asked: {} };
  world.sessions.set(report.session, born);
  touch(turn, born);
  const { incarnation, ownerEpoch } = report;
  const numbers = { predecessor, incarnation, ownerEpoch, gateway: peer.name, ...sendingNumbers(born) };
  emitFor(turn, born, { type: "SessionCreated", numbers });
  for (const path of usablePaths(world.client)) addPath(turn, born, path);
  command(turn, { type: "ConfirmSession", session: report.session });
}

/**
 * An unauthenticated message says that the gateway does not know our index. It causes one dial at most: the dial either
 * proves that the session is lost, or changes nothing.
 */
export function hinted(turn: Turn, entry: Entry): void {
  const { dial } = turn.world.client;
  if (dial.phase.is !== "waiting" || entry.session.state === "BIRTH") return;
  if (dial.hintedAt !== null && turn.now - dial.hintedAt < DIAL_PATIENCE_MS) return;
  dial.hintedAt = turn.now;
  dial.phase = { is: "waiting", purpose: "inquiry", until: turn.now };
}
