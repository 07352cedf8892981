import { expect, test } from "vitest";
import { ATTACHED_CLIENT, feed } from "../../transcripts/script.ts";
import { step } from "../step.ts";
import { createCore } from "../world.ts";
import { sessionAt } from "./view.ts";

test("a client's session shows the name servers that its gateway told, and follows what the gateway tells later", () => {
  const world = createCore("client");
  feed(world, ATTACHED_CLIENT);
  expect(sessionAt(world, 1, 100)?.inner).toEqual({ v4: "10.80.0.14", v6: null, dns: [], mtu: 1_380 });
  const dns = ["10.80.0.1", "fd80::1"];
  const assignment = { v4: "10.80.0.14", v4Prefix: 16, v6: null, v6Prefix: 64, dns, mtu: 1_380 };
  step(world, { type: "Engine", report: { type: "Assigned", session: 1, assignment } }, 200);
  expect(sessionAt(world, 1, 201)?.inner).toEqual({ v4: "10.80.0.14", v6: null, dns, mtu: 1_380 });
});
