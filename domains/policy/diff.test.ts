import { expect, test } from "vitest";
import { differences } from "./diff.ts";
import { EFFECTS } from "./effects.ts";
import { FIELDS } from "./fields.ts";
import type { Policy, PolicySet } from "./model.ts";
import { offerOf } from "./offer.ts";
import { parsePolicy } from "./parse.ts";
import { presets } from "./presets.ts";

test("a policy does not differ from itself, whatever its version", () => {
  expect(differences(set({}, 1), set({}, 2))).toEqual([]);
});

test("a changed value is listed with its key, its text as in the file, and its effect", () => {
  const changed = differences(set({}), set({ switch: { max_per_min: 4 }, session: { transport_lost_ttl: "30s" } }));
  expect(changed).toEqual([
    {
      key: "session.transport_lost_ttl",
      group: null,
      old: "2m",
      new: "30s",
      effect: EFFECTS["session.transport_lost_ttl"]?.falls,
      fromNextSession: true,
    },
    {
      key: "switch.max_per_min",
      group: null,
      old: "8",
      new: "4",
      effect: EFFECTS["switch.max_per_min"]?.falls,
      fromNextSession: true,
    },
  ]);
});

test("exactly the values of an offer bind from the next session on", () => {
  const other = presets.vehicle;
  const base = set({}).base;
  const all = { ...other, name: base.name, version: base.version, digest: base.digest, mtu: 1_300, keepaliveMs: 9_000 };
  const changed = differences({ base, overrides: [] }, { base: all as Policy, overrides: [] });
  const bound = changed.filter(({ fromNextSession }) => fromNextSession).map(({ key }) => key);
  const inOffer = (policy: Policy) => JSON.stringify(offerOf(policy));
  const alone = changed.filter(({ key }) => {
    const field = FIELDS.find(({ path }) => path.join(".") === key);
    return field !== undefined && inOffer(placed(base, field.at, at(all as Policy, field.at))) !== inOffer(base);
  });
  expect(bound).toEqual(alone.map(({ key }) => key));
});

function at(policy: Policy, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], policy);
}

function placed(policy: Policy, [key = "", ...rest]: readonly string[], value: unknown): Policy {
  const inner = (policy as unknown as Record<string, unknown>)[key];
  return { ...policy, [key]: rest.length === 0 ? value : placed(inner as Policy, rest, value) };
}

test("a word is listed as the word", () => {
  expect(differences(set({}), set({ volatile: { liveness: "realtime" } }))).toMatchObject([{ old: "normal", new: "realtime" }]);
});

test("a new override is listed only for its group", () => {
  const to = set({ override: [{ match: { group: "field" }, switch: { max_per_min: 6 } }] });
  expect(differences(set({}), to)).toMatchObject([{ key: "switch.max_per_min", group: "field", old: "8", new: "6" }]);
});

test("a change for all clients is not repeated for a group with the same change", () => {
  const override = [{ match: { group: "field" }, switch: { max_per_min: 6 } }];
  const changed = differences(set({ override }), set({ override, switch: { cooldown: "1s" } }));
  expect(changed.map(({ key, group }) => [key, group])).toEqual([["switch.cooldown", null]]);
});

test("every key of a policy has an effect, and every effect a key", () => {
  expect(Object.keys(EFFECTS).toSorted()).toEqual(FIELDS.map(({ path }) => path.join(".")).toSorted());
});

function set(sections: object, version = 1): PolicySet {
  const outcome = parsePolicy({ schema: "jumping-vpn/policy/v1", ...sections }, version, "00");
  if (!outcome.ok) throw new Error(outcome.errors[0]?.message);
  return outcome.policy;
}
