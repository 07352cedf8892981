import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { faultLine, loadPolicy } from "./policy.ts";

test("without a file the built-in standard policy applies", () => {
  expect(loadPolicy(null, () => 3)).toMatchObject({ ok: true, value: { base: { name: "standard", version: 3 }, overrides: [] } });
});

test("a fault of a policy names file, line and key, and asks for no version", () => {
  const folder = mkdtempSync(join(tmpdir(), "jvpn-policy-"));
  const file = join(folder, "policy.toml");
  writeFileSync(
    file,
    'schema = "jumping-vpn/policy/v1"\n\n[switch]\nmax_per_min = 9000\n\n[[override]]\nmatch = { group = "a" }\n[[override]]\nmatch = { grup = "b" }\n',
  );
  const loaded = loadPolicy(file, () => expect.unreachable());
  expect(loaded.ok ? [] : loaded.faults.map((fault) => fault.line)).toContain(4);
  expect(loaded.ok ? [] : loaded.faults.map(faultLine)).toEqual([expect.stringContaining(`${file}:4: switch.max_per_min`)]);
  rmSync(folder, { recursive: true });
});
