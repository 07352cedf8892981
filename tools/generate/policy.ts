import { durationText } from "#domains/policy/duration";
import { FIELDS, type Field } from "#domains/policy/fields";
import { presets } from "#domains/policy/presets";
import { code, type Page, page, table } from "./markdown.ts";

const PRESETS = Object.entries(presets);

/** Meaning of each key. The tests fail for a key of `FIELDS` without an entry and for an entry without a key. */
export const MEANING: Readonly<Record<string, string>> = {
  "session.max_lifetime": "SESSION_MAX_LIFETIME: a session ends at this age",
  "session.transport_lost_ttl": "TRANSPORT_LOST_TTL: a session ends after this time without any transport",
  "session.degraded_max": "DEGRADED_MAX: a session ends if loss, death or lost authority keeps it from ATTACHED for this time",
  "session.birth_ttl": "BIRTH_TTL: time limit for the confirmation of a handshake",
  "session.attempt_timeout": "ATTEMPT_TIMEOUT: time limit for one attempt in RECOVERING",
  "session.volatile_max": "VOLATILE_MAX: after this time VOLATILE becomes DEGRADED",
  "volatile.loss.threshold": "share of lost packets, in the worse direction, above which the active transport is volatile",
  "volatile.loss.window": "time over which loss is measured",
  "volatile.latency.threshold": "round-trip time above which the active transport is volatile",
  "volatile.latency.window": "time over which latency is measured",
  "volatile.jitter.threshold": "jitter above which the active transport is volatile",
  "volatile.jitter.window": "time over which jitter is measured",
  "volatile.liveness": "the liveness interval I: realtime 10 ms, normal 50 ms, saver 250 ms",
  "switch.max_per_min": "MAX_SWITCHES_PER_MIN: most committed switches in any 60 s",
  "switch.cooldown": "SWITCH_COOLDOWN: least time between a switch and the next elective one",
  "switch.emergency_cooldown": "EMERGENCY_COOLDOWN: least time between a switch and the next one after a death",
  "switch.recoveries_per_min": "MAX_RECOVERIES_PER_MIN: most entries to RECOVERING in any 60 s",
  "switch.return_to_preferred_after": "time for which a preferred transport must be stable before the session returns to it",
  "switch.margin": "within one class of quality, a move must gain more than this in round-trip time",
  "switch.margin_ratio": "… and more than this share of the active transport's round-trip time",
  "switch.mode": "failover sends on one transport, redundant sends every packet on two",
  "penalty.first": "time for which a transport ranks lower after its first death",
  "penalty.max": "the time doubles with each further death, up to this",
  "security.validation_fail_budget": "attributable validation failures that a session survives in 60 s",
  "security.pq": "post-quantum key exchange; none is available yet",
  keepalive: "interval between probes while no packets are sent",
  mtu: "largest inner packet of a session; a smaller `[tunnel] mtu` of either end takes precedence",
};

/** Units of whole numbers. Durations include their unit. */
const UNITS: Readonly<Record<string, string>> = {
  "switch.max_per_min": "per 60 s",
  "switch.recoveries_per_min": "per 60 s",
  "security.validation_fail_budget": "per 60 s",
  mtu: "bytes",
};

/** Every key of a policy file with its bounds and its value in each preset. */
export function policy(): Page {
  const head = ["key", "unit", "min", "max", ...PRESETS.map(([name]) => name)];
  const meanings = FIELDS.map((field) => [code(keyOf(field)), MEANING[keyOf(field)] ?? "–"]);
  return page("policy.md", "domains/policy", "Policy", [
    'A policy file begins with `schema = "jumping-vpn/policy/v1"`. It may have a `name` and a `preset` (default: `standard`). Every other key is optional; its default comes from the preset. Durations are written as `"1500ms"`, `"3s"`, `"2m"`, `"12h"`.',
    '`[[override]]` with `match = { group = "…" }` changes keys for the clients of one group. A policy that breaks a bound or a relation is refused as a whole and the last valid one stays in force.',
    "## Values",
    table(head, FIELDS.map(row)),
    "## Meaning",
    table(["key", "meaning"], meanings),
  ]);
}

export const keyOf = (field: Field): string => field.path.join(".");

function row(field: Field): string[] {
  const { kind } = field;
  const values = PRESETS.map(([, preset]) => shown(field, valueAt(preset, field.at)));
  switch (kind.is) {
    case "duration":
      return [code(keyOf(field)), "duration", durationText(kind.min), durationText(kind.max), ...values];
    case "count":
      return [code(keyOf(field)), UNITS[keyOf(field)] ?? "number", String(kind.min), String(kind.max), ...values];
    case "ratio":
      return [code(keyOf(field)), "ratio", String(kind.min), String(kind.max), ...values];
    case "choice": {
      const words = Object.keys(kind.values).map((word) => `"${word}"`);
      return [code(keyOf(field)), `one of ${words.join(", ")}`, "–", "–", ...values];
    }
  }
}

function shown({ kind }: Field, value: unknown): string {
  if (kind.is === "duration") return durationText(value as number);
  if (kind.is !== "choice") return String(value);
  const word = Object.entries(kind.values).find(([, chosen]) => chosen === value)?.[0];
  return `"${word ?? String(value)}"`;
}

function valueAt(from: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], from);
}
