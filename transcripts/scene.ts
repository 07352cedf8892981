import type { ClientConfig, GatewayConfig, Input, StoreOutcome } from "#core/contract";
import type { ClusterEvent } from "#domains/cluster/model";
import { offerOf } from "#domains/policy/offer";
import {
  type DenialReason,
  type DroppedKind,
  ENGINE_KINDS,
  type Link,
  type PathDescription,
  type PathStats,
  type PeerFault,
  type Report,
  type Sender,
  type Standing,
} from "#kernel/contract/engine.generated";
import type { Priority } from "#kernel/contract/priority";
import { presetPolicy } from "./presets.ts";

/** The gateway of all transcripts. */
const GATEWAY = { name: "fra-2", key: "jvpk1:gateway", addresses: [{ ip: "203.0.113.7", port: 4774 }] };

/** The description of a client's path by the gateway's engine. */
export const gatewayPath = (remote: string): PathDescription => ({
  transport: "udp",
  local: "203.0.113.7",
  remote,
  interface: null,
});

function kindOf(word: string): DroppedKind {
  if (!Object.hasOwn(ENGINE_KINDS, word)) throw new Error(`the engine has no kind ${word}`);
  return word as DroppedKind;
}

/** Counters of the paths. They continue from one `stats` line to the next, as in the engine. */
export interface Memory {
  readonly stats: Map<number, PathStats>;
  dial: number;
  /** Id of an operator's newest request. */
  request: number;
}

export const freshMemory = (): Memory => ({ stats: new Map(), dial: 0, request: 0 });

/**
 * One line of a transcript as an input of the core.
 *
 *   client [eth0,wlan0=backup,…]   gateway [name …]      configuration
 *   resolved [eth0,…]                                     the same, after a look-up changed the gateway's addresses
 *   policy standard                policy broken          a new policy
 *   links eth0 wlan0 wwan0:down eth1:kind=tun             all links that exist
 *   leased 1 10.80.0.14 · leased 1 none · leased 1 unknown  the store's answer to request 1
 *   authority joined 2 · heartbeat 100 2 · missed · fenced  from the cluster; a heartbeat has its send time
 *   handshake 1 2 ended:operator_terminated  standard   on path 1, as session 2; …
 *   opened 1 · handshake 2 · attached 1 1 · validated 2 20 · silent 1 timeout · alive 1 20 · …
 *   refused@2 SetProbing · refused OpenPath 3 · refused Dial  a command that the engine refused
 *   silent@2 1                                            about session 2 (default: session 1)
 */
export function inputOf(verb: string, args: readonly string[], memory: Memory): Input {
  const [first = "", second = "", third = "", fourth = ""] = args;
  switch (verb) {
    case "client":
      return { type: "Configured", config: clientConfig(args), resumes: true };
    case "resolved":
      return { type: "Configured", config: clientConfig(args), resumes: false };
    case "gateway":
      return { type: "Configured", config: gatewayConfig(args), resumes: true };
    case "policy":
      return {
        type: "PolicyOffered",
        outcome: first === "broken" ? { ok: false, errors: ["no such preset"] } : presetPolicy(first, second),
      };
    case "switch":
      return operator({ verb: "switch", session: Number(first), to: Number(second) }, memory);
    case "terminate":
      return operator({ verb: "terminate", session: Number(first), detail: args.slice(1).join(" ") }, memory);
    case "tick":
      return { type: "Tick" };
    case "stop":
      return { type: "Stop" };
    case "leased":
      return { type: "StoreAnswered", token: Number(first), outcome: outcomeOf(second) };
    case "authority":
      return { type: "Authority", event: authorityEvent(first, Number(second), Number(third)) };
    case "confirmed":
      return { type: "Engine", report: reportOf(verb, args, memory) };
    default:
      return { type: "Engine", report: reportOf(verb, [first, second, third, fourth], memory) };
  }
}

function reportOf(word: string, args: readonly string[], memory: Memory): Report {
  const [first = "", second = "", third = "", fourth = ""] = args;
  const [verb = "", about = "1"] = word.split("@");
  const session = Number(about);
  const path = Number(first);
  switch (verb) {
    case "links":
      return { type: "Links", links: args.filter((text) => text !== "").map(link) };
    case "opened":
      return { type: "PathOpened", path, local: "0.0.0.0:0" };
    case "path-error":
      return { type: "PathError", path, errno: second };
    case "handshake": {
      const offer = offerOf(presetPolicy(fourth === "" ? "standard" : fourth).policy.base);
      const handle = Number(second === "" ? 1 : second);
      return {
        type: "HandshakeDone",
        dial: memory.dial,
        session: handle,
        sessionId: `s-${handle}`,
        path,
        gatewayKey: GATEWAY.key,
        incarnation: third === "unknown" ? 2 : 1,
        ownerEpoch: 1,
        offer,
        standing: standing(third),
      };
    }
    case "handshake-refused":
      return { type: "HandshakeRefused", dial: memory.dial, gatewayKey: GATEWAY.key, reason: first };
    case "handshake-unanswered":
      return { type: "HandshakeUnanswered", dial: memory.dial };
    case "assigned":
      return { type: "Assigned", session: Number(second === "" ? 1 : second), assignment: assignment(first) };
    case "attached":
      return { type: "AttachValidated", session: Number(third === "" ? 1 : third), path, bindSeq: Number(second) };
    case "denied":
      return { type: "AttachDenied", session, path, bindSeq: Number(second), reason: third, retryAfterMs: Number(fourth) };
    case "unanswered":
      return { type: "AttachUnanswered", session, path, bindSeq: Number(second) };
    case "asked":
      return { type: "SwitchRequested", session, path, reason: second === "" ? "candidate_available" : second };
    case "switch-denied":
      return { type: "SwitchDenied", session, path, reason: second, retryAfterMs: Number(third) };
    case "activations-denied":
      return { type: "ActivationsDenied", session, path, reason: second as DenialReason, count: Number(third) };
    case "hinted":
      return { type: "Hinted", session };
    case "confirmed":
      return {
        type: "HandshakeConfirmed",
        session: path,
        sessionId: `s-${first}`,
        clientKey: `jvpk1:${second}`,
        path: Number(third === "" ? 1 : third),
        description: gatewayPath(`198.51.100.${first}:50211`),
        redundant: args[3] === "redundant",
      };
    case "requested":
      return {
        type: "AttachRequested",
        session: Number(fourth === "" ? 1 : fourth),
        path,
        description: gatewayPath(`198.51.100.${first}:50211`),
        bindSeq: Number(second),
        kind: third === "revalidate" ? "revalidate" : "switch",
        reason: "transport_dead",
      };
    case "challenge":
      return { type: "ChallengeResult", session: path, answered: second === "answered" };
    case "validated":
      return {
        type: "PathValidated",
        session,
        path,
        description: gatewayPath(`198.51.100.${first}:50211`),
        rttUs: Number(second) * 1_000,
      };
    case "rebound":
      return { type: "PathRebound", session, path, description: gatewayPath(`198.51.100.${first}:${second}`) };
    case "path-closed":
      return { type: "PathClosed", session, path, reason: second };
    case "path-unanswered":
      return { type: "PathUnanswered", session, path };
    case "suspected":
      return { type: "PathSuspected", session, path, silentUs: 110_000, limitUs: 100_000 };
    case "cleared":
      return { type: "PathCleared", session, path, silentUs: 120_000 };
    case "silent":
      return {
        type: "PathSilent",
        session,
        path,
        silentUs: 160_000,
        limitUs: 150_000,
        evidence: second === "timeout" ? "timeout" : "standby_answered",
      };
    case "alive":
      return { type: "PathAlive", session, path, rttUs: Number(second) * 1_000 };
    case "stats":
      return { type: "Stats", paths: [stats(session, path, args.slice(1), memory)] };
    case "invalid":
      return { type: "ValidationFailed", session, kind: kindOf(first) as PeerFault, attributable: second === "attributable" };
    case "refused":
      return {
        type: "Refused",
        command: first,
        session: word.includes("@") ? session : null,
        path: first === "OpenPath" ? Number(second) : null,
        dial: first === "Dial" ? memory.dial : null,
        why: "core and engine disagree",
      };
    case "peer-closed":
      return { type: "PeerClosed", session, reason: first };
    case "key-rotated":
      return { type: "KeyRotated", session, epoch: path, trigger: "age" };
    case "key-expired":
      return { type: "KeyExpired", session, epoch: path, trigger: "age" };
    case "rekey-denied":
      return { type: "RekeyDenied", session, epoch: path, reason: second };
    case "dropped":
      return { type: "Dropped", kind: kindOf(first), count: Number(second), sender: senderOf(third, fourth) };
    default:
      throw new Error(`unknown verb in a transcript: ${verb}`);
  }
}

/** Nothing = the drop was no outer datagram. */
function senderOf(remote: string, key: string): Sender | null {
  return remote === "" ? null : { remote, key: key === "" ? null : key };
}

/** `live`, `unknown`, `ended:operator_terminated`; nothing = the dial asked about no session. */
function standing(word: string): Standing {
  const [type = "", reason = ""] = word.split(":");
  if (type === "ended") return { type, reason };
  return type === "live" || type === "unknown" ? { type } : { type: "not_asked" };
}

/** `loss=0.3 rtt=20 mute`: 100 ms of traffic, 100 packets in each direction; `mute` = probes are not answered. */
function stats(session: number, path: number, args: readonly string[], memory: Memory): PathStats {
  const asked = new Map(args.filter((arg) => arg !== "").map((arg) => arg.split("=") as [string, string]));
  const loss = Number(asked.get("loss") ?? 0);
  const rttUs = Number(asked.get("rtt") ?? 20) * 1_000;
  const mute = asked.has("mute");
  const before = memory.stats.get(path);
  const arrived = Math.round(100 * (1 - loss));
  const next: PathStats = {
    session,
    path,
    srttUs: rttUs,
    rttvarUs: 1_000,
    minRttUs: rttUs,
    jitterUs: Number(asked.get("jitter") ?? 0.5) * 1_000,
    probesSent: (before?.probesSent ?? 0) + 2,
    probesAnswered: (before?.probesAnswered ?? 0) + (mute ? 0 : 2),
    probesLost: (before?.probesLost ?? 0) + (mute ? 2 : 0),
    answering: !mute,
    upSent: (before?.upSent ?? 0) + 100,
    upReceived: (before?.upReceived ?? 0) + arrived,
    downSent: (before?.downSent ?? 0) + 100,
    downReceived: (before?.downReceived ?? 0) + arrived,
    rxBytes: 0,
    txBytes: 0,
    heardMsAgo: 1,
  };
  memory.stats.set(path, next);
  return next;
}

/**
 * `wlan0`, `wlan0:down`, `wlan0:noroute`, `wlan0:10.9.0.7` (another address). Index: the name's number plus an offset
 * by kind.
 */
function link(text: string): Link {
  const [name = "", state = ""] = text.split(":");
  const index = 2 + ["eth", "wlan", "wwan"].findIndex((kind) => name.startsWith(kind)) * 10 + Number(name.replace(/\D/g, ""));
  const address = state.includes(".") ? state : `10.0.${index}.2`;
  const kind = state.startsWith("kind=") ? state.slice("kind=".length) : null;
  return { name, index, kind, up: state !== "down", addresses: [address], routes: state === "noroute" ? [] : ["0.0.0.0/0"] };
}

function clientConfig(args: readonly string[]): ClientConfig {
  const rules = args
    .filter((arg) => arg !== "no-reconnect")
    .map((arg) => {
      const [name = "", priority = "primary"] = arg.split("=");
      return { interface: name, priority: priority as Priority, metered: false };
    });
  return {
    role: "client",
    reconnect: !args.includes("no-reconnect"),
    gateways: [GATEWAY],
    paths: rules,
    ownInterfaces: ["jvpn0"],
  };
}

function gatewayConfig(args: readonly string[]): GatewayConfig {
  return { role: "gateway", node: "fra-2", clients: args.map((name) => ({ name, key: `jvpk1:${name}`, group: null })) };
}

function operator(request: Extract<Input, { type: "Operator" }>["request"], memory: Memory): Input {
  memory.request++;
  return { type: "Operator", id: memory.request, actor: "ada", request };
}

function outcomeOf(word: string): StoreOutcome {
  if (word === "unknown") return { is: "unknown" };
  if (word === "none") return { is: "refused", reason: "address_pool_exhausted" };
  return { is: "done", assignment: assignment(word === "" ? "10.80.0.14" : word) };
}

function authorityEvent(word: string, number: number, epoch: number): ClusterEvent {
  switch (word) {
    case "joined":
      return { type: "Joined", epoch: number };
    case "heartbeat":
      return { type: "HeartbeatCommitted", epoch, sentAt: number, claims: [] };
    case "missed":
      return { type: "HeartbeatFailed" };
    case "fenced":
      return { type: "Fenced" };
    default:
      throw new Error(`unknown word after authority: ${word}`);
  }
}

function assignment(v4: string) {
  return { v4, v4Prefix: 16, v6: null, v6Prefix: 64, dns: [], mtu: 1_380 };
}
