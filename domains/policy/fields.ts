import { HOUR, MINUTE, type Millis, SECOND } from "#kernel/time";
import { durationOf, durationText } from "./duration.ts";
import type { Preset } from "./presets.ts";

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

type Kind =
  | { readonly is: "duration"; readonly min: Millis; readonly max: Millis; readonly step: Millis }
  | { readonly is: "count"; readonly min: number; readonly max: number }
  | { readonly is: "ratio"; readonly min: number; readonly max: number }
  | {
      readonly is: "choice";
      readonly values: Readonly<Record<string, number | string>>;
      /** Words that this version does not support, with the reason. */
      readonly refused: Readonly<Record<string, string>>;
    };

/** One key of a policy file: its path in the file, its place in `Policy`, its permitted values. */
export interface Field {
  readonly path: readonly string[];
  readonly at: readonly string[];
  readonly kind: Kind;
}

/** `step` = resolution on the wire. Finer values would differ between the two ends. */
const duration = (min: Millis, max: Millis, step: Millis = 1): Kind => ({ is: "duration", min, max, step });
const count = (min: number, max: number): Kind => ({ is: "count", min, max });
const ratio = (min: number, max: number): Kind => ({ is: "ratio", min, max });

const DAY = 24 * HOUR;
/** A window must contain eight snapshots of 100 ms, or it never measures. Maximum: the span of a path's samples. */
const WINDOW = duration(SECOND, 10 * SECOND);

/** All keys. The bounds keep invariants: switching has a maximum, a failure budget exists, every window can measure. */
export const FIELDS: readonly Field[] = [
  { path: ["session", "max_lifetime"], at: ["session", "maxLifetimeMs"], kind: duration(2 * SECOND, 7 * DAY, SECOND) },
  { path: ["session", "transport_lost_ttl"], at: ["session", "transportLostTtlMs"], kind: duration(SECOND, 3 * DAY) },
  { path: ["session", "degraded_max"], at: ["session", "degradedMaxMs"], kind: duration(SECOND, 7 * DAY) },
  { path: ["session", "birth_ttl"], at: ["session", "birthTtlMs"], kind: duration(SECOND, 30 * SECOND) },
  { path: ["session", "attempt_timeout"], at: ["session", "attemptTimeoutMs"], kind: duration(SECOND, MINUTE) },
  { path: ["session", "volatile_max"], at: ["session", "volatileMaxMs"], kind: duration(500, MINUTE) },
  { path: ["volatile", "loss", "threshold"], at: ["volatile", "loss", "threshold"], kind: ratio(0.005, 0.9) },
  { path: ["volatile", "loss", "window"], at: ["volatile", "loss", "windowMs"], kind: WINDOW },
  { path: ["volatile", "latency", "threshold"], at: ["volatile", "latency", "thresholdMs"], kind: duration(5, 10 * SECOND) },
  { path: ["volatile", "latency", "window"], at: ["volatile", "latency", "windowMs"], kind: WINDOW },
  { path: ["volatile", "jitter", "threshold"], at: ["volatile", "jitter", "thresholdMs"], kind: duration(1, 10 * SECOND) },
  { path: ["volatile", "jitter", "window"], at: ["volatile", "jitter", "windowMs"], kind: WINDOW },
  {
    path: ["volatile", "liveness"],
    at: ["volatile", "livenessMs"],
    kind: { is: "choice", values: { realtime: 10, normal: 50, saver: 250 }, refused: {} },
  },
  { path: ["switch", "max_per_min"], at: ["switch", "maxPerMin"], kind: count(2, 600) },
  { path: ["switch", "cooldown"], at: ["switch", "cooldownMs"], kind: duration(0, MINUTE) },
  { path: ["switch", "emergency_cooldown"], at: ["switch", "emergencyCooldownMs"], kind: duration(0, MINUTE) },
  { path: ["switch", "recoveries_per_min"], at: ["switch", "recoveriesPerMin"], kind: count(2, 1_200) },
  {
    path: ["switch", "return_to_preferred_after"],
    at: ["switch", "returnToPreferredAfterMs"],
    kind: duration(SECOND, HOUR),
  },
  { path: ["switch", "margin"], at: ["switch", "marginMs"], kind: duration(1, SECOND) },
  { path: ["switch", "margin_ratio"], at: ["switch", "marginRatio"], kind: ratio(0.01, 2) },
  {
    path: ["switch", "mode"],
    at: ["switch", "mode"],
    kind: {
      is: "choice",
      values: { failover: "failover", redundant: "redundant" },
      refused: {},
    },
  },
  { path: ["penalty", "first"], at: ["penalty", "firstMs"], kind: duration(SECOND, 10 * MINUTE) },
  { path: ["penalty", "max"], at: ["penalty", "maxMs"], kind: duration(SECOND, HOUR) },
  { path: ["security", "validation_fail_budget"], at: ["security", "validationFailBudget"], kind: count(1, 100) },
  {
    path: ["security", "pq"],
    at: ["security", "pq"],
    kind: {
      is: "choice",
      values: { off: "off" },
      refused: { required: "ML-KEM is not available yet", preferred: "ML-KEM is not available yet" },
    },
  },
  { path: ["keepalive"], at: ["keepaliveMs"], kind: duration(SECOND, MINUTE) },
  { path: ["mtu"], at: ["mtu"], kind: count(1_280, 1_500) },
];

/** Reads one raw value. The message of a refusal names the value, the bounds and their unit. */
export function readValue(kind: Kind, raw: unknown): Read<number | string> {
  switch (kind.is) {
    case "duration":
      return readDuration(kind, raw);
    case "count":
      if (!Number.isInteger(raw)) return { ok: false, message: `must be a whole number, not ${shown(raw)}` };
      return bounded(raw as number, kind, String);
    case "ratio":
      if (typeof raw !== "number" || Number.isNaN(raw)) return { ok: false, message: `must be a number, not ${shown(raw)}` };
      return bounded(raw, kind, String);
    case "choice":
      return readChoice(kind, raw);
  }
}

/** A checked value as written in a policy file, without quotes. */
export function valueText(kind: Kind, value: unknown): string {
  if (kind.is === "duration") return durationText(value as number);
  if (kind.is !== "choice") return String(value);
  return Object.entries(kind.values).find(([, chosen]) => chosen === value)?.[0] ?? String(value);
}

/** The nearest permitted value, for numbers from a peer. */
export function clamped(field: Field, value: number): number {
  const { kind } = field;
  if (kind.is !== "choice") return Math.min(kind.max, Math.max(kind.min, value));
  const allowed = Object.values(kind.values).filter((candidate) => typeof candidate === "number");
  return allowed.reduce((near, candidate) => (Math.abs(candidate - value) < Math.abs(near - value) ? candidate : near));
}

/** The field whose place in `Policy` is `section.key`. */
export function fieldAt<S extends keyof Preset>(section: S, ...keys: readonly string[]): Field {
  const at = [section, ...keys].join(".");
  const field = FIELDS.find((candidate) => candidate.at.join(".") === at);
  if (field === undefined) throw new Error(`no policy field has the place ${at}`);
  return field;
}

function readDuration(kind: Extract<Kind, { is: "duration" }>, raw: unknown): Read<number> {
  const value = typeof raw === "string" ? durationOf(raw) : undefined;
  if (value === undefined)
    return { ok: false, message: `must be a duration such as "1500ms", "3s", "2m" or "12h", not ${shown(raw)}` };
  if (value % kind.step !== 0) return { ok: false, message: `must be a multiple of ${durationText(kind.step)}` };
  return bounded(value, kind, durationText);
}

function readChoice(kind: Extract<Kind, { is: "choice" }>, raw: unknown): Read<number | string> {
  if (typeof raw === "string") {
    const value = Object.hasOwn(kind.values, raw) ? kind.values[raw] : undefined;
    if (value !== undefined) return { ok: true, value };
    const why = Object.hasOwn(kind.refused, raw) ? kind.refused[raw] : undefined;
    if (why !== undefined) return { ok: false, message: `"${raw}" is refused: ${why}; use ${words(kind.values)}` };
  }
  return { ok: false, message: `must be ${words(kind.values)}, not ${shown(raw)}` };
}

function bounded(value: number, bounds: { min: number; max: number }, text: (value: number) => string): Read<number> {
  if (value >= bounds.min && value <= bounds.max) return { ok: true, value };
  return { ok: false, message: `must be between ${text(bounds.min)} and ${text(bounds.max)}, not ${text(value)}` };
}

function words(values: Readonly<Record<string, unknown>>): string {
  return Object.keys(values)
    .map((word) => `"${word}"`)
    .join(" or ");
}

/** A raw value for a message, always shorter than a line. */
function shown(raw: unknown): string {
  if (typeof raw === "string") return raw.length > 40 ? `"${raw.slice(0, 40)}…"` : `"${raw}"`;
  if (typeof raw === "number" || typeof raw === "boolean") return String(raw);
  return raw === null || raw === undefined ? "nothing" : Array.isArray(raw) ? "a list" : "a table";
}
