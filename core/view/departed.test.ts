import { describe, expect, test } from "vitest";
import { gatewayPath } from "../../transcripts/scene.ts";
import { ATTACHED_CLIENT, feed, script } from "../../transcripts/script.ts";
import type { Effect, Input } from "../contract.ts";
import { step } from "../step.ts";
import { createCore, DEPARTED_MAX, labelOf } from "../world.ts";
import { sessionAt } from "./view.ts";

describe("the label of a path that was removed", () => {
  test("is kept in the client's session: a jump away from a removed interface names it", () => {
    const world = createCore("client");
    feed(world, ATTACHED_CLIENT);
    feed(world, script("9000 links wlan0"));
    expect(sessionAt(world, 1, 9_000)?.paths.map(({ label }) => label)).toEqual(["wlan0/udp4"]);
    const effects = feed(world, script("9050 attached 2 2"));
    expect(transports(effects, "TransportSwitch")).toEqual([{ old: "eth0/udp4", new: "wlan0/udp4" }]);
    expect(sessionAt(world, 1, 9_051)?.jumps.last).toMatchObject({ from: "eth0/udp4", to: "wlan0/udp4" });
  });

  test("is kept in the gateway's session when the client closed the path and attached another", () => {
    const world = createCore("gateway");
    feed(world, script("0 gateway van-12\n0 policy standard\n100 confirmed 1 van-12\n100 leased 1\n200 path-closed 1 link_down"));
    const effects = feed(world, script("300 requested 2 2"));
    expect(transports(effects, "TransportSwitch")).toEqual([{ old: "udp4 198.51.100.1:50211", new: "udp4 198.51.100.2:50211" }]);
    expect(sessionAt(world, 1, 301)?.jumps.last?.from).toBe("udp4 198.51.100.1:50211");
  });

  test(`is kept for the newest ${DEPARTED_MAX}, even if a client of the gateway keeps closing paths`, () => {
    const world = createCore("gateway");
    feed(world, script("0 gateway van-12\n0 policy standard\n100 confirmed 1 van-12\n100 leased 1"));
    for (let path = 2; path < 40; path++) {
      step(
        world,
        engine({ type: "PathValidated", session: 1, path, description: gatewayPath(`[2001:db8::1]:${path}`), rttUs: 9 }),
        200,
      );
      step(world, engine({ type: "PathClosed", session: 1, path, reason: "link_down" }), 200);
    }
    const entry = world.sessions.get(1);
    if (entry === undefined) throw new Error("the session lives");
    expect(entry.departed).toHaveLength(DEPARTED_MAX);
    expect([labelOf(entry, 39), labelOf(entry, 24), labelOf(entry, 23)]).toEqual([
      "udp6 [2001:db8::1]:39",
      "udp6 [2001:db8::1]:24",
      "path 23",
    ]);
  });
});

const engine = (report: Extract<Input, { type: "Engine" }>["report"]): Input => ({ type: "Engine", report });

const transports = (effects: readonly Effect[], type: string) =>
  effects.flatMap((effect) => (effect.type === "Event" && effect.event.type === type ? [effect.event.transport] : []));
