import { backoff } from "#kernel/backoff";
import type { Reason } from "#kernel/contract/reason";
import { type Millis, SECOND } from "#kernel/time";
import { command, emit } from "../emit.ts";
import type { Turn } from "../turn.ts";
import { type ClientPath, type ClientState, type DialPhase, type DialPurpose, type Entry, usablePaths } from "../world.ts";
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
  const about = purpose === "inquiry" ? turn.world.client.current : null;
  command(turn, { type: "Dial", dial: dial.id, gatewayKey, paths, about });
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

/** The running dial with this id; `null` if it is over. */
export function runningDial(turn: Turn, id: number): Running | null {
  const { dial } = turn.world.client;
  return dial.phase.is === "running" && dial.id === id ? dial.phase : null;
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
