import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationText } from "./duration.ts";
import { FIELDS } from "./fields.ts";
import { policyFor } from "./model.ts";
import { nearest } from "./nearest.ts";
import { POLICY_SCHEMA, parsePolicy } from "./parse.ts";
import { presets } from "./presets.ts";
import { brokenRelations } from "./relations.ts";

describe("a policy file", () => {
  test("with only a schema is the standard preset", () => {
    expect(parsePolicy({ schema: POLICY_SCHEMA }, 3, "abcd")).toEqual({
      ok: true,
      policy: { base: { name: "standard", version: 3, digest: "abcd", ...presets.standard }, overrides: [] },
    });
  });

  test("as in the handbook is accepted", () => {
    const outcome = parsed({
      name: "fleet",
      preset: "standard",
      session: { max_lifetime: "12h", transport_lost_ttl: "2m" },
      volatile: { loss: { threshold: 0.1, window: "3s" }, latency: { threshold: "300ms", window: "2s" }, liveness: "realtime" },
      switch: { max_per_min: 6, cooldown: "2s", return_to_preferred_after: "45s", mode: "redundant" },
      security: { validation_fail_budget: 3, pq: "off" },
      override: [{ match: { group: "field" }, session: { transport_lost_ttl: "30m" } }],
    });
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
    const { base } = outcome.policy;
    expect(base.name).toBe("fleet");
    expect(base.volatile.loss).toEqual({ threshold: 0.1, windowMs: 3_000 });
    expect(base.volatile.livenessMs).toBe(10);
    expect(base.switch).toMatchObject({ maxPerMin: 6, cooldownMs: 2_000, returnToPreferredAfterMs: 45_000, mode: "redundant" });
    const field = policyFor(outcome.policy, "field");
    expect(field.session).toMatchObject({ transportLostTtlMs: 1_800_000, degradedMaxMs: 1_800_000, maxLifetimeMs: 43_200_000 });
    expect(policyFor(outcome.policy, "office")).toBe(base);
    expect(policyFor(outcome.policy, null)).toBe(base);
  });

  test.each(Object.keys(presets))("preset %s keeps every bound and relation", (preset) => {
    const outcome = parsed({ preset });
    expect(outcome.ok && brokenRelations(outcome.policy.base)).toEqual([]);
    const asFile = Object.fromEntries(
      FIELDS.map((field) => [field.path.join("."), written(outcome.ok && outcome.policy.base, field)]),
    );
    expect(parsed({ preset, ...nested(asFile) })).toEqual(outcome);
  });
});

describe("is refused", () => {
  const cases: readonly (readonly [string, Record<string, unknown>, readonly string[], RegExp])[] = [
    ["another schema", { schema: "jumping-vpn/policy/v2" }, ["schema"], /must be "jumping-vpn\/policy\/v1"/],
    ["an unknown preset", { preset: "lax" }, ["preset"], /one of strict, standard/],
    ["a preset named like an inherited property", { preset: "toString" }, ["preset"], /one of strict/],
    ["a name with spaces", { name: "my policy" }, ["name"], /letters, digits/],
    [
      "a mistyped key, with the near one",
      { switch: { max_per_mim: 3 } },
      ["switch", "max_per_mim"],
      /did you mean "max_per_min"/,
    ],
    ["a mistyped section", { sesion: {} }, ["sesion"], /did you mean "session"/],
    [
      "an unknown key, with the known ones",
      { security: { firewall: 1 } },
      ["security", "firewall"],
      /known here: validation_fail_budget, pq/,
    ],
    ["a section that is no table", { switch: 3 }, ["switch"], /must be a table/],
    ["a number where a duration belongs", { switch: { cooldown: 1500 } }, ["switch", "cooldown"], /duration such as "1500ms"/],
    ["a duration with a fraction", { session: { max_lifetime: "1.5h" } }, ["session", "max_lifetime"], /duration/],
    ["a lifetime in parts of a second", { session: { max_lifetime: "90500ms" } }, ["session", "max_lifetime"], /multiple of 1s/],
    ["unlimited switching", { switch: { max_per_min: 601 } }, ["switch", "max_per_min"], /between 2 and 600, not 601/],
    ["no reserve for deaths", { switch: { max_per_min: 1 } }, ["switch", "max_per_min"], /between 2 and 600, not 1/],
    [
      "no failure budget at all",
      { security: { validation_fail_budget: 0 } },
      ["security", "validation_fail_budget"],
      /between 1 and 100/,
    ],
    ["half a switch", { switch: { max_per_min: 1.5 } }, ["switch", "max_per_min"], /whole number/],
    [
      "a loss threshold in percent",
      { volatile: { loss: { threshold: 8 } } },
      ["volatile", "loss", "threshold"],
      /between 0.005 and 0.9/,
    ],
    [
      "a threshold that is no number",
      { volatile: { loss: { threshold: Number.NaN } } },
      ["volatile", "loss", "threshold"],
      /must be a number/,
    ],
    [
      "an unknown liveness class",
      { volatile: { liveness: "fast" } },
      ["volatile", "liveness"],
      /"realtime" or "normal" or "saver"/,
    ],
    [
      "a window too short to measure in",
      { volatile: { loss: { window: "500ms" } } },
      ["volatile", "loss", "window"],
      /between 1s and 10s/,
    ],
    ["post-quantum keys", { security: { pq: "required" } }, ["security", "pq"], /ML-KEM is not available yet/],
    ["post-quantum keys where possible", { security: { pq: "preferred" } }, ["security", "pq"], /ML-KEM is not available yet/],
    ["a mode that does not exist", { switch: { mode: "triple" } }, ["switch", "mode"], /must be "failover" or "redundant"/],
    [
      "a TTL not below the lifetime",
      { session: { max_lifetime: "1m" } },
      ["session", "transport_lost_ttl"],
      /shorter than max_lifetime: 2m/,
    ],
    [
      "a TTL that DEGRADED_MAX forestalls",
      { session: { transport_lost_ttl: "20m", degraded_max: "10m" } },
      ["session", "degraded_max"],
      /10m would end a session before its 20m/,
    ],
    [
      "a budget that the cooldown makes unreachable",
      { switch: { cooldown: "10s" } },
      ["switch", "cooldown"],
      /lower max_per_min to 6/,
    ],
    [
      "an emergency slower than a choice",
      { switch: { emergency_cooldown: "2s" } },
      ["switch", "emergency_cooldown"],
      /not be longer/,
    ],
    ["fewer recoveries than switches", { switch: { recoveries_per_min: 3 } }, ["switch", "recoveries_per_min"], /3 < 8/],
    ["a first penalty above the last", { penalty: { first: "5m", max: "1m" } }, ["penalty", "first"], /5m > 1m/],
    ["overrides that are no list", { override: { match: {} } }, ["override"], /list of at most 64/],
    ["an override for nobody", { override: [{ session: {} }] }, ["override", "0", "match"], /must name one group/],
    [
      "an override with a mistyped key",
      { override: [{ match: { group: "a" }, session: { max_livetime: "1h" } }] },
      ["override", "0", "session", "max_livetime"],
      /did you mean "max_lifetime"/,
    ],
    [
      "an override that breaks a relation",
      { override: [{ match: { group: "a" }, session: { transport_lost_ttl: "13h" } }] },
      ["override", "0", "session", "transport_lost_ttl"],
      /13h is not below 12h/,
    ],
    [
      "two overrides of one group",
      { override: [{ match: { group: "a" } }, { match: { group: "a" } }] },
      ["override", "1", "match", "group"],
      /has an override already/,
    ],
  ];

  test.each(cases)("%s", (_what, file, path, message) => {
    const outcome = parsed(file);
    expect(outcome).toMatchObject({ ok: false, errors: [{ path, message: expect.stringMatching(message) }] });
  });

  test("if it is no table or has too many overrides", () => {
    for (const raw of [null, undefined, 3, "x", []]) expect(parsePolicy(raw, 1, "").ok).toBe(false);
    const override = Array.from({ length: 65 }, (_, index) => ({ match: { group: `g${index}` } }));
    expect(parsed({ override })).toMatchObject({ ok: false, errors: [{ path: ["override"] }] });
  });

  test("with all errors at once, up to the maximum", () => {
    const outcome = parsed({ mtu: 3, keepalive: 4, switch: { mode: "x" } });
    expect(!outcome.ok && outcome.errors.map((error) => error.path.join("."))).toEqual(["mtu", "keepalive", "switch.mode"]);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 1]));
    expect(parsed(many)).toMatchObject({ ok: false, errors: { length: 50 } });
  });
});

describe("for any input", () => {
  test("it never throws, and every accepted policy keeps every relation", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...SECTIONS), fc.jsonValue()), (file) => {
        const outcome = parsed(file);
        if (outcome.ok) expect(brokenRelations(outcome.policy.base)).toEqual([]);
        else expect(outcome.errors.length).toBeGreaterThan(0);
      }),
    );
  });

  test("a duration parses to the value it was written from", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 259_200 }), (seconds) => {
        const text = durationText(seconds * 1_000);
        const outcome = parsed({ session: { max_lifetime: "168h", degraded_max: "168h", transport_lost_ttl: text } });
        expect(outcome.ok && outcome.policy.base.session.transportLostTtlMs).toBe(seconds * 1_000);
      }),
    );
  });

  test("a name with a swapped or missing letter finds the correct one", () => {
    expect(nearest("cooldwon", ["cooldown", "mode"])).toBe("cooldown");
    expect(nearest("liveness", ["loss", "jitter"])).toBeUndefined();
    expect(nearest("x".repeat(100_000), ["x"])).toBeUndefined();
  });
});

test("every number of a policy is one key of the file, and every key is one number", () => {
  const leaves = leavesOf(presets.standard).sort();
  expect(FIELDS.map((field) => field.at.join(".")).sort()).toEqual(leaves);
  expect(new Set(FIELDS.map((field) => field.path.join("."))).size).toBe(FIELDS.length);
});

const SECTIONS = [
  "session",
  "volatile",
  "switch",
  "penalty",
  "security",
  "override",
  "mtu",
  "keepalive",
  "name",
  "preset",
  "__proto__",
];

function parsed(file: Record<string, unknown>) {
  return parsePolicy({ schema: POLICY_SCHEMA, ...file }, 1, "00");
}

function leavesOf(value: unknown, at: readonly string[] = []): string[] {
  if (typeof value !== "object" || value === null) return [at.join(".")];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...at, key]));
}

function written(policy: unknown, field: (typeof FIELDS)[number]): unknown {
  const value = field.at.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], policy);
  if (field.kind.is === "duration") return durationText(value as number);
  if (field.kind.is !== "choice") return value;
  return Object.entries(field.kind.values).find(([, candidate]) => candidate === value)?.[0];
}

function nested(flat: Record<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(flat)) {
    const keys = name.split(".");
    const last = keys.pop() ?? "";
    let table = root;
    for (const key of keys) {
      const inner = (table[key] ?? {}) as Record<string, unknown>;
      table[key] = inner;
      table = inner;
    }
    table[last] = value;
  }
  return root;
}
