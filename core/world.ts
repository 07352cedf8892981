import type { Authority } from "#domains/cluster/model";
import { solo } from "#domains/cluster/step";
import { type Budget, UNUSED } from "#domains/policy/budget";
import type { Policy } from "#domains/policy/model";
import { NO_POLICY, type Validity } from "#domains/policy/validity";
import { NO_FAILURES, type Security } from "#domains/security/model";
import type { Session } from "#domains/session/model";
import { NO_PATHS, type Transport } from "#domains/transport/model";
import { BoundedMap } from "#kernel/bounded-map";
import type { Assignment, Link, Offer, Report } from "#kernel/contract/engine.generated";
import type { Health } from "#kernel/contract/health";
import type { Priority } from "#kernel/contract/priority";
import type { Reason } from "#kernel/contract/reason";
import type { PathId, Role, SessionHandle, SessionId } from "#kernel/contract/state";
import type { JumpView, SendingMode, SessionView } from "#kernel/contract/view";
import { DeadlineHeap } from "#kernel/deadline-heap";
import type { Millis } from "#kernel/time";
import type { ClientConfig, GatewayConfig, StoreToken } from "./contract.ts";
import { type Domains, REAL_DOMAINS } from "./fence/domains.ts";

/** Maximum number of sessions on a node. Further handshakes are refused with `resource_exhausted`. */
const SESSIONS_MAX = 131_072;
/** Number of ended sessions that `view` still shows, newest last. */
export const ENDED_MAX = 16;

/** Number of removed paths per session whose labels are kept; the oldest is dropped. */
export const DEPARTED_MAX = 16;

/** A path on which an attempt failed although the path seemed stable. */
interface Shunned {
  readonly path: PathId;
  readonly failures: number;
  readonly until: Millis;
}

/** One session with its state in each domain. The values are immutable; a change replaces them in the entry. */
export interface Entry {
  session: Session;
  transport: Transport;
  budget: Budget;
  security: Security;
  policy: Policy;
  readonly peer: { readonly name: string; readonly key: string };
  readonly predecessor: SessionId | null;
  /** Agreed in the handshake; a later policy does not change it. */
  readonly sending: SendingMode;
  assignment: Assignment | null;
  jumps: { readonly count: number; readonly last: JumpView | null };
  /** Probing interval last sent to the engine, ms; 0 = only traffic causes probes. */
  probingMs: Millis;
  /** Start of the search for a path; a link that returns restarts the search. */
  searchSince: Millis | null;
  /** No elective switch is attempted before this time. */
  electiveAt: Millis;
  /** Paths that failed as a target. Until `until` they are chosen last; the time grows with each failure. */
  shunned: readonly Shunned[];
  /** Client: the gateway's offer, and the candidates whose validation was requested. */
  client: {
    readonly offer: Offer;
    readonly asked: Record<PathId, { readonly failures: number; readonly retryAt: Millis | null }>;
  } | null;
  /** Gateway, in BIRTH. */
  admission: Admission | null;
  /**
   * Labels of removed paths, oldest first, at most `DEPARTED_MAX`, so that later events and views can still name them.
   */
  departed: readonly { readonly path: PathId; readonly label: string }[];
  /** When the keys were last agreed; expired keys carry no inner packets until a rekey. */
  keys: { readonly agreedAt: Millis; readonly expired: boolean };
  /** Gateway: when it asks the client next to prove itself again, and how often it has asked. */
  ask: { readonly count: number; readonly at: Millis } | null;
  /** The switch for whose outcome an operator waits, at most until `until`; `id` = of the request. */
  wish: { readonly id: number; readonly to: PathId; readonly since: Millis; readonly until: Millis } | null;
}

/** What a gateway's session needs until it is accepted or refused. */
export interface Admission {
  /** The client's evidence, from which the proof is minted when the session is accepted or refused. */
  readonly evidence: Extract<Report, { type: "HandshakeConfirmed" }>;
  /** The pending request to the store. */
  readonly request: StoreToken | null;
  /** The live session of the same key that is challenged, before this one is decided on. */
  readonly waitsFor: SessionHandle | null;
}

/** A local path to the gateway, independent of any session. */
export interface ClientPath {
  readonly id: PathId;
  readonly label: string;
  readonly ifname: string;
  readonly ifindex: number;
  readonly local: string;
  readonly remote: string;
  readonly priority: Priority;
  readonly metered: boolean;
  socket: "opening" | "open" | "failed";
  failures: number;
  retryAt: Millis | null;
  /** Why the machine cannot use the path; `null` = it can. */
  lost: "link_down" | "address_gone" | "route_gone" | null;
}

/** What a dial is for: a new session, or an inquiry whether the gateway still has the live one. */
export type DialPurpose = "session" | "inquiry";

export type DialPhase =
  /** An operator ended the session, or reconnecting is off: no dial starts until the next configuration. */
  | { readonly is: "halted" }
  | { readonly is: "waiting"; readonly purpose: DialPurpose; readonly until: Millis }
  | {
      readonly is: "running";
      readonly purpose: DialPurpose;
      readonly since: Millis;
      /** Paths that take part. */
      readonly paths: readonly PathId[];
    };

/** The client's dialling. Ids increase and are never reused. */
interface Dial {
  id: number;
  phase: DialPhase;
  sinceAt: Millis;
  attempts: number;
  failures: number;
  /** Why the last dial failed; `null` = none has failed since the last session ended. */
  lastReason: Reason | null;
  predecessor: SessionId | null;
  hintedAt: Millis | null;
}

export interface ClientState {
  config: ClientConfig | null;
  links: readonly Link[];
  paths: ClientPath[];
  nextPathId: PathId;
  /** Index of the gateway to dial. */
  gateway: number;
  /** The session that carries the tunnel, also in BIRTH. */
  current: SessionHandle | null;
  tunnel: Assignment | null;
  dial: Dial;
}

interface GatewayState {
  config: GatewayConfig | null;
  /** The configured clients by key. */
  readonly clients: Map<string, GatewayConfig["clients"][number]>;
  /** Client key → its session. */
  readonly byKey: Map<string, SessionHandle>;
  /** Challenged session → the new session of the same key that waits for the result. */
  readonly waiting: Map<SessionHandle, SessionHandle>;
  /** Pending request to the store → its session; at most one per session in BIRTH. */
  readonly requests: Map<StoreToken, SessionHandle>;
  nextToken: StoreToken;
}

/** Everything the core knows. Only `step` changes it. */
export interface World {
  readonly role: Role;
  readonly domains: Domains;
  now: Millis;
  stopping: boolean;
  policy: Validity;
  authority: Authority;
  /** Drops that belong to no session. */
  security: Security;
  health: Health;
  readonly sessions: BoundedMap<SessionHandle, Entry>;
  ended: readonly SessionView[];
  readonly deadlines: DeadlineHeap;
  wakeAt: Millis | null;
  readonly client: ClientState;
  readonly gateway: GatewayState;
}

/** The world of a node before its first input. Tests of isolation pass their own `domains`. */
export function createCore(role: Role, domains: Domains = REAL_DOMAINS): World {
  return {
    role,
    domains,
    now: 0,
    stopping: false,
    policy: NO_POLICY,
    authority: solo(0),
    security: NO_FAILURES,
    health: { transport: "ok", session: "ok", security: "ok", policy: "ok", observability: "ok", cluster: "ok" },
    sessions: new BoundedMap(SESSIONS_MAX),
    ended: [],
    deadlines: new DeadlineHeap(),
    wakeAt: null,
    client: { config: null, links: [], paths: [], nextPathId: 1, gateway: 0, current: null, tunnel: null, dial: freshDial() },
    gateway: { config: null, clients: new Map(), byKey: new Map(), waiting: new Map(), requests: new Map(), nextToken: 1 },
  };
}

export function freshEntry(
  session: Session,
  policy: Policy,
  peer: Entry["peer"],
  predecessor: SessionId | null,
  sending: SendingMode,
): Entry {
  return {
    session,
    transport: NO_PATHS,
    budget: UNUSED,
    security: NO_FAILURES,
    policy,
    peer,
    predecessor,
    sending,
    assignment: null,
    jumps: { count: 0, last: null },
    probingMs: 0,
    searchSince: null,
    electiveAt: 0,
    shunned: [],
    departed: [],
    client: null,
    admission: null,
    keys: { agreedAt: session.bornAt, expired: false },
    ask: null,
    wish: null,
  };
}

/**
 * Name and version of a policy, as shown in events and views: `standard@3`; at a client `standard@3+7`, its own and the
 * version of the gateway's policy.
 */
export function policyLabel({ name, version, gatewaysVersion }: Policy): string {
  return `${name}@${version}${gatewaysVersion === undefined ? "" : `+${gatewaysVersion}`}`;
}

/** How a new session sends, for the record. Empty unless the policy wants redundant sending. */
export function sendingNumbers({ sending, policy }: Entry): { readonly sending?: SendingMode } {
  return policy.switch.mode === "failover" ? {} : { sending };
}

/** Readable label of a path of a session, also of a removed one. `null` = no path. */
export function labelOf(entry: Entry, path: PathId | null): string | null {
  if (path === null) return null;
  const known = entry.transport.paths.find(({ id }) => id === path) ?? entry.departed.find((gone) => gone.path === path);
  return known?.label ?? `path ${path}`;
}

export function isLive(entry: Entry): boolean {
  return entry.session.state !== "TERMINATED";
}

function freshDial(): Dial {
  return {
    id: 0,
    phase: { is: "waiting", purpose: "session", until: 0 },
    sinceAt: 0,
    attempts: 0,
    failures: 0,
    lastReason: null,
    predecessor: null,
    hintedAt: null,
  };
}

/** Paths on which packets can be sent now. */
export function usablePaths(client: ClientState): readonly ClientPath[] {
  return client.paths.filter((path) => path.socket === "open" && path.lost === null);
}
