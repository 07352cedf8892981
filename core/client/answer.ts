import type { Policy } from "#domains/policy/model";
import { birth } from "#domains/session/model";
import type { Report } from "#kernel/contract/engine.generated";
import type { Reason } from "#kernel/contract/reason";
import { command, emitFor } from "../emit.ts";
import { guarded } from "../fence/guard.ts";
import { heardReason } from "../session/reports.ts";
import { dispatch } from "../session/sessions.ts";
import { type Turn, touch } from "../turn.ts";
import { type Entry, freshEntry, sendingNumbers, usablePaths } from "../world.ts";
import { addPath } from "./candidates.ts";
import { dialFailed, runningDial } from "./dial.ts";

type Done = Extract<Report, { type: "HandshakeDone" }>;
type Refused = Extract<Report, { type: "HandshakeRefused" }>;
type Terms = { readonly policy: Policy; readonly obstacle: null } | { readonly policy: null; readonly obstacle: Reason };

/**
 * A valid RESP: it says what became of the session that the dial asked about. Unless that one is live, it has ended,
 * and the new one takes its place.
 */
export function handshakeDone(turn: Turn, report: Done, entry: Entry | null): void {
  const { world } = turn;
  const { dial, config } = world.client;
  const forget = (): void => command(turn, { type: "ForgetSession", session: report.session });
  if (world.sessions.has(report.session)) return;
  if (runningDial(turn, report.dial) === null || world.stopping) {
    forget();
    return;
  }
  if (entry !== null && report.standing.type === "live") {
    forget();
    dial.phase = { is: "waiting", purpose: "session", until: turn.now };
    const numbers = { incarnation: report.incarnation, found: "the gateway still has the session" };
    emitFor(turn, entry, { type: "Diagnostic", numbers });
    return;
  }
  if (entry !== null && config?.reconnect !== true) {
    forget();
    dial.phase = { is: "waiting", purpose: "session", until: turn.now };
    endAsTold(turn, entry, report);
    return;
  }
  const { policy, obstacle } = termsOf(turn, report);
  if (policy !== null) {
    replace(turn, report, policy, entry);
    return;
  }
  forget();
  dialFailed(turn, obstacle);
  if (entry !== null) endAsTold(turn, entry, report);
}

/** The policy of the session that RESP offers, or why this end cannot begin it. */
function termsOf(turn: Turn, { path, offer }: Done): Terms {
  const { world } = turn;
  // Its path was lost while the answer was on its way: nothing can be confirmed there.
  if (!usablePaths(world.client).some(({ id }) => id === path)) return { policy: null, obstacle: "no_candidate" };
  if (world.sessions.full) return { policy: null, obstacle: "resource_exhausted" };
  const local = world.policy.current?.base;
  const policy =
    local === undefined ? null : guarded(turn, "policy", () => world.domains.policy.policyFromOffer(offer, local), null);
  return policy === null ? { policy, obstacle: "policy_invalid" } : { policy, obstacle: null };
}

/** The client is not admitted: its session, if it holds one, has ended for the same reason. */
export function handshakeRefused(turn: Turn, report: Refused, entry: Entry | null): void {
  if (runningDial(turn, report.dial) === null) return;
  const reason = heardReason(report.reason, "policy_denied");
  dialFailed(turn, reason);
  if (entry !== null) dispatch(turn, entry, { type: "PeerClose", reason, numbers: { peerReason: report.reason } });
}

/** Ends the session for the reason that the gateway gave; a gateway that does not know it has lost it. */
function endAsTold(turn: Turn, entry: Entry, { standing, incarnation }: Done): void {
  if (standing.type !== "ended") {
    dispatch(turn, entry, { type: "KeysLost", reason: "session_lost" });
    return;
  }
  const numbers = { peerReason: standing.reason, incarnation };
  dispatch(turn, entry, { type: "PeerClose", reason: heardReason(standing.reason, "peer_closed"), numbers });
}

/** Begins the session of RESP in place of `entry`. */
function replace(turn: Turn, report: Done, policy: Policy, entry: Entry | null): void {
  const { world } = turn;
  const { dial } = world.client;
  dial.phase = { is: "waiting", purpose: "session", until: turn.now };
  const predecessor = entry?.session.id ?? dial.predecessor;
  world.client.current = report.session;
  if (entry !== null) endAsTold(turn, entry, report);
  const gateway = world.client.config?.gateways.find(({ key }) => key === report.gatewayKey);
  const peer = { name: gateway?.name ?? report.gatewayKey, key: report.gatewayKey };
  const session = birth(report.sessionId, report.session, "client", turn.now);
  const born = freshEntry(session, policy, peer, predecessor, policy.switch.mode);
  born.client = { offer: report.offer, asked: {} };
  world.sessions.set(report.session, born);
  touch(turn, born);
  const { incarnation, ownerEpoch } = report;
  const numbers = { predecessor, incarnation, ownerEpoch, gateway: peer.name, ...sendingNumbers(born) };
  emitFor(turn, born, { type: "SessionCreated", numbers });
  for (const path of usablePaths(world.client)) addPath(turn, born, path);
  command(turn, { type: "ConfirmSession", session: report.session });
}
