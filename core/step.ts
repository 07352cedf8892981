import type { CoreEvent } from "#kernel/contract/event";
import { type Millis, sooner } from "#kernel/time";
import { nextDialLook, pursue, resume } from "./client/dial.ts";
import { gatewayInUse, nextReopen, reopenPaths, syncPaths } from "./client/paths.ts";
import { clientReport } from "./client/reports.ts";
import { AUTHORITY_KEY, authority } from "./cluster/authority.ts";
import type { Effect, Input } from "./contract.ts";
import { emit, emitFor } from "./emit.ts";
import { broken, faulted, isolated, refused } from "./fence/faulted.ts";
import { settleHealth } from "./fence/health.ts";
import { storeAnswered } from "./gateway/admission.ts";
import { configureClients } from "./gateway/clients.ts";
import { gatewayReport } from "./gateway/reports.ts";
import { policyOffered } from "./policy.ts";
import { operate } from "./session/operator.ts";
import { pathReport, sessionReport } from "./session/reports.ts";
import { dispatch, endCorrupt } from "./session/sessions.ts";
import { settle } from "./session/settle.ts";
import { beginTurn, type Turn } from "./turn.ts";
import type { Entry, World } from "./world.ts";

/** Sessions handled by one Tick. If more are due, the next Tick is due at once, so that other inputs run in between. */
const DUE_MAX = 4_096;
/** Key of the client's own deadline. Negative, because sessions' deadlines have positive handles as keys. */
const CLIENT_KEY = -1;

/**
 * Processes one input. Changes the world in place and returns the effects in order; the caller carries out all of them
 * before the next input. `now` is in ms of the boot-time clock. If it is less than before, every session ends with
 * `state_corruption`.
 */
export function step(world: World, input: Input, now: Millis): Effect[] {
  const turn = beginTurn(world, Math.max(now, world.now), actorOf(input));
  if (now < world.now) clockFell(turn, now);
  world.now = turn.now;
  route(turn, input);
  settle(turn);
  if (world.role === "client") settleClient(turn);
  settleHealth(turn);
  wake(turn, input.type === "Tick" || input.type === "Faulted");
  return turn.effects;
}

function route(turn: Turn, input: Input): void {
  const { world } = turn;
  switch (input.type) {
    case "Configured":
      if (input.config.role === "gateway" && world.role === "gateway") configureClients(turn, input.config);
      if (input.config.role === "client" && world.role === "client") {
        world.client.config = input.config;
        if (input.resumes) resume(turn);
        syncPaths(turn, current(world));
      }
      return;
    case "PolicyOffered":
      policyOffered(turn, input.outcome);
      return;
    case "StoreAnswered":
      storeAnswered(turn, input.token, input.outcome);
      return;
    case "Authority":
      authority(turn, input.event);
      return;
    case "Engine":
      if (input.report.type === "Refused") {
        refused(turn, input.report);
        return;
      }
      if (input.report.type === "SessionFaulted") {
        broken(turn, input.report);
        return;
      }
      if (pathReport(turn, input.report) || sessionReport(turn, input.report)) return;
      if (world.role === "client") clientReport(turn, input.report, current(world));
      else gatewayReport(turn, input.report);
      return;
    case "Operator":
      operate(turn, input);
      return;
    case "Tick":
      tick(turn);
      return;
    case "Faulted":
      faulted(turn, input);
      return;
    case "Stop":
      stop(turn);
      return;
  }
}

/** The client's live session. */
function current(world: World): Entry | null {
  const { current: handle } = world.client;
  return handle === null ? null : (world.sessions.get(handle) ?? null);
}

function tick(turn: Turn): void {
  const { deadlines, sessions } = turn.world;
  for (let looked = 0; looked < DUE_MAX; looked++) {
    const handle = deadlines.popDue(turn.now);
    if (handle === null) return;
    if (handle === AUTHORITY_KEY) authority(turn, { type: "Tick" });
    const entry = sessions.get(handle);
    if (entry !== undefined) isolated(turn, entry, "a deadline", () => dispatch(turn, entry, { type: "Tick" }));
  }
}

function stop(turn: Turn): void {
  const { world } = turn;
  world.stopping = true;
  for (const entry of [...world.sessions.values()])
    dispatch(turn, entry, { type: "OperatorTerminate", reason: "daemon_stopped", numbers: {} });
}

/** The client's dialling and paths come last, because they depend on the state of the session. */
function settleClient(turn: Turn): void {
  const { world } = turn;
  const { client } = world;
  const before = gatewayInUse(client, current(world));
  reopenPaths(turn, current(world));
  pursue(turn, current(world));
  if (gatewayInUse(client, current(world)) !== before) syncPaths(turn, current(world));
  settle(turn);
  world.deadlines.set(CLIENT_KEY, world.stopping ? null : sooner(nextReopen(client), nextDialLook(turn)));
}

function wake(turn: Turn, always: boolean): void {
  const { world } = turn;
  const { earliest } = world.deadlines;
  if (earliest === world.wakeAt && !always) return;
  world.wakeAt = earliest;
  turn.effects.push({ type: "Wake", at: earliest });
}

/** Our own clock ran backwards, so no age is reliable. Every session ends explicitly. */
function clockFell(turn: Turn, now: Millis): void {
  const numbers = { was: turn.world.now, is: now };
  emit(turn, { type: "Diagnostic", actor: "core", reason: "state_corruption", numbers });
  for (const entry of [...turn.world.sessions.values()]) {
    emitFor(turn, entry, { type: "Diagnostic", actor: "core", reason: "state_corruption", numbers });
    endCorrupt(turn, entry, "the clock never runs backwards");
  }
}

const PEER_REPORTS: ReadonlySet<string> = new Set([
  "PeerClosed",
  "AttachDenied",
  "AttachRequested",
  "SwitchRequested",
  "SwitchDenied",
  "PathClosed",
]);

function actorOf(input: Input): CoreEvent["actor"] {
  if (input.type === "Operator") return `operator:${input.actor}`;
  if (input.type === "PolicyOffered" && input.by !== undefined) return `operator:${input.by}`;
  if (input.type !== "Engine") return "core";
  return PEER_REPORTS.has(input.report.type) ? "peer" : "engine";
}
