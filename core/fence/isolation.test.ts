import { describe, expect, test } from "vitest";
import { DOMAIN_NAMES, type DomainName } from "#kernel/contract/health";
import { ATTACHED_CLIENT, feed, script } from "../../transcripts/script.ts";
import type { Effect } from "../contract.ts";
import { step } from "../step.ts";
import { view } from "../view/view.ts";
import { createCore } from "../world.ts";
import { type Domains, REAL_DOMAINS } from "./domains.ts";

/** Events of an attached client: loss of the active path, an answer, a requested switch, statistics, forged frames. */
const LIFE = script(`
  5000 suspected 1
  5050 silent 1
  5080 attached 2 2
  6000 stats 2
  7000 alive 1 20
  8000 invalid stale_bind_seq no
  9000 switch 1 1
  9020 attached 1 3
  20000 tick
`);

describe("failure isolation", () => {
  test.each(DOMAIN_NAMES)("a throwing %s domain causes one fault per turn, and the session keeps its identity", (domain) => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    const broken = Object.assign(world, { domains: failing(domain) });
    const effects = LIFE.flatMap(([at, input]) => {
      const caused = step(broken, input, at);
      expect(faults(caused, domain).length, `faults at ${at}`).toBeLessThanOrEqual(1);
      expect(faults(caused).length, "no other domain fails with it").toBe(faults(caused, domain).length);
      return caused;
    });
    const [session] = view(broken, 20_000).sessions;
    expect(session?.id).toBe("s-1");
    expect(session?.state).not.toBe("TERMINATED");
    expect(broken.health[domain]).toBe("failed");
    expect(DOMAIN_NAMES.filter((other) => other !== domain && broken.health[other] !== "ok")).toEqual([]);
    expect(effects.filter((effect) => effect.type === "Reply").length).toBe(1);
  });

  test("I20: with a failed observability domain the engine gets the same commands as with a working one", () => {
    const commands = (domains: Domains): readonly Effect[] => {
      const world = createCore("client", domains);
      const early = feed(world, ATTACHED_CLIENT);
      const late = feed(world, LIFE);
      return [...early, ...late].filter((effect) => effect.type !== "Event");
    };
    expect(commands(failing("observability"))).toEqual(commands(REAL_DOMAINS));
  });

  test("a throwing transport domain leaves the session ATTACHED on its path", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    Object.assign(world, { domains: failing("transport") });
    feed(world, LIFE.slice(0, 3));
    expect(world.sessions.get(1)?.session).toMatchObject({ state: "ATTACHED", version: 1, active: 1 });
  });

  test("a throwing policy domain denies moves: no limit is bypassed, and the last policy stays", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    const { policy } = world;
    Object.assign(world, { domains: failing("policy") });
    const effects = step(world, { type: "Operator", id: 1, actor: "ada", request: { verb: "switch", session: 1, to: 2 } }, 5_000);
    expect(effects.find((effect) => effect.type === "Reply")).toMatchObject({
      outcome: { ok: false, error: { code: "policy_denied" } },
    });
    expect(world.policy).toBe(policy);
    expect(world.sessions.get(1)?.session.state).toBe("ATTACHED");
  });

  test("a throwing cluster domain has no authority: sessions never attach, and a clock ends them explicitly (I12)", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    Object.assign(world, { domains: failing("cluster") });
    step(world, { type: "Engine", report: { type: "PathAlive", session: 1, path: 2, rttUs: 1 } }, 5_000);
    step(world, { type: "Tick" }, 5_001);
    step(world, { type: "Operator", id: 1, actor: "ada", request: { verb: "switch", session: 1, to: 2 } }, 5_002);
    expect(world.sessions.get(1)?.session).toMatchObject({ state: "DEGRADED", cause: "authority_lost", active: 1 });
    step(world, { type: "Tick" }, 5_003 + 600_001);
    expect(view(world, 700_000).sessions[0]).toMatchObject({ state: "TERMINATED", reason: "degraded_ttl_exceeded" });
  });

  test("a cluster domain that fails at the deadline of authority is asked again a second later", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    step(world, { type: "Authority", event: { type: "Joined", epoch: 2 } }, 5_000);
    step(world, { type: "Authority", event: { type: "HeartbeatCommitted", epoch: 2, sentAt: 5_000, claims: [] } }, 5_010);
    expect(world.authority.state).toBe("held");
    Object.assign(world, { domains: failing("cluster") });
    step(world, { type: "Tick" }, 11_000);
    Object.assign(world, { domains: REAL_DOMAINS });
    step(world, { type: "Tick" }, 12_000);
    expect(world.authority.state).toBe("lost");
  });

  test("a throwing session domain rejects the event; only a session with a corrupt state ends, with that reason", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    Object.assign(world, { domains: failing("session") });
    step(world, { type: "Tick" }, 43_300_000);
    expect(world.sessions.get(1)?.session).toMatchObject({ state: "ATTACHED", version: 1 });
    const entry = world.sessions.get(1);
    if (entry !== undefined) Object.assign(entry, { session: { ...entry.session, active: null } });
    const effects = step(world, { type: "Engine", report: { type: "PeerClosed", session: 1, reason: "bye" } }, 43_300_001);
    expect(effects).toContainEqual({ type: "Engine", command: { type: "CloseSession", session: 1, reason: "state_corruption" } });
    expect(view(world, 43_300_001).sessions[0]).toMatchObject({ state: "TERMINATED", reason: "state_corruption" });
  });

  test("the health of a domain that works again is ok", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    const real = world.domains;
    Object.assign(world, { domains: failing("transport") });
    step(world, { type: "Engine", report: { type: "PathAlive", session: 1, path: 2, rttUs: 1 } }, 5_000);
    Object.assign(world, { domains: real });
    const effects = step(world, { type: "Engine", report: { type: "PathAlive", session: 1, path: 2, rttUs: 1 } }, 5_001);
    expect(world.health.transport).toBe("ok");
    const changes = effects.flatMap((effect) =>
      effect.type === "Event" && effect.event.type === "HealthChange" ? [effect.event.numbers] : [],
    );
    expect(changes).toEqual([{ domain: "transport", from: "failed", to: "ok" }]);
  });

  test("a clock that runs backwards ends every session explicitly", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    step(world, { type: "Tick" }, 50);
    expect(view(world, 60).sessions[0]).toMatchObject({ state: "TERMINATED", reason: "state_corruption" });
  });
});

/** The real domains, except that every function of one throws. */
function failing(domain: DomainName): Domains {
  const fail = (): never => {
    throw new TypeError(`planted in ${domain}`);
  };
  const functions = Object.fromEntries(Object.keys(REAL_DOMAINS[domain]).map((name) => [name, fail]));
  return { ...REAL_DOMAINS, [domain]: functions } as Domains;
}

function faults(effects: readonly Effect[], domain?: DomainName): readonly Effect[] {
  return effects.filter(
    (effect) =>
      effect.type === "Event" &&
      effect.event.type === "DomainFault" &&
      (domain === undefined || effect.event.numbers?.domain === domain),
  );
}
