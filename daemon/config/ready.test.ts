import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parsePrefix } from "#daemon/net/address";
import { localNetworks, overlapsOf } from "#daemon/net/local-networks";
import { generateKey } from "#daemon/ports/engine";
import { loadSettings, type Settings } from "./load.ts";
import { keyFaults, machineFaults, policyWarnings } from "./ready.ts";

let folder: string;
let own: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-ready-"));
  own = generateKey(join(folder, "k"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a machine that has all that the configuration needs has no faults", () => {
  expect(machineFaults(settings({}))).toEqual([]);
});

test("a key that is empty, binary, public, missing or open to others is found before the start", () => {
  const file = join(folder, "bad");
  const hints = ["", "\u0000\u0001", own, `jvps1:${"A".repeat(43)}`].map((content) => {
    writeFileSync(file, content, { mode: 0o644 });
    chmodSync(file, content.startsWith("jvps1") ? 0o644 : 0o600);
    return keyFaults(settings({ identity: "bad" }))[0]?.what ?? "none";
  });
  expect(hints.slice(0, 3)).toEqual(hints.slice(0, 3).map(() => `the key file ${file} holds no private key`));
  expect(hints[3]).toBe(`the key file ${file} is refused`);
  expect(keyFaults(settings({ identity: "none" }))[0]?.hint).toContain("jvpn genkey");
});

test("a client with the gateway's own key is named", () => {
  expect(machineFaults(settings({ key: own })).map(({ what }) => what)).toEqual(['the client "van" has this gateway\'s own key']);
});

test("an interface that exists, and a pool that is a network of this machine, are refused by name", () => {
  const [name = "", addresses = []] = Object.entries(networkInterfaces()).find(([other]) => other !== "lo") ?? [];
  if (name === "") return; // a machine without a network has neither
  expect(machineFaults(settings({ device: name }))[0]?.what).toBe(`[tunnel] interface cannot be ${name}`);
  const v4 = addresses
    .find(({ family }) => family === "IPv4")
    ?.address.split(".")
    .slice(0, 3)
    .join(".");
  if (v4 === undefined) return;
  const [fault] = machineFaults(settings({ pool: `${v4}.0/24` }));
  expect([fault?.what, fault?.why]).toEqual([`the pool ${v4}.0/24 cannot be used`, expect.stringContaining(name)]);
});

test("networks overlap if one contains the other", () => {
  const network = (text: string) => parsePrefix(text) ?? fail(text);
  const locals = [{ interface: "lan0", network: network("10.50.0.0/24") }];
  const wanted = ["10.50.0.0/24", "10.0.0.0/8", "10.50.0.128/25", "10.51.0.0/16", "fd00::/8"].map(network);
  expect(overlapsOf(wanted, locals).map((pair) => wanted.indexOf(pair.wanted))).toEqual([0, 1, 2]);
  expect(localNetworks("none").every(({ interface: name }) => name !== "lo")).toBe(true);
});

test("a policy that is missing or broken, and an override for nobody, are found", () => {
  const file = join(folder, "gateway.toml");
  expect(policyWarnings(file, settings({}))).toEqual({ faults: [], warnings: [] });
  expect(policyWarnings(file, settings({ daemon: '[daemon]\npolicy = "none.toml"\n' })).faults[0]?.what).toMatch(
    /cannot be read/,
  );
  const policy = `schema = "jumping-vpn/policy/v1"\nname = "p"\npreset = "standard"\n`;
  writeFileSync(join(folder, "policy.toml"), `${policy}[[override]]\nmatch = { group = "nobody" }\nkeepalive = "10s"\n`);
  expect(policyWarnings(file, settings({})).warnings.map(({ what }) => what)).toEqual([
    'the override for the group "nobody" has no effect',
  ]);
  writeFileSync(join(folder, "policy.toml"), "nonsense");
  expect(policyWarnings(file, settings({})).faults).toHaveLength(1);
});

function fail(text: string): never {
  throw new Error(`no network: ${text}`);
}

interface Parts {
  readonly identity?: string;
  readonly pool?: string;
  readonly device?: string;
  readonly key?: string;
  readonly daemon?: string;
}

function settings({ identity = "k", pool = "10.80.0.0/16", device = "jvpn9", key, daemon = "" }: Parts): Settings {
  const file = join(folder, "gateway.toml");
  const client = `[[client]]\nname = "van"\nkey = "${key ?? `jvpk1:${"A".repeat(43)}`}"\n`;
  const gateway = `[gateway]\nlisten = ["0.0.0.0"]\nidentity = "${identity}"\npools = ["${pool}"]\n`;
  writeFileSync(file, `${gateway}[tunnel]\ninterface = "${device}"\n${daemon}${client}`);
  const loaded = loadSettings("gateway", file);
  if (!loaded.ok) throw new Error(loaded.faults[0]?.what);
  return loaded.value;
}
