import { expect, test } from "vitest";
import type { Assignment } from "#kernel/contract/engine.generated";
import { presetPolicy } from "../../transcripts/presets.ts";
import { feed, script } from "../../transcripts/script.ts";
import { step } from "../step.ts";
import { createCore } from "../world.ts";

const { base } = presetPolicy("standard").policy;
const LEASE: Assignment = { v4: "10.80.0.14", v4Prefix: 16, v6: null, v6Prefix: 64, dns: [], mtu: 1_420 };

test.each([
  [1_420, null, 1_400],
  [1_420, "office", 1_400],
  [1_420, "field", 1_300],
  [1_280, "field", 1_280],
])("a tunnel of %i bytes and the group %s give a session %i bytes", (mtu, group, expected) => {
  const world = createCore("gateway");
  const overrides = [{ group: "field", policy: { ...base, mtu: 1_300 } }];
  step(world, { type: "PolicyOffered", outcome: { ok: true, policy: { base: { ...base, mtu: 1_400 }, overrides } } }, 0);
  const clients = [{ name: "van-1", key: "jvpk1:van-1", group }];
  step(world, { type: "Configured", config: { role: "gateway", node: "fra-2", clients }, resumes: true }, 0);
  feed(world, script("10 confirmed 1 van-1"));
  const effects = step(world, { type: "StoreAnswered", token: 1, outcome: { is: "done", assignment: { ...LEASE, mtu } } }, 20);
  expect(effects).toContainEqual({
    type: "Engine",
    command: { type: "AcceptSession", session: 1, assignment: { ...LEASE, mtu: expected } },
  });
});
