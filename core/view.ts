import { activeOf } from "#domains/session/model";
import type { NodeView, SessionView } from "#kernel/contract/view";
import type { Millis } from "#kernel/time";
import { type Entry, policyLabel, type World } from "./world.ts";

/** The whole node as a person sees it: live sessions in order of birth, then those that ended, newest last. */
export function view(world: World, now: Millis): NodeView {
  const { policy, client } = world;
  const base = policy.current?.base;
  const live = [...world.sessions.values()].map((entry) => sessionView(world, entry, now));
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
    sessions: client.current === null || world.role === "gateway" ? [...live, ...world.ended] : live,
  };
}

export function sessionView(world: World, entry: Entry, now: Millis): SessionView {
  const { session, policy, assignment, budget } = entry;
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
    policy: policyLabel(policy),
    sending: { mode: entry.sending, wanted: policy.switch.mode },
    peer: entry.peer,
    inner: assignment === null ? null : { v4: assignment.v4, v6: assignment.v6, mtu: assignment.mtu },
    active: activeOf(session),
    paths: attempt(() => world.domains.transport.views(entry.transport, now), []),
    jumps: entry.jumps,
    budget: {
      switchesUsed: used?.switchesUsed ?? 0,
      switchesMax: policy.switch.maxPerMin,
      nextSwitchInMs: used?.nextSwitchInMs ?? 0,
    },
    transportlessMs:
      "transportlessSince" in session && session.transportlessSince !== null ? now - session.transportlessSince : null,
    predecessor: entry.predecessor,
  };
}

function reasonOf({ session }: Entry): SessionView["reason"] {
  if (session.state === "TERMINATED") return session.reason;
  return "cause" in session ? session.cause : null;
}

function dialView({ role, client }: World): NodeView["dial"] {
  const { dial } = client;
  if (role === "gateway" || dial.halted || (client.current !== null && !dial.background)) return null;
  return { sinceBootMs: dial.sinceAt, attempts: dial.attempts, lastReason: dial.lastReason };
}

/** A view must not fail because a domain does. */
function attempt<T, F>(work: () => T, fallback: F): T | F {
  try {
    return work();
  } catch {
    return fallback;
  }
}
