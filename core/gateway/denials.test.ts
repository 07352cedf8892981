import { expect, test } from "vitest";
import { feed, script } from "../../transcripts/script.ts";
import { step } from "../step.ts";
import { createCore } from "../world.ts";

test("denials by the engine are recorded with reason, path and count, and change nothing", () => {
  const world = createCore("gateway");
  feed(world, script("0 gateway van-12\n0 policy standard\n100 confirmed 1 van-12\n100 leased 1"));
  const before = world.sessions.get(1)?.session;
  const denied = (session: number, path: number) =>
    step(
      world,
      { type: "Engine", report: { type: "ActivationsDenied", session, path, reason: "switch_rate_limited", count: 41 } },
      200,
    );
  expect(denied(1, 7)).toMatchObject([
    {
      type: "Event",
      event: {
        type: "TransportSwitchDenied",
        session: "s-1",
        reason: "switch_rate_limited",
        actor: "engine",
        transport: { old: "udp4 198.51.100.1:50211", new: "path 7" },
        numbers: { count: 41, state: "ATTACHED" },
      },
    },
  ]);
  expect(world.sessions.get(1)?.session).toBe(before);
  expect(denied(9, 1)).toEqual([]);
});
