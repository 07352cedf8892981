import { describe, expect, test } from "vitest";
import { STATES } from "#kernel/contract/state";
import { gatewayPath } from "../transcripts/scene.ts";
import { ATTACHED_CLIENT, feed, script } from "../transcripts/script.ts";
import type { Input } from "./contract.ts";
import { step } from "./step.ts";
import { sessionPage, view } from "./view/view.ts";
import { createCore, type World } from "./world.ts";

const CROWD = 20_000;
const NAMES = Array.from({ length: CROWD }, (_, index) => `c${index}`);

describe("many sessions", () => {
  test("the cost of an input depends on its own session only, and one wake serves all sessions", () => {
    const world = crowd();
    expect(world.sessions.size).toBe(CROWD);
    const { heapOps } = counted(world, () => {
      step(world, { type: "Engine", report: { type: "PathAlive", session: 77, path: 1, rttUs: 20_000 } }, 30_000);
    });
    expect(heapOps).toBeLessThanOrEqual(2);
    expect(world.wakeAt).toBe(1 + 43_200_000 + 1);
  });

  test("many due sessions are handled in bounded portions, each of which schedules the next", () => {
    const world = crowd();
    let ended = 0;
    let ticks = 0;
    for (; world.sessions.size > 0 && ticks < 100; ticks++) {
      const effects = step(world, { type: "Tick" }, 43_300_000);
      const now = effects.filter((effect) => effect.type === "Engine" && effect.command.type === "CloseSession").length;
      expect(now).toBeLessThanOrEqual(4_096);
      ended += now;
    }
    expect([ended, ticks]).toEqual([CROWD, Math.ceil(CROWD / 4_096)]);
    expect(world.wakeAt).toBeNull();
  });

  test("a handshake beyond the capacity of the session table is refused with resource_exhausted", () => {
    const world = createCore("gateway");
    feed(world, script("0 gateway van-12\n0 policy standard"));
    Object.defineProperty(world.sessions, "full", { value: true });
    const effects = step(world, confirmed(1, "van-12"), 10);
    expect(effects).toContainEqual({
      type: "Engine",
      command: { type: "RefuseSession", session: 1, reason: "resource_exhausted" },
    });
    expect(world.sessions.capacity).toBe(131_072);
  });

  test("the view of the node shows some sessions, the worst first, and pages show all of them", () => {
    const world = crowd();
    step(world, { type: "Engine", report: { type: "PathClosed", session: 15_000, path: 1, reason: "link_down" } }, 30_000);
    step(world, { type: "Operator", id: 1, actor: "noc", request: { verb: "terminate", session: 7, detail: "" } }, 30_001);
    const { states, sessions } = view(world, 30_002);
    expect(states).toEqual({ BIRTH: 0, ATTACHED: CROWD - 2, VOLATILE: 0, DEGRADED: 1, RECOVERING: 0, TERMINATED: 1 });
    expect([sessions.length, sessions[0]?.handle, sessions[1]?.handle]).toEqual([256, 15_000, 1]);
    const pages = Array.from({ length: 21 }, (_, page) =>
      sessionPage(world, { offset: 1_000 * page, limit: 1_000, states: STATES }, 30_002),
    );
    const handles = pages.flatMap((page) => page.sessions.map(({ handle }) => handle));
    expect(handles.length).toBe(CROWD);
    expect(new Set(handles).size).toBe(CROWD);
    expect([handles[0], handles.at(-1)]).toEqual([15_000, 7]);
    expect(pages.every(({ total }) => total === CROWD)).toBe(true);
    expect(sessionPage(world, { offset: 0, limit: 5, states: ["DEGRADED", "TERMINATED"] }, 30_002)).toMatchObject({
      total: 2,
      sessions: [{ handle: 15_000 }, { handle: 7 }],
    });
  });

  test("a stop of the daemon ends every session, and nothing is dialled again", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    const effects = step(world, { type: "Stop" }, 1_000);
    expect(effects).toContainEqual({ type: "Engine", command: { type: "CloseSession", session: 1, reason: "daemon_stopped" } });
    expect(effects).toContainEqual({ type: "Tunnel", assignment: null });
    expect(world.wakeAt).toBeNull();
    expect(view(world, 1_000).sessions[0]).toMatchObject({ state: "TERMINATED", reason: "daemon_stopped" });
    expect(
      feed(world, script("2000 links eth0\n3000 tick")).filter(
        (effect) => effect.type === "Engine" && effect.command.type === "Dial",
      ),
    ).toEqual([]);
  });
});

function crowd(): World {
  const world = createCore("gateway");
  feed(world, script(`0 gateway ${NAMES.join(" ")}\n0 policy standard`));
  for (const [index, name] of NAMES.entries()) {
    step(world, confirmed(index + 1, name), 1 + index / CROWD);
    feed(world, script(`${1 + index / CROWD} leased ${index + 1}`));
  }
  return world;
}

function confirmed(session: number, name: string): Input {
  const remote = "198.51.100.7:50211";
  return {
    type: "Engine",
    report: {
      type: "HandshakeConfirmed",
      session,
      sessionId: `s-${session}`,
      clientKey: `jvpk1:${name}`,
      path: 1,
      description: gatewayPath(remote),
      redundant: false,
    },
  };
}

/** Counts changes of deadlines: a scan would make one per session. */
function counted(world: World, work: () => void): { readonly heapOps: number } {
  const { deadlines } = world;
  const set = deadlines.set.bind(deadlines);
  let heapOps = 0;
  deadlines.set = (key, at) => {
    heapOps++;
    set(key, at);
  };
  work();
  deadlines.set = set;
  return { heapOps };
}
