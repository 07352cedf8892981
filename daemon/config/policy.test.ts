import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { BUILT_IN, checkPolicy, faultLine, loadPolicy, numbered, POLICY_BYTES_MAX } from "./policy.ts";

const folder = mkdtempSync(join(tmpdir(), "jvpn-policy-"));
const SCHEMA = 'schema = "jumping-vpn/policy/v1"\n';
afterAll(() => rmSync(folder, { recursive: true }));

test("without a file the built-in standard policy applies", () => {
  const loaded = loadPolicy(null);
  expect(loaded).toMatchObject({ ok: true, value: { name: "standard", file: BUILT_IN.file } });
  if (loaded.ok) expect(numbered(loaded.value, 3)).toMatchObject({ base: { name: "standard", version: 3 }, overrides: [] });
});

test("comments and layout do not change a policy", () => {
  const [a, b] = [checkPolicy({ file: "a", text: SCHEMA }), checkPolicy({ file: "b", text: `# a note\n\n${SCHEMA}` })];
  expect(a.ok && b.ok && a.value.digest === b.value.digest).toBe(true);
});

test.each([
  ["a bound", `${SCHEMA}\n[switch]\nmax_per_min = 9000\n`, "p:4: switch.max_per_min must be between 2 and 600"],
  ["a bound inside an inline table", `${SCHEMA}[volatile]\nloss = { threshold = 2 }\n`, "p:3: volatile.loss.threshold must"],
  ["an unknown key", `${SCHEMA}[switch]\nmax_per_minn = 1\n`, "p:3: switch.max_per_minn is unknown"],
  [
    "a relation, at its key",
    `${SCHEMA}[session]\nmax_lifetime = "1m"\ntransport_lost_ttl = "2m"\n`,
    "p:4: session.transport_lost_ttl",
  ],
  [
    "a relation with the preset, at the key that the file has",
    `${SCHEMA}session.max_lifetime = "1m"\n`,
    "p:2: session.transport_lost_ttl",
  ],
  [
    "a relation inside an override",
    `${SCHEMA}[switch]\ncooldown = "5s"\n[[override]]\nmatch = { group = "a" }\nswitch.max_per_min = 60\n`,
    "p:6: override[0].switch.cooldown",
  ],
  [
    "an override without a group",
    `${SCHEMA}\n[[override]]\nmatch = { grup = "b" }\n`,
    "p:4: override[0].match must name one group",
  ],
  ["a schema that is missing", "[switch]\nmax_per_min = 4\n", "p:1: schema must be"],
  ["text that is no TOML", `${SCHEMA}[switch\n`, "p:2: this is not valid TOML"],
])("%s is refused with file and line", (_, text, line) => {
  const checked = checkPolicy({ file: "p", text });
  expect(checked.ok ? [] : checked.faults.map(faultLine)).toContainEqual(expect.stringContaining(line));
});

test("an endless file is not read", () => {
  const file = join(folder, "large.toml");
  writeFileSync(file, "");
  truncateSync(file, 50 * POLICY_BYTES_MAX);
  expect(loadPolicy(file)).toMatchObject({
    ok: false,
    faults: [{ why: `it has ${50 * POLICY_BYTES_MAX} bytes; at most ${POLICY_BYTES_MAX} are permitted` }],
  });
});
