import { FIELDS, type Field, readValue } from "./fields.ts";
import type { Policy, PolicyError, PolicyOutcome } from "./model.ts";
import { nearest } from "./nearest.ts";
import { type PresetName, presets } from "./presets.ts";
import { brokenRelations } from "./relations.ts";

export const POLICY_SCHEMA = "jumping-vpn/policy/v1";
const OVERRIDES_MAX = 64;
/** Maximum number of errors in one answer. */
const ERRORS_MAX = 50;

type Table = Readonly<Record<string, unknown>>;
type Path = readonly string[];

/** Values that the file sets, by their place in `Policy` (`switch.maxPerMin`). */
type Values = ReadonlyMap<string, number | string>;

interface Findings {
  readonly values: Map<string, number | string>;
  readonly errors: PolicyError[];
}

/**
 * Checks a parsed policy file (a plain object, as a TOML parser returns it): schema, bounds, relations, unknown keys. A
 * refusal has every error with its key. An absent value comes from the preset. Absent `degraded_max` and
 * `recoveries_per_min` are also raised to `transport_lost_ttl` and `max_per_min`, below which they must not be.
 */
export function parsePolicy(raw: unknown, version: number, digest: string): PolicyOutcome {
  if (!isTable(raw)) return refused([{ path: [], message: "a policy is a table of sections" }]);
  const found: Findings = { values: new Map(), errors: [] };
  const head = readHead(raw, found.errors);
  readFields(raw, [], [], ["schema", "name", "preset", "override"], found);
  if (found.errors.length > 0) return refused(found.errors);

  const origin = { name: head.name, version, digest, preset: head.preset };
  const base = assemble(origin, found.values);
  found.errors.push(...brokenRelations(base));
  const overrides = readOverrides(raw.override, origin, found);
  return found.errors.length > 0 ? refused(found.errors) : { ok: true, policy: { base, overrides } };
}

function refused(errors: readonly PolicyError[]): PolicyOutcome {
  return { ok: false, errors: errors.slice(0, ERRORS_MAX) };
}

interface Head {
  readonly name: string;
  readonly preset: PresetName;
}

function readHead(raw: Table, errors: PolicyError[]): Head {
  if (raw.schema !== POLICY_SCHEMA) errors.push({ path: ["schema"], message: `must be "${POLICY_SCHEMA}"` });
  const preset = raw.preset ?? "standard";
  if (!isPreset(preset)) {
    const known = Object.keys(presets).join(", ");
    errors.push({ path: ["preset"], message: `must be one of ${known}` });
    return { name: "", preset: "standard" };
  }
  const name = raw.name ?? preset;
  if (typeof name === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(name)) return { name, preset };
  errors.push({ path: ["name"], message: "must be 1 to 64 letters, digits, dots, dashes or underscores" });
  return { name: "", preset };
}

/** `known` = the path for finding fields; `shown` = the path in error messages, which is deeper inside an override. */
function readFields(raw: Table, known: Path, shown: Path, others: readonly string[], found: Findings): void {
  for (const [key, value] of Object.entries(raw)) {
    if (others.includes(key)) continue;
    const path = [...known, key];
    const at = [...shown, key];
    const below = fieldsBelow(path);
    const field = below.find((candidate) => candidate.path.length === path.length);
    if (field !== undefined) readField(field, value, at, found);
    else if (below.length === 0) found.errors.push({ path: at, message: unknownKey(key, known, others) });
    else if (isTable(value)) readFields(value, path, at, [], found);
    else found.errors.push({ path: at, message: "must be a table" });
  }
}

function readField(field: Field, raw: unknown, path: Path, found: Findings): void {
  const read = readValue(field.kind, raw);
  if (read.ok) found.values.set(field.at.join("."), read.value);
  else found.errors.push({ path, message: read.message });
}

function fieldsBelow(path: Path): readonly Field[] {
  return FIELDS.filter((field) => path.every((part, index) => field.path[index] === part));
}

function unknownKey(key: string, known: Path, others: readonly string[]): string {
  const names = [...new Set(fieldsBelow(known).map((field) => field.path[known.length] ?? "")), ...others];
  const near = nearest(key, names);
  return near === undefined ? `is unknown; known here: ${names.join(", ")}` : `is unknown; did you mean "${near}"?`;
}

function readOverrides(raw: unknown, origin: Origin, base: Findings): { group: string; policy: Policy }[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw) || raw.length > OVERRIDES_MAX) {
    base.errors.push({ path: ["override"], message: `must be a list of at most ${OVERRIDES_MAX} tables: [[override]]` });
    return [];
  }
  const overrides: { group: string; policy: Policy }[] = [];
  for (const [index, entry] of raw.entries()) {
    const at = ["override", String(index)];
    const group = readGroup(entry, at, overrides, base.errors);
    if (group === undefined) continue;
    const found: Findings = { values: new Map(base.values), errors: [] };
    readFields(entry as Table, [], at, ["match"], found);
    const policy = assemble(origin, found.values);
    const broken = found.errors.length > 0 ? [] : brokenRelations(policy);
    base.errors.push(...found.errors, ...broken.map((error) => deeper(error, at)));
    overrides.push({ group, policy });
  }
  return overrides;
}

function deeper(error: PolicyError, at: Path): PolicyError {
  const against = error.against === undefined ? {} : { against: [...at, ...error.against] };
  return { ...error, ...against, path: [...at, ...error.path] };
}

function readGroup(entry: unknown, at: Path, before: readonly { group: string }[], errors: PolicyError[]): string | undefined {
  const match = isTable(entry) ? entry.match : undefined;
  const group = isTable(match) && Object.keys(match).length === 1 ? match.group : undefined;
  if (typeof group !== "string" || group === "") {
    errors.push({ path: [...at, "match"], message: 'must name one group: match = { group = "field" }' });
    return undefined;
  }
  if (!before.some((override) => override.group === group)) return group;
  errors.push({ path: [...at, "match", "group"], message: `"${group.slice(0, 40)}" has an override already` });
  return undefined;
}

interface Origin extends Head {
  readonly version: number;
  readonly digest: string;
}

function assemble({ preset, ...origin }: Origin, values: Values): Policy {
  const set = [...values].reduce<Table>((policy, [at, value]) => placed(policy, at.split("."), value), presets[preset]);
  const policy = { ...origin, ...(set as Omit<Policy, keyof Origin>) };
  const { session } = policy;
  return {
    ...policy,
    session: {
      ...session,
      degradedMaxMs: values.has("session.degradedMaxMs")
        ? session.degradedMaxMs
        : Math.max(session.degradedMaxMs, session.transportLostTtlMs),
    },
    switch: {
      ...policy.switch,
      recoveriesPerMin: values.has("switch.recoveriesPerMin")
        ? policy.switch.recoveriesPerMin
        : Math.max(policy.switch.recoveriesPerMin, policy.switch.maxPerMin),
    },
  };
}

/** A copy of `table` with `value` at that place. Every place of `FIELDS` exists in every preset. */
function placed(table: Table, [key, ...rest]: Path, value: unknown): Table {
  if (key === undefined) return table;
  return { ...table, [key]: rest.length === 0 ? value : placed(table[key] as Table, rest, value) };
}

function isTable(raw: unknown): raw is Table {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

function isPreset(name: unknown): name is PresetName {
  return typeof name === "string" && Object.hasOwn(presets, name);
}
