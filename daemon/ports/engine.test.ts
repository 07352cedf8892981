import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeHeapSnapshot } from "node:v8";
import { afterAll, expect, test } from "vitest";
import { type Fault, StartFailure } from "#daemon/fault";
import { bootMs, generateKey, publicKey, startEngine } from "#daemon/ports/engine";
import type { EngineConfig } from "#kernel/contract/engine.generated";
import { EXIT } from "#kernel/contract/exit-code";

const folder = mkdtempSync(join(tmpdir(), "jvpn-port-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("only its owner may read a generated key file, and it is not overwritten", () => {
  const path = join(folder, "key");
  const key = generateKey(path);
  expect(key).toMatch(/^jvpk1:[\w-]{43}$/);
  expect(publicKey(path)).toBe(key);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(refusal(() => generateKey(path)).why).toContain("exists");
  expect(publicKey(path)).toBe(key);
});

test("a key file that other users may read is a configuration fault with a remedy", () => {
  const path = join(folder, "open");
  generateKey(path);
  chmodSync(path, 0o644);
  expect(refusal(() => startEngine(config(path), () => {}))).toEqual({
    what: `the key file ${path} is refused`,
    why: "its mode 0644 gives access to other users",
    hint: `chmod 600 ${path}`,
  });
});

test("a file without a key is a configuration fault", () => {
  const path = join(folder, "text");
  writeFileSync(path, "not a key\n", { mode: 0o600 });
  expect(refusal(() => publicKey(path)).what).toContain("holds no private key");
});

test("a configuration that contradicts itself is refused before anything is opened", () => {
  const path = join(folder, "contradiction");
  generateKey(path);
  expect(refusal(() => startEngine({ ...config(path), disable: ["warp"] }, () => {})).hint).toContain("udp_gso");
  expect(refusal(() => startEngine({ ...config(path), role: "gateway" }, () => {})).what).toContain("listen");
});

test("A52: no private key that the engine has read is in the JavaScript heap", () => {
  const path = join(folder, "secret");
  const key = generateKey(path);
  expect(publicKey(path)).toBe(key);
  const heap = writeHeapSnapshot(join(folder, "heap"));
  // Another process reads the key file, so that this one does not hold its text.
  const inHeap = (...pattern: string[]): number | null => spawnSync("grep", ["-qF", ...pattern, heap]).status;
  expect([inHeap("-e", key), inHeap("-f", path)]).toEqual([0, 1]);
});

test("the clock of the engine advances", () => {
  const first = bootMs();
  expect(bootMs()).toBeGreaterThanOrEqual(first);
});

/** The only fault of a refused start; here it is always a fault of the configuration. */
function refusal(start: () => unknown): Fault {
  try {
    start();
  } catch (cause) {
    if (!(cause instanceof StartFailure)) throw cause;
    expect(cause.exit).toBe(EXIT.configuration);
    expect(cause.faults).toHaveLength(1);
    const [fault] = cause.faults;
    if (fault !== undefined) return fault;
  }
  throw new Error("nothing was refused");
}

function config(identity: string): EngineConfig {
  return {
    role: "client",
    identity,
    listen: [],
    tun: "jvpn-port-test",
    mtu: 1420,
    disable: [],
    workers: 1,
    mark: 0,
    rekeyAfterS: 120,
    rejectAfterS: 180,
    rekeyAfterPackets: 2 ** 27,
  };
}
