import { expect, test } from "vitest";
import { differences } from "./diff.ts";
import { EFFECTS } from "./effects.ts";
import { FIELDS } from "./fields.ts";
import type { PolicySet } from "./model.ts";
import { parsePolicy } from "./parse.ts";

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
    },
    { key: "switch.max_per_min", group: null, old: "8", new: "4", effect: EFFECTS["switch.max_per_min"]?.falls },
  ]);
});

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
