import { describe, expect, test } from "vitest";
import type { Report } from "#kernel/contract/engine.generated";
import { ATTACHED_CLIENT, feed, script } from "../../transcripts/script.ts";
import type { Effect, Input } from "../contract.ts";
import { step } from "../step.ts";
import { createCore } from "../world.ts";

const FAULT = { type: "Faulted", what: "AnswerAttach", why: "expected u64", thrown: false } as const;

describe("an input or command that could not be carried out", () => {
  test("ends its session with state_corruption and is recorded with it", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    const effects = step(world, { ...FAULT, session: 1 }, 5_000);
    expect(events(effects, "Diagnostic")[0]).toMatchObject({
      session: "s-1",
      reason: "state_corruption",
      numbers: { what: "AnswerAttach", why: "expected u64" },
    });
    expect(events(effects, "SessionTerminated")[0]).toMatchObject({ session: "s-1", reason: "state_corruption" });
    expect(world.sessions.size).toBe(0);
  });

  test("without a session is recorded and ends none", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    expect(types(step(world, { ...FAULT, session: null }, 5_000))).toContain("Diagnostic");
    expect(world.sessions.get(1)?.session.state).toBe("ATTACHED");
  });

  test("of a session that only the engine has closes it there", () => {
    const world = createCore("gateway");
    expect(step(world, { ...FAULT, session: 9 }, 5_000)).toContainEqual({
      type: "Engine",
      command: { type: "CloseSession", session: 9, reason: "state_corruption" },
    });
  });

  test("always emits a Wake after a throw, so that no deadline waits for a lost tick", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    world.deadlines.set(1, null);
    const effects = step(world, { ...FAULT, session: null, thrown: true }, 5_000);
    expect(effects.at(-1)).toEqual({ type: "Wake", at: world.deadlines.earliest });
    expect(world.deadlines.earliest).not.toBeNull();
  });

  test("ends only the session whose deadline threw; the others that are due are handled", () => {
    const world = createCore("gateway");
    feed(world, script("0 gateway van-1 van-2\n0 policy standard"));
    feed(world, script("10 confirmed 1 van-1\n10 confirmed 2 van-2"));
    feed(world, script("10 leased 1\n10 leased 2"));
    const poisoned = world.sessions.get(1);
    const { policy } = poisoned ?? {};
    let asked = 0;
    Object.defineProperty(poisoned ?? {}, "policy", {
      get: () => {
        if (asked++ === 0) throw new Error("poisoned");
        return policy;
      },
    });
    const effects = step(world, { type: "Tick" }, 43_300_000);
    expect(events(effects, "SessionTerminated").map(({ session, reason }) => [session, reason])).toEqual([
      ["s-1", "state_corruption"],
      ["s-2", "session_lifetime_exceeded"],
    ]);
  });
});

describe("a command that the engine refused", () => {
  test("ends its session with state_corruption and no other", () => {
    const world = createCore("gateway");
    feed(world, script("0 gateway van-1 van-2\n0 policy standard"));
    feed(world, script("10 confirmed 1 van-1\n10 confirmed 2 van-2"));
    const effects = step(world, refusal({ command: "AnswerAttach", session: 1 }), 5_000);
    expect(events(effects, "Diagnostic")[0]).toMatchObject({ session: "s-1", numbers: { what: "AnswerAttach", why: "…" } });
    expect(events(effects, "SessionTerminated")).toMatchObject([{ session: "s-1", reason: "state_corruption" }]);
    expect([...world.sessions.keys()]).toEqual([2]);
    expect(closes(effects)).toEqual([1]);
  });

  test("of a session that only the engine has closes it there, and a refused close is not repeated", () => {
    const world = createCore("gateway");
    expect(closes(step(world, refusal({ command: "AcceptSession", session: 9 }), 5_000))).toEqual([9]);
    expect(closes(step(world, refusal({ command: "CloseSession", session: 9 }), 5_000))).toEqual([]);
  });

  test("without a session is recorded, ends none, and leaves no path in opening: the path is opened again", () => {
    const world = createCore("client");
    feed(world, script("0 policy standard\n0 client\n10 links eth0"));
    const effects = step(world, refusal({ command: "OpenPath", path: 1 }), 20);
    expect(events(effects, "Diagnostic")).toMatchObject([{ reason: "state_corruption", numbers: { what: "OpenPath" } }]);
    expect(world.client.paths).toMatchObject([{ id: 1, socket: "failed", retryAt: 520 }]);
    const later = step(world, { type: "Tick" }, 520);
    expect(later).toContainEqual(expect.objectContaining({ command: expect.objectContaining({ type: "OpenPath", path: 2 }) }));
  });

  test("leaves no dial running: the next one begins after its back-off", () => {
    const world = createCore("client");
    feed(world, script("0 policy standard\n0 client\n10 links eth0\n11 opened 1"));
    const effects = step(world, refusal({ command: "Dial", dial: 1 }), 20);
    expect(events(effects, "DialFailed")).toMatchObject([{ reason: "state_corruption" }]);
    expect(world.client.dial.phase).toEqual({ is: "waiting", purpose: "session", until: 270 });
    expect(types(step(world, { type: "Tick" }, 270))).toContain("Dial");
    step(world, refusal({ command: "Dial", dial: 1 }), 2_000);
    expect(world.client.dial.phase.is).toBe("running");
  });
});

describe("a fault of the engine in one session", () => {
  const fault = (session: number): Input => ({
    type: "Engine",
    report: { type: "SessionFaulted", session, why: "internal error in the engine: index out of bounds" },
  });

  test("ends that session with state_corruption and no other", () => {
    const world = createCore("gateway");
    feed(world, script("0 gateway van-1 van-2\n0 policy standard"));
    feed(world, script("10 confirmed 1 van-1\n10 confirmed 2 van-2"));
    const effects = step(world, fault(1), 5_000);
    expect(events(effects, "Diagnostic")[0]).toMatchObject({
      session: "s-1",
      reason: "state_corruption",
      numbers: { what: "the engine", why: "internal error in the engine: index out of bounds" },
    });
    expect(events(effects, "SessionTerminated")).toMatchObject([{ session: "s-1", reason: "state_corruption" }]);
    expect([...world.sessions.keys()]).toEqual([2]);
  });

  test("that the core does not know is recorded, and nothing is closed", () => {
    const effects = step(createCore("gateway"), fault(9), 5_000);
    expect(types(effects)).toEqual(["Diagnostic"]);
  });

  test("makes a client dial again", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    const effects = step(world, fault(1), 5_000);
    expect(events(effects, "SessionTerminated")).toMatchObject([{ session: "s-1", reason: "state_corruption" }]);
    expect(world.client.dial.phase).toMatchObject({ is: "waiting", purpose: "session" });
  });
});

function refusal(of: Partial<Extract<Report, { type: "Refused" }>>): Input {
  const report = { type: "Refused", command: "", session: null, path: null, dial: null, why: "…", ...of } as const;
  return { type: "Engine", report };
}

const closes = (effects: readonly Effect[]): number[] =>
  effects.flatMap((effect) =>
    effect.type === "Engine" && effect.command.type === "CloseSession" ? [effect.command.session] : [],
  );

const types = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) =>
    effect.type === "Event" ? [effect.event.type] : effect.type === "Engine" ? [effect.command.type] : [],
  );
const events = (effects: readonly Effect[], type: string) =>
  effects.flatMap((effect) => (effect.type === "Event" && effect.event.type === type ? [effect.event] : []));
