import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Role } from "#kernel/contract/state";
import { engineConfig } from "./engine-config.ts";
import { loadSettings } from "./load.ts";
import { reloaded } from "./reloaded.ts";

const KEY_A = `jvpk1:${"A".repeat(43)}`;
const KEY_B = `jvpk1:${"B".repeat(42)}A`;

const GATEWAY = `[gateway]
listen = ["0.0.0.0:4774", "[::]"]
identity = "gateway.key"
pools = ["10.80.0.0/16", "fd80::/64"]

[[client]]
name = "van-12"
key = "${KEY_A}"
group = "field"
address = "10.80.0.14"

[[client]]
name = "van-13"
key = "${KEY_B}"
`;

const CLIENT = `[client]
identity = "client.key"

[[gateway]]
address = ["fra-2.example:4774", "[2001:db8::7]:99"]
key = "${KEY_A}"

[tunnel]
routes = ["10.80.0.0/16"]

[[path]]
match = { interface = "wwan*" }
priority = "backup"
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a gateway's file gives its settings, with paths relative to the file", () => {
  expect(load("gateway", GATEWAY)).toMatchObject({
    ok: true,
    value: {
      listen: ["0.0.0.0:4774", "[::]:4774"],
      identity: join(folder, "x.toml", "..", "gateway.key"),
      mtu: 1420,
      clients: [
        { name: "van-12", group: "field", addresses: [{ family: 4, value: 0x0a50000en }] },
        { name: "van-13", group: null, addresses: [] },
      ],
    },
  });
});

test("a client's file gives its settings", () => {
  expect(load("client", CLIENT)).toMatchObject({
    ok: true,
    value: {
      reconnect: true,
      gateways: [
        {
          name: "fra-2.example",
          endpoints: [
            { host: "fra-2.example", port: 4774 },
            { host: "2001:db8::7", port: 99 },
          ],
        },
      ],
      routes: ["10.80.0.0/16"],
      paths: [{ interface: "wwan*", priority: "backup", metered: false }],
    },
  });
});

test.each([
  ["left out", "gateway", GATEWAY, 0],
  ["auto", "gateway", GATEWAY.replace("[gateway]", '[gateway]\nworkers = "auto"'), 0],
  ["16", "gateway", GATEWAY.replace("[gateway]", "[gateway]\nworkers = 16"), 16],
  ["a client's", "client", CLIENT, 1],
] as const)("workers of the engine: %s", (_, role, text, workers) => {
  const loaded = load(role, text);
  expect(loaded.ok && engineConfig(loaded.value).workers).toBe(workers);
});

test("a changed number of workers takes effect after a restart", () => {
  const [running, fresh] = [GATEWAY, GATEWAY.replace("[gateway]", "[gateway]\nworkers = 2")].map((text) => load("gateway", text));
  if (running?.ok !== true || fresh?.ok !== true) throw new Error("both are valid");
  expect(reloaded(running.value, fresh.value)).toMatchObject({ kept: ["workers"], settings: { workers: "auto" } });
});

test.each([
  ["auto", 2 ** 27],
  [2_032, 2 ** 27],
  [2_033, 133_177_280],
  [9_000, 30_460_760],
] as const)("with an MTU of %s a key seals at most as many packets as its cipher can bear", (mtu, packets) => {
  const loaded = load("gateway", GATEWAY.replace("[[client]]", `[tunnel]\nmtu = ${JSON.stringify(mtu)}\n[[client]]`));
  expect(loaded.ok && engineConfig(loaded.value).rekeyAfterPackets).toBe(packets);
});

describe("every fault says where and what it is, why, and what to do", () => {
  const gateway: readonly [name: string, from: string, to: string, line: number, what: RegExp, hint: RegExp][] = [
    ["an unknown key", "identity =", "idenity =", 3, /unknown key `idenity` in gateway/, /did you mean `identity`/],
    [
      "an unknown table",
      '[[client]]\nname = "van-13"',
      '[[clinet]]\nname = "van-13"',
      12,
      /unknown key `clinet` at the top level/,
      /`client`/,
    ],
    ["a missing key", 'pools = ["10.80.0.0/16", "fd80::/64"]', "", 1, /gateway.pools is missing/, /add gateway.pools/],
    ["a wrong type", 'pools = ["10.80.0.0/16", "fd80::/64"]', "pools = 7", 4, /gateway.pools is not valid: 7/, /correct/],
    ["a bad address", '"0.0.0.0:4774"', '"0.0.0.0:99999"', 2, /gateway.listen\[0\] is not valid: "0.0.0.0:99999"/, /correct/],
    ["a pool with host bits", "10.80.0.0/16", "10.80.0.1/16", 4, /gateway.pools\[0\] is not valid/, /correct/],
    ["two pools of one family", "fd80::/64", "10.81.0.0/16", 4, /two pools of one address family/, /keep one/],
    ["a bad key", KEY_B, "jvpk1:tooshort", 14, /client\[1\].key is not valid/, /correct/],
    ["a private key in the wrong place", KEY_B, `jvps1:${"B".repeat(43)}`, 14, /client\[1\].key is not valid/, /correct/],
    ["a duplicate client key", KEY_B, KEY_A, 14, /duplicate client key/, /own/],
    ["a duplicate client name", '"van-13"', '"van-12"', 13, /duplicate client name "van-12"/, /own/],
    ["a duplicate address", 'name = "van-13"', 'name = "van-13"\naddress = "10.80.0.14"', 14, /duplicate client address/, /own/],
    [
      "an address outside the pool",
      "10.80.0.14",
      "10.90.0.14",
      10,
      /client address 10.90.0.14 cannot be used/,
      /inside the pool/,
    ],
    ["the gateway's own address", "10.80.0.14", "10.80.0.1", 10, /client address 10.80.0.1 cannot be used/, /inside the pool/],
    ["no worker", "[gateway]", "[gateway]\nworkers = 0", 2, /gateway.workers is not valid: 0/, /correct/],
    ["too many workers", "[gateway]", "[gateway]\nworkers = 17", 2, /gateway.workers is not valid: 17/, /correct/],
    [
      "a word as the number of workers",
      "[gateway]",
      '[gateway]\nworkers = "many"',
      2,
      /gateway.workers is not valid: "many"/,
      /correct/,
    ],
    [
      "more packets under one key than any MTU allows",
      "[[client]]",
      "[engine]\nrekey_after_packets = 134217729\n[[client]]",
      7,
      /engine.rekey_after_packets is not valid: 134217729/,
      /correct/,
    ],
    [
      "more packets under one key than this MTU allows",
      "[[client]]",
      "[tunnel]\nmtu = 9000\n[engine]\nrekey_after_packets = 134217728\n[[client]]",
      9,
      /engine.rekey_after_packets is too large: 134217728/,
      /use at most 30460760, or leave it out/,
    ],
    [
      "a key that is refused before its rekey",
      "[[client]]",
      "[engine]\nreject_after_s = 120\n[[client]]",
      7,
      /engine.reject_after_s is too small/,
      /use more than 120/,
    ],
    ["a line that is not TOML", "[gateway]", "[gateway", 1, /not valid TOML/, /correct the line/],
  ];
  test.each(gateway)("%s (gateway)", (_, from, to, line, what, hint) =>
    expectFault("gateway", GATEWAY.replace(from, to), line, what, hint),
  );

  const client: readonly [name: string, from: string, to: string, line: number, what: RegExp, hint: RegExp][] = [
    ["a bad endpoint", "fra-2.example:4774", "fra-2.example:x", 5, /gateway\[0\].address/, /correct/],
    ["a bad priority", '"backup"', '"sometimes"', 13, /path\[0\].priority is not valid/, /correct/],
    ["an unknown key inside an inline table", "{ interface = ", "{ interfaces = ", 12, /path\[0\].match/, /interface/],
    ["a setting that is not available yet", "[tunnel]", '[tunnel]\nguard = "strict"', 9, /tunnel.guard is not valid/, /correct/],
    [
      "a duplicate gateway",
      "[tunnel]",
      `[[gateway]]\naddress = "b:1"\nkey = "${KEY_A}"\n[tunnel]`,
      10,
      /duplicate gateway key/,
      /one/,
    ],
  ];
  test.each(client)("%s (client)", (_, from, to, line, what, hint) =>
    expectFault("client", CLIENT.replace(from, to), line, what, hint),
  );
});

test("the fault of a missing file says how to write one", () => {
  expect(loadSettings("client", join(folder, "none.toml"))).toMatchObject({
    ok: false,
    faults: [{ hint: expect.stringContaining("jvpn init") }],
  });
});

test.each([
  [
    "gateway",
    GATEWAY.replace(/\[\[client\]\][\s\S]*/, `[client]\nname = "van"\nkey = "${KEY_A}"\n`),
    "[client] is a list here",
    "write [[client]]",
  ],
  ["client", CLIENT.replace("[[gateway]]", "[gateway]"), "[gateway] is a list here", "write [[gateway]]"],
  ["gateway", GATEWAY.replace("[gateway]", "[[gateway]]"), "[[gateway]] is no list here", "write [gateway], once"],
  ["client", CLIENT.replace("[client]", "[[client]]"), "[[client]] is no list here", "write [client], once"],
  [
    "client",
    GATEWAY,
    "this is the configuration of a gateway, not of a client",
    "name the file of the client, or run it as a gateway",
  ],
  [
    "gateway",
    CLIENT,
    "this is the configuration of a client, not of a gateway",
    "name the file of the gateway, or run it as a client",
  ],
] as const)("a table that is meant as a list, or the other role's file, is one fault: %s %#", (role, text, what, hint) => {
  const loaded = load(role, text);
  expect(loaded.ok ? [] : loaded.faults.map((fault) => [fault.what, fault.hint])).toEqual([[what, hint]]);
});

test("of two thousand bad keys the first twenty are shown, with the number of the others", () => {
  const clients = Array.from({ length: 2_000 }, (_, index) => `[[client]]\nname = "van-${index}"\nkey = "bad"\n`).join("");
  const loaded = load("gateway", GATEWAY.replace(/\[\[client\]\][\s\S]*/, clients));
  const faults = loaded.ok ? [] : loaded.faults;
  expect([faults.length, faults[19]?.what, faults[20]?.what]).toEqual([
    21,
    'client[19].key is not valid: "bad"',
    "1980 more faults",
  ]);
});

test.each(["0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/8", "169.254.1.0/24", "fe80::/64", "ff00::/16", "::/0"])(
  "the pool %s is refused",
  (pool) =>
    expectFault(
      "gateway",
      GATEWAY.replace('"10.80.0.0/16", "fd80::/64"', `"${pool}"`),
      4,
      /the pool .* cannot be used/,
      /private/,
    ),
);

test.each([
  ['"0.0.0.0:4774", "0.0.0.0"', /cannot listen on 0.0.0.0 and on 0.0.0.0:4774/],
  ['"192.0.2.1:9", "0.0.0.0:9"', /cannot listen on 0.0.0.0:9 and on 192.0.2.1:9/],
  ['"[::]", "[2001:db8::1]"', /cannot listen on \[2001:db8::1\] and on \[::\]/],
])("listening on %s is refused", (listen, what) => {
  expectFault("gateway", GATEWAY.replace('"0.0.0.0:4774", "[::]"', listen), 2, what, /remove one/);
});

test("several addresses, ports and families can be listened on", () => {
  const listen = '"192.0.2.1", "192.0.2.2", "0.0.0.0:99", "[::]"';
  expect(load("gateway", GATEWAY.replace('"0.0.0.0:4774", "[::]"', listen)).ok).toBe(true);
});

test.each(["lo", "all", "default", ".."])("the interface %s is refused", (name) => {
  expectFault("client", CLIENT.replace("[tunnel]", `[tunnel]\ninterface = "${name}"`), 9, /tunnel.interface/, /tunnel.interface/);
});

test("what has no end or no text is refused without being read", () => {
  for (const file of ["/dev/zero", "/dev/null", folder]) {
    const loaded = loadSettings("client", file);
    expect(loaded.ok ? "" : loaded.faults[0]?.why).toBe("it is not a regular file");
  }
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  expect(loadSettings("client", fifo)).toMatchObject({ ok: false, faults: [{ why: "it is not a regular file" }] });
  expect(loadSettings("client", "/etc/passwd/x")).toMatchObject({
    ok: false,
    faults: [{ why: expect.stringMatching(/a file, not a folder/) }],
  });
});

function load(role: Role, text: string) {
  const file = join(folder, "x.toml");
  writeFileSync(file, text);
  return loadSettings(role, file);
}

function expectFault(role: Role, text: string, line: number, what: RegExp, hint: RegExp): void {
  const loaded = load(role, text);
  const fault = loaded.ok ? undefined : loaded.faults[0];
  expect(fault).toMatchObject({
    file: join(folder, "x.toml"),
    line,
    what: expect.stringMatching(what),
    hint: expect.stringMatching(hint),
  });
  expect(fault?.why).not.toBe("");
}
