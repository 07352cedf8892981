import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadSettings } from "#daemon/config/load";
import { Daemon } from "#daemon/daemon";
import { placesOf } from "#daemon/options";
import { generateKey } from "#daemon/ports/engine";
import { openStore } from "#daemon/store/database";
import { SystemChanges } from "#daemon/system/changes";
import type { Machine } from "#daemon/system/machine";
import { UndoJournal } from "#daemon/system/undo-journal";
import type { Command, Report } from "#kernel/contract/engine.generated";
import { Control, type EventRecord, isGap } from "#sdk/index";
import { gatewayPath } from "../../transcripts/scene.ts";

const KEYS = ["A", "E", "I"].map((last) => `jvpk1:${"A".repeat(42)}${last}`);
const QUIET: Machine = { run: async () => ({ code: 0, stderr: "" }), readSysctl: () => "1", writeSysctl: () => {} };

let folder: string;
let file: string;
let daemon: Daemon;
let control: Control;
const applied: Command[] = [];
let waiting: Report[] = [];
let wake: () => void = () => {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-policy-control-"));
  file = join(folder, "policy.toml");
  writeFileSync(file, policy("max_per_min = 4"));
  generateKey(join(folder, "k"));
  const configFile = join(folder, "gateway.toml");
  const clients = KEYS.map(
    (key, index) => `[[client]]\nname = "van-${index}"\nkey = "${key}"\n${index === 1 ? 'group = "field"\n' : ""}`,
  );
  writeFileSync(
    configFile,
    `[gateway]\nlisten = ["0.0.0.0:4774"]\nidentity = "k"\npools = ["10.80.0.0/16"]\n${clients.join("")}[daemon]\nnode = "fra-2"\n`,
  );
  const loaded = loadSettings("gateway", configFile);
  if (!loaded.ok) throw new Error(loaded.faults[0]?.what);
  const places = placesOf(configFile, loaded.value, { socket: join(folder, "s"), state: folder });
  let now = 1_000_000;
  daemon = new Daemon({
    version: "0.1.0",
    configFile,
    settings: loaded.value,
    places,
    log: pino({ level: "silent" }),
    store: openStore(folder),
    machine: QUIET,
    changes: new SystemChanges(QUIET, new UndoJournal(folder)),
    startEngine: (_config, onReports) => {
      wake = onReports;
      return {
        apply: (commands) => void applied.push(...commands),
        drain: () => {
          const reports = waiting.map((report) => ({ atUs: 0, report }));
          waiting = [];
          return { reports, lost: 0, waiting: 0 };
        },
        stop: () => {},
      };
    },
    bootMs: () => now++,
    ended: () => {},
  });
  await daemon.start();
  control = new Control({ socket: places.socket });
});

afterAll(async () => {
  try {
    await daemon.end(0, { release: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a session uses the file's policy", async () => {
  expect(await arrive(1, 0)).toMatchObject({ state: "ATTACHED", policy: "standard@1", budget: { switches: { max: 4 } } });
});

test("a diff shows values and effects, and changes nothing", async () => {
  const { from, changes } = await control.policyDiff(offered("max_per_min = 6"));
  expect([from, changes]).toMatchObject([
    { name: "standard", version: 1 },
    [{ key: "switch.max_per_min", group: null, old: "4", new: "6", effect: "sessions may switch more often" }],
  ]);
  expect((await control.policyHistory()).total).toBe(1);
});

test("an apply reaches running sessions, the engine and the record, with its operator", async () => {
  applied.length = 0;
  expect(await control.policyApply(offered("max_per_min = 6"))).toMatchObject({
    version: 2,
    previous: 1,
    changed: true,
    written: null,
  });
  expect((await control.status()).view.sessions).toMatchObject([
    { state: "ATTACHED", policy: "standard@2", budget: { switches: { max: 6 } } },
  ]);
  expect(applied.filter((command) => command.type === "SetPeer").map(({ peer }) => peer.offer.switchesPerMin)).toEqual([6, 6, 6]);
  expect((await records()).at(-1)).toMatchObject({
    type: "PolicyApplied",
    policy: "standard@2",
    actor: expect.stringMatching(/^operator:(?!operator)/),
  });
});

test("an invalid policy is refused with all its faults; only the refusal is recorded", async () => {
  const bad = { text: `${policy("max_per_min = 0")}cooldown = "9h"\n`, file: "/tmp/bad.toml" };
  await expect(control.policyApply(bad)).rejects.toMatchObject({
    code: "policy_invalid",
    message: expect.stringContaining("/tmp/bad.toml:3: switch.max_per_min"),
    faults: [{ line: 3 }, { line: 4 }],
  });
  expect((await records()).at(-1)).toMatchObject({ type: "ConfigFailure", actor: expect.stringContaining("operator:") });
  expect((await control.status()).view.policy).toMatchObject({ version: 2, valid: true });
});

test("a reload with an invalid file denies new sessions, keeps the running one, and the status says why", async () => {
  writeFileSync(file, policy("max_per_min = 9000"));
  await daemon.reload();
  expect(await arrive(2, 2)).toMatchObject({ state: "TERMINATED", reason: "policy_invalid" });
  const { view } = await control.status();
  expect(view.policy).toMatchObject({
    version: 2,
    valid: false,
    errors: [expect.stringContaining(`${file}:3: switch.max_per_min`)],
  });
  expect(view.sessions.find(({ handle }) => handle === 1)).toMatchObject({ state: "ATTACHED", policy: "standard@2" });
  expect(await control.policyExplain()).toMatchObject({ newSessions: { allowed: false, reason: "policy_invalid" } });
  expect((await records()).filter(({ type }) => type === "ConfigFailure")).toHaveLength(2);
});

test("a rollback brings the old values back as a new version, and new sessions are accepted again", async () => {
  expect(await control.policyRollback(1)).toMatchObject({ version: 3, previous: 2, changes: [{ old: "6", new: "4" }] });
  expect(await arrive(3, 2)).toMatchObject({ state: "ATTACHED", policy: "standard@3" });
  await expect(control.policyRollback(77)).rejects.toMatchObject({ code: "not_found" });
});

test("the history has the actor, the time and the text of each version", async () => {
  const { versions } = await control.policyHistory();
  expect(versions.map(({ version, origin, inForce }) => [version, origin, inForce])).toEqual([
    [3, "rollback", true],
    [2, "apply", false],
    [1, "file", false],
  ]);
  expect((await control.policyVersion(2)).text).toBe(policy("max_per_min = 6"));
});

test("with `write` the file has the text, and a reload changes nothing", async () => {
  expect(await control.policyApply(offered("max_per_min = 7"), { write: true })).toMatchObject({ version: 4, written: file });
  await daemon.reload();
  expect([readFileSync(file, "utf8"), (await control.policyExplain()).policy]).toMatchObject([
    policy("max_per_min = 7"),
    { version: 4, overFile: false, valid: true },
  ]);
});

test("explain shows what a session may do now, which clocks run, and how its paths rank", async () => {
  const [session] = (await control.policyExplain("s-0001")).sessions;
  expect(session).toMatchObject({
    state: "ATTACHED",
    budget: { switches: { used: 0, max: 7, electiveMax: 3 }, recoveries: { max: 30 } },
    moves: [
      { kind: "elective", allowed: true, retryAfterMs: 0 },
      { kind: "emergency", allowed: true },
      { kind: "revalidate", allowed: true },
      { kind: "restore", allowed: true },
    ],
    clocks: [{ reason: "session_lifetime_exceeded", limitMs: 43_200_000 }],
    paths: [{ path: 1, active: true, comparison: null, rank: { priority: 0, metered: 0 } }],
  });
  await expect(control.policyExplain("s-none")).rejects.toMatchObject({ code: "not_found" });
});

test("the MTU of a session is the smaller of the tunnel's and its group's policy", async () => {
  const text = `${policy("max_per_min = 4")}[[override]]\nmatch = { group = "field" }\nmtu = 1300\n`;
  await control.policyApply({ text, file: "x" });
  await arrive(4, 1);
  const accepted = applied.filter((command) => command.type === "AcceptSession");
  expect(accepted.map(({ session, assignment }) => [session, assignment.mtu])).toEqual([
    [3, 1380],
    [4, 1300],
  ]);
});

test("a reload with a key file that the next start would refuse goes on, and says so", async () => {
  chmodSync(join(folder, "k"), 0o644);
  await daemon.reload();
  const { warnings } = (await control.status()).config;
  expect(warnings).toEqual([`the key file ${join(folder, "k")} is refused: its mode 0644 gives access to other users`]);
  chmodSync(join(folder, "k"), 0o600);
  await daemon.reload();
  expect((await control.status()).config.warnings).toEqual([]);
});

test("a reload with an invalid configuration changes nothing, and the status says why until a valid one is read", async () => {
  const good = readFileSync(join(folder, "gateway.toml"), "utf8");
  writeFileSync(join(folder, "gateway.toml"), good.replace("10.80.0.0/16", "10.80.0.0/33"));
  await daemon.reload();
  expect((await control.status()).config).toEqual({
    errors: [expect.stringContaining(`${join(folder, "gateway.toml")}:4: gateway.pools`)],
    warnings: [],
    awaitingRestart: [],
  });
  writeFileSync(join(folder, "gateway.toml"), good.replace(KEYS[1] ?? "", `jvps1:${"B".repeat(43)}`));
  await daemon.reload();
  expect((await control.status()).config.errors).toEqual([
    expect.stringMatching(/client\[1\]\.key is not valid: "\[redacted\]"/),
  ]);
  const thirty = Array.from({ length: 30 }, () => `[[client]]\nname = "van-0"\nkey = "${KEYS[0]}"\n`).join("");
  writeFileSync(join(folder, "gateway.toml"), good.replace("[daemon]", `${thirty}[daemon]`));
  await daemon.reload();
  expect((await control.status()).config.errors).toHaveLength(21);
  writeFileSync(join(folder, "gateway.toml"), good.replace("0.0.0.0:4774", "0.0.0.0:4775"));
  await daemon.reload();
  expect((await control.status()).config).toEqual({ errors: [], warnings: [], awaitingRestart: ["listen"] });
  writeFileSync(join(folder, "gateway.toml"), good);
  await daemon.reload();
  expect((await control.status()).config).toEqual({ errors: [], warnings: [], awaitingRestart: [] });
});

/** The client of `KEYS[client]` completes its handshake; resolves with the resulting session. */
async function arrive(session: number, client: number) {
  const sessionId = `s-000${session}-AAAA`;
  waiting.push({
    type: "HandshakeConfirmed",
    session,
    sessionId,
    clientKey: KEYS[client] ?? "",
    path: 1,
    description: gatewayPath("198.51.100.7:50211"),
    redundant: false,
  });
  wake();
  return (await control.status()).view.sessions.find(({ id }) => id === sessionId);
}

/** All records so far. */
async function records(): Promise<EventRecord[]> {
  const { lastSeq } = (await control.status()).record;
  const seen: EventRecord[] = [];
  const stop = new AbortController();
  for await (const item of control.events({ since: 0, signal: stop.signal })) {
    if (isGap(item)) continue;
    seen.push(item);
    if (item.seq >= lastSeq) stop.abort();
  }
  return seen;
}

function policy(line: string): string {
  return `schema = "jumping-vpn/policy/v1"\n[switch]\n${line}\n`;
}

const offered = (line: string) => ({ text: policy(line), file: "/tmp/new.toml" });
