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

/** Sessions of one node; a handshake beyond that is refused with `resource_exhausted`. */
const SESSIONS_MAX = 131_072;
/** Ended sessions that `view` still shows, newest last. */
export const ENDED_MAX = 16;

/** Removed paths of one session whose labels are kept; the oldest goes. */
export const DEPARTED_MAX = 16;

/** A path that did not answer an attempt though it looked well. */
interface Shunned {
  readonly path: PathId;
  readonly failures: number;
  readonly until: Millis;
}

/** One session with what each domain holds for it. The values are immutable; the entry is their place. */
export interface Entry {
  session: Session;
  transport: Transport;
  budget: Budget;
  security: Security;
  policy: Policy;
  readonly peer: { readonly name: string; readonly key: string };
  readonly predecessor: SessionId | null;
  /** Settled in the handshake: a later policy does not change it. */
  readonly sending: SendingMode;
  assignment: Assignment | null;
  jumps: { readonly count: number; readonly last: JumpView | null };
  /** Probing that the engine was last told, ms; 0 = driven by traffic. */
  probingMs: Millis;
  /** Since when the search for a path runs; a link that comes back starts it anew. */
  searchSince: Millis | null;
  /** No elective switch is tried before this time. */
  electiveAt: Millis;
  /** Paths that failed as a target: chosen last until then, ever longer. */
  shunned: readonly Shunned[];
  /** Client: what binds this session to a gateway process, and candidates that were asked for. */
  client: {
    readonly offer: Offer;
    readonly incarnation: number;
    readonly asked: Record<PathId, { readonly failures: number; readonly retryAt: Millis | null }>;
  } | null;
  /** Gateway, in BIRTH. */
  admission: Admission | null;
  /**
   * Labels of paths that were removed, oldest first, at most `DEPARTED_MAX`: what is said of them later must not lose
   * their names.
   */
  departed: readonly { readonly path: PathId; readonly label: string }[];
  /** Gateway: when the client is asked to come back, and how often it was. */
  ask: { readonly count: number; readonly at: Millis } | null;
}

/** What a gateway's session holds until it is decided on. */
export interface Admission {
  /** What the client proved itself with; the proof is minted from it when the session is taken. */
  readonly evidence: Extract<Report, { type: "HandshakeConfirmed" }>;
  /** The request to the store that has no answer yet. */
  readonly request: StoreToken | null;
}

/** A local way to the gateway, apart from any session. */
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
  /** Why the machine cannot use it; `null` = it can. */
  lost: "link_down" | "address_gone" | "route_gone" | null;
}

/** What a dial is for: a new session, or to ask the gateway whether it still has the one that lives. */
export type DialPurpose = "session" | "inquiry";

export type DialPhase =
  /** An operator ended the session, or reconnecting is off: nothing is dialled until the configuration says otherwise. */
  | { readonly is: "halted" }
  | { readonly is: "waiting"; readonly purpose: DialPurpose; readonly until: Millis }
  | {
      readonly is: "running";
      readonly purpose: DialPurpose;
      readonly since: Millis;
      /** Paths that take part. */
      readonly paths: readonly PathId[];
    };

/** The client's way to a session. Ids rise and are never reused. */
export interface Dial {
  id: number;
  phase: DialPhase;
  sinceAt: Millis;
  attempts: number;
  failures: number;
  lastReason: Reason | null;
  predecessor: SessionId | null;
  hintedAt: Millis | null;
}

export interface ClientState {
  config: ClientConfig | null;
  links: readonly Link[];
  paths: ClientPath[];
  nextPathId: PathId;
  /** Index of the gateway that is dialled. */
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
  /** Client key → the session that it has. */
  readonly byKey: Map<string, SessionHandle>;
  /** Challenged session → the new one of the same key that waits for the outcome. */
  readonly waiting: Map<SessionHandle, SessionHandle>;
  /** Requests to the store without an answer → the session that needs it; at most one for each session in BIRTH. */
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

/** A node before anything happened to it. `domains` is for tests of isolation. */
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
    ask: null,
  };
}

/** Name and version of a policy, as events and views show it. */
export function policyLabel(policy: Policy): string {
  return `${policy.name}@${policy.version}`;
}

/** What the record says about how a new session sends: nothing where nobody wished for two paths. */
export function sendingNumbers({ sending, policy }: Entry): { readonly sending?: SendingMode } {
  return policy.switch.mode === "failover" ? {} : { sending };
}

/** Label of a path in a session, for people; also of one that was removed. `null` = no path. */
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

/** Paths on which packets can leave now. */
export function usablePaths(client: ClientState): readonly ClientPath[] {
  return client.paths.filter((path) => path.socket === "open" && path.lost === null);
}
