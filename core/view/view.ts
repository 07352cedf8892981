import { activeOf } from "#domains/session/model";
import { type SessionHandle, STATES, type StateName } from "#kernel/contract/state";
import type { NodeView, PageQuery, PathView, SessionName, SessionPage, SessionView, Share } from "#kernel/contract/view";
import type { Millis } from "#kernel/time";
import { type Entry, policyLabel, type World } from "../world.ts";
import { attempt } from "./attempt.ts";

/** Maximum number of sessions in the view of a node, so that a view does not delay decisions. */
const SHOWN_MAX = 256;
const WORST_FIRST: readonly StateName[] = ["DEGRADED", "RECOVERING", "VOLATILE", "BIRTH", "ATTACHED"];

/** The whole node in readable form. */
export function view(world: World, now: Millis): NodeView {
  const { policy } = world;
  const base = policy.current?.base;
  const live = liveByState(world);
  const count = (state: StateName) => (state === "TERMINATED" ? ended(world) : live[state]).length;
  return {
    role: world.role,
    bootMs: now,
    dial: dialView(world),
    policy: {
      name: base?.name ?? "none",
      version: base?.version ?? 0,
      valid: policy.valid,
      errors: policy.errors.map((error) => error.message),
    },
    health: world.health,
    states: Object.fromEntries(STATES.map((state) => [state, count(state)])) as NodeView["states"],
    sessions: pageOf(world, live, { offset: 0, limit: SHOWN_MAX, states: STATES }, now).sessions,
  };
}

/** One page of sessions. It reads the state of every session and builds a view only for those on the page. */
export function sessionPage(world: World, query: PageQuery, now: Millis): SessionPage {
  return pageOf(world, liveByState(world), query, now, (session) => session.role === "client" || session.inner !== null);
}

/** `listed`: of ended sessions. A gateway's that was never admitted is a refused handshake, which the status counts. */
function pageOf(
  world: World,
  groups: ByState,
  { offset, limit, states }: PageQuery,
  now: Millis,
  listed: (session: SessionView) => boolean = () => true,
): SessionPage {
  const wanted = WORST_FIRST.filter((state) => states.includes(state)).map((state) => groups[state]);
  const live = ([] as Entry[]).concat(...wanted);
  const gone = states.includes("TERMINATED") ? ended(world).filter(listed) : [];
  const [from, to] = [offset, offset + limit];
  const views = live.slice(from, to).map((entry) => sessionView(world, entry, now));
  const behind = (at: number) => Math.max(0, at - live.length);
  return { total: live.length + gone.length, sessions: [...views, ...gone.slice(behind(from), behind(to))] };
}

/** Sessions whose id starts with `beginning`, live ones first. The comparison is case-sensitive. */
export function sessionsNamed(world: World, beginning: string): readonly SessionName[] {
  const named: SessionName[] = [];
  const look = ({ handle, id, state }: Omit<SessionName, "peer">, peer: string) => {
    if (id.startsWith(beginning)) named.push({ handle, id, state, peer });
  };
  for (const { session, peer } of world.sessions.values()) look(session, peer.name);
  for (const session of ended(world)) look(session, session.peer.name);
  return named;
}

/** A live or ended session by its handle; `null` if there is none. */
export function sessionAt(world: World, handle: SessionHandle, now: Millis): SessionView | null {
  const entry = world.sessions.get(handle);
  return entry === undefined ? (world.ended.find((one) => one.handle === handle) ?? null) : sessionView(world, entry, now);
}

/** Ended sessions. A client that has a session shows none. */
function ended(world: World): readonly SessionView[] {
  return world.role === "client" && world.client.current !== null ? [] : world.ended;
}

type ByState = Readonly<Record<StateName, readonly Entry[]>>;

function liveByState(world: World): ByState {
  const groups: Record<StateName, Entry[]> = {
    BIRTH: [],
    ATTACHED: [],
    VOLATILE: [],
    DEGRADED: [],
    RECOVERING: [],
    TERMINATED: [],
  };
  for (const entry of world.sessions.values()) groups[entry.session.state].push(entry);
  return groups;
}

export function sessionView(world: World, entry: Entry, now: Millis): SessionView {
  const { session, policy, assignment, budget } = entry;
  const paths = attempt(() => world.domains.transport.views(entry.transport, activeOf(session), now), []);
  const used = attempt(() => world.domains.policy.usage(budget, policy, now), null);
  return {
    handle: session.handle,
    id: session.id,
    role: session.role,
    state: session.state,
    version: session.version,
    bornAtBootMs: session.bornAt,
    ageMs: (session.state === "TERMINATED" ? session.endedAt : now) - session.bornAt,
    lifetimeMs: policy.session.maxLifetimeMs,
    reason: reasonOf(entry),
    endedBy: session.state === "TERMINATED" ? session.by : null,
    policy: policyLabel(policy),
    sending: { mode: entry.sending, wanted: policy.switch.mode },
    peer: entry.peer,
    inner: assignment === null ? null : { v4: assignment.v4, v6: assignment.v6, dns: assignment.dns, mtu: assignment.mtu },
    active: activeOf(session),
    paths,
    jumps: entry.jumps,
    budget: {
      switches: used?.switches ?? NO_USE,
      nextSwitchInMs: used?.nextSwitchInMs ?? 0,
    },
    transportlessMs:
      "transportlessSince" in session && session.transportlessSince !== null ? now - session.transportlessSince : null,
    ...heard(paths),
    keysAgeMs: (session.state === "TERMINATED" ? session.endedAt : now) - entry.keys.agreedAt,
    keysExpired: entry.keys.expired,
    predecessor: entry.predecessor,
  };
}

/** Shown if the policy domain fails. */
export const NO_USE: Share = { used: 0, max: 0, electiveUsed: 0, electiveMax: 0 };

function heard(paths: readonly PathView[]): Pick<SessionView, "heardMsAgo" | "rxBytes" | "txBytes"> {
  const known = paths.flatMap(({ heardMsAgo }) => (heardMsAgo === null ? [] : [heardMsAgo]));
  return {
    heardMsAgo: known.length === 0 ? null : Math.min(...known),
    rxBytes: paths.reduce((sum, { rxBytes }) => sum + rxBytes, 0),
    txBytes: paths.reduce((sum, { txBytes }) => sum + txBytes, 0),
  };
}

function reasonOf({ session }: Entry): SessionView["reason"] {
  if (session.state === "TERMINATED") return session.reason;
  return "cause" in session ? session.cause : null;
}

function dialView({ role, client }: World): NodeView["dial"] {
  const { dial } = client;
  const { phase } = dial;
  if (role === "gateway" || phase.is === "halted") return null;
  if (client.current !== null && phase.purpose === "session") return null;
  return { sinceBootMs: dial.sinceAt, attempts: dial.attempts, lastReason: dial.lastReason };
}
