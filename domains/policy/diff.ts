import type { PolicyDifference } from "#kernel/contract/policy";
import { EFFECTS, OFFERED } from "./effects.ts";
import { FIELDS, type Field, valueText } from "./fields.ts";
import { type Policy, type PolicySet, policyFor } from "./model.ts";

/**
 * What changes when `to` replaces `from`, in the order of the fields. For a group it lists only changes that differ
 * from the change for all clients.
 */
export function differences(from: PolicySet, to: PolicySet): readonly PolicyDifference[] {
  const forAll = between(from.base, to.base, null);
  const groups = [...new Set([...from.overrides, ...to.overrides].map(({ group }) => group))].sort();
  const ofGroups = groups.flatMap((group) => {
    const own = between(policyFor(from, group), policyFor(to, group), group);
    return own.filter((mine) => !forAll.some((all) => all.key === mine.key && all.old === mine.old && all.new === mine.new));
  });
  return [...forAll, ...ofGroups];
}

function between(from: Policy, to: Policy, group: string | null): readonly PolicyDifference[] {
  return FIELDS.flatMap((field) => {
    const [before, after] = [valueAt(from, field), valueAt(to, field)];
    if (before === after) return [];
    const key = field.path.join(".");
    const texts = { old: valueText(field.kind, before), new: valueText(field.kind, after) };
    const rises = typeof before === "number" && typeof after === "number" && after > before;
    return [{ key, group, ...texts, effect: EFFECTS[key]?.[rises ? "rises" : "falls"] ?? "", fromNextSession: OFFERED.has(key) }];
  });
}

function valueAt(policy: Policy, { at }: Field): unknown {
  return at.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], policy);
}
