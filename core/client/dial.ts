import { birth } from "#domains/session/model";
import { backoff } from "#kernel/backoff";
import type { Report } from "#kernel/contract/engine.generated";
import type { Reason } from "#kernel/contract/reason";
import { type Millis, SECOND } from "#kernel/time";
import { command, emit, emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { dispatch } from "../session/sessions.ts";
import { type Turn, touch } from "../turn.ts";
import { type ClientPath, type Entry, freshEntry, sendingNumbers, usablePaths } from "../world.ts";
import { addPath } from "./candidates.ts";
import { gatewayInUse } from "./paths.ts";

/** A dial is aborted after this time if there is another gateway to try; else the engine's 90 s apply. */
const DIAL_PATIENCE_MS: Millis = 10 * SECOND;
/** Wait between dials: first and longest; it doubles in between. */
const BACKOFF_FIRST_MS: Millis = 250;
const BACKOFF_MAX_MS: Millis = 5 * SECOND;

/** Starts a dial if one is needed and aborts one that lasts too long. Decides by the state, not by events. */
export function pursue(turn: Turn, entry: Entry | null): void {
  const { world } = turn;
  const { dial } = world.client;
  if (dial.running) {
    const alone = (world.client.config?.gateways.length ?? 0) <= 1 && !dial.background;
    const lostAll = !dial.paths.some((id) => usablePaths(world.client).some((path) => path.id === id));
    if (lostAll || (!alone && turn.now - dial.startedAt >= DIAL_PATIENCE_MS)) abort(turn, lostAll);
  }
  if (dial.running || dial.halted || world.stopping || dial.nextAt > turn.now) return;
  if (entry !== null && !dial.background) return;
  const gateway = gatewayInUse(world.client, entry);
  const paths = usablePaths(world.client);
  if (gateway === null || paths.length === 0) return;
  if (!world.policy.valid || world.policy.current === null) {
    dial.lastReason = "policy_invalid";
    return;
  }
  start(turn, gateway.key, paths);
}

function start(turn: Turn, gatewayKey: string, paths: readonly ClientPath[]): void {
  const { dial } = turn.world.client;
  if (dial.attempts === 0) dial.sinceAt = turn.now;
  dial.id += 1;
  dial.running = true;
  dial.startedAt = turn.now;
  dial.attempts += 1;
  dial.paths = paths.map((path) => path.id);
  command(turn, { type: "Dial", dial: dial.id, gatewayKey, paths: [...dial.paths] });
  const numbers = { attempt: dial.attempts, paths: dial.paths.length, background: dial.background };
  emit(turn, { type: "DialStarted", actor: "core", numbers });
}

/** Adds a path that opened during a dial to that dial. */
export function dialAlso(turn: Turn, path: ClientPath): void {
  const { dial } = turn.world.client;
  if (!dial.running || dial.paths.includes(path.id)) return;
  dial.paths = [...dial.paths, path.id];
  command(turn, { type: "DialAlso", dial: dial.id, path: path.id });
}

export function dialUnanswered(turn: Turn, dialId: number): void {
  const { dial } = turn.world.client;
  if (dial.running && dial.id === dialId) dialFailed(turn, "dial_unanswered");
}

/** The engine refused to begin the dial. */
export function dialRefused(turn: Turn, dialId: number): void {
  const { dial } = turn.world.client;
  if (dial.running && dial.id === dialId) dialFailed(turn, "state_corruption");
}

/** Ends the attempt. The next one waits for the back-off and tries the next configured gateway. */
export function dialFailed(turn: Turn, reason: Reason): void {
  const { client } = turn.world;
  const { dial } = client;
  emit(turn, { type: "DialFailed", reason, numbers: { attempt: dial.attempts, background: dial.background } });
  dial.running = false;
  dial.lastReason = reason;
  if (dial.background) {
    dial.background = false;
    return;
  }
  client.gateway = (client.gateway + 1) % Math.max(1, client.config?.gateways.length ?? 1);
  backOff(turn);
}

export function backOff(turn: Turn): void {
  const { dial } = turn.world.client;
  dial.failures += 1;
  dial.nextAt = turn.now + backoff(dial.failures, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
}

function abort(turn: Turn, lostAll: boolean): void {
  const { dial } = turn.world.client;
  command(turn, { type: "AbortDial", dial: dial.id });
  dialFailed(turn, lostAll ? "no_candidate" : "dial_unanswered");
}

/** The next time at which the dial needs a Tick; `null` = none. */
export function nextDialLook(turn: Turn): Millis | null {
  const { dial, config } = turn.world.client;
  if (dial.running) return (config?.gateways.length ?? 0) > 1 || dial.background ? dial.startedAt + DIAL_PATIENCE_MS : null;
  return dial.nextAt > turn.now ? dial.nextAt : null;
}

/** A valid RESP. It creates a session, unless the answering gateway process already has the live session. */
export function handshakeDone(turn: Turn, report: Extract<Report, { type: "HandshakeDone" }>, entry: Entry | null): void {
  const { world } = turn;
  const { dial } = world.client;
  const forget = (): void => command(turn, { type: "ForgetSession", session: report.session });
  if (world.sessions.has(report.session)) return;
  if (!dial.running || dial.id !== report.dial || world.stopping) {
    forget();
    return;
  }
  if (entry !== null && entry.client?.incarnation === report.incarnation) {
    forget();
    dial.running = false;
    dial.background = false;
    const numbers = { incarnation: report.incarnation, found: "the gateway still has the session" };
    emitFor(turn, entry, { type: "Diagnostic", numbers });
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
  dial.running = false;
  dial.background = false;
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
  if (dial.running || entry.session.state === "BIRTH") return;
  if (dial.hintedAt !== null && turn.now - dial.hintedAt < DIAL_PATIENCE_MS) return;
  dial.hintedAt = turn.now;
  dial.background = true;
  dial.nextAt = turn.now;
}
