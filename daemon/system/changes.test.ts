import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Prefix, parsePrefix } from "#daemon/net/address";
import { backstopOf } from "./backstop.ts";
import type { Change } from "./change.ts";
import { SystemChanges } from "./changes.ts";
import type { Machine } from "./machine.ts";
import { Tunnel } from "./tunnel.ts";
import { UndoJournal } from "./undo-journal.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-undo-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const RULE: Change = { kind: "ip", family: 4, args: ["rule", "add", "pref", "1"], undo: ["rule", "del", "pref", "1"] };
const ROUTE: Change = { kind: "ip", family: 4, args: ["route", "add", "x"], undo: ["route", "del", "x"] };
const FULL = backstopOf([network("0.0.0.0/0")], 1);
const FORWARD: Change = { kind: "sysctl", key: "net.ipv4.ip_forward", value: "1" };

test("a change is in the journal before the machine sees it", async () => {
  const machine = new Recorder();
  machine.onRun = () => expect(new UndoJournal(folder).entries).toHaveLength(2);
  const applied = await changesOn(machine).apply([RULE, ROUTE]);
  expect([applied.ok, machine.log]).toEqual([true, ["ip -4 -batch - <rule add pref 1;route add x>"]]);
});

test("the changes of a killed process are undone at the next start, newest first, and then forgotten", async () => {
  const machine = new Recorder();
  await changesOn(machine).apply([RULE, ROUTE, FORWARD]);
  const after = new Recorder();
  expect(await changesOn(after).undoAll()).toEqual([]);
  expect(after.log).toEqual(["net.ipv4.ip_forward=0", "ip -4 route del x", "ip -4 rule del pref 1"]);
  expect(new UndoJournal(folder).entries).toEqual([]);
});

test("when a line fails, only the lines before it are undone", async () => {
  const machine = new Recorder();
  machine.answer = (args) =>
    args.includes("-batch") ? { code: 1, stderr: "RTNETLINK answers: File exists\nCommand failed -:2" } : { code: 0, stderr: "" };
  const applied = await changesOn(machine).apply([FORWARD, RULE, ROUTE]);
  expect(applied).toEqual({ ok: false, why: "`ip -4 route add x`: RTNETLINK answers: File exists" });
  expect(machine.log.slice(-2)).toEqual(["ip -4 rule del pref 1", "net.ipv4.ip_forward=0"]);
  expect(new UndoJournal(folder).entries).toEqual([]);
});

test("a sysctl that already has the value is neither set nor undone", async () => {
  const machine = new Recorder();
  machine.sysctls.set("net.ipv4.ip_forward", "1");
  const applied = await changesOn(machine).apply([FORWARD]);
  expect([applied, machine.log]).toEqual([{ ok: true, undos: [] }, []]);
});

test("the undo of a change that no longer exists succeeds, any other failure is reported", async () => {
  const machine = new Recorder();
  const changes = changesOn(machine);
  await changes.apply([RULE, ROUTE]);
  machine.answer = (args) => ({
    code: 2,
    stderr: args.includes("route") ? 'Cannot find device "jvpn0"' : "RTNETLINK answers: Operation not permitted",
  });
  expect(await changes.undoAll()).toEqual(["RTNETLINK answers: Operation not permitted"]);
});

test("the tunnel follows the newest wish, and the same wish twice changes nothing", async () => {
  const machine = new Recorder();
  const tunnel = new Tunnel(changesOn(machine), "jvpn0", 1420, { changed: () => {}, warned: () => {} });
  const plan = (changes: Change[]) => ({
    addresses: ["10.80.0.2/32"],
    routes: [],
    mtu: 1400,
    backstop: [],
    changes,
    warnings: [],
  });
  void tunnel.wish(plan([RULE]));
  void tunnel.wish(null);
  await tunnel.wish(plan([ROUTE]));
  await tunnel.wish(plan([ROUTE]));
  expect(machine.log).toEqual(["ip -4 -batch - <rule add pref 1>", "ip -4 rule del pref 1", "ip -4 -batch - <route add x>"]);
  expect(tunnel.view).toMatchObject({ state: "configured", addresses: ["10.80.0.2/32"], mtu: 1400 });
});

test("a tunnel fails if its journal cannot be written, and the next wish is tried", async () => {
  const changes = changesOn(new Recorder());
  const tunnel = new Tunnel(changes, "jvpn0", 1420, { changed: () => {}, warned: () => {} });
  const undo = changes.undo.bind(changes);
  changes.undo = () => Promise.reject(new Error("no space left"));
  await tunnel.wish(null);
  await tunnel.wish({ addresses: [], routes: [], mtu: 1400, backstop: [], changes: [RULE], warnings: [] });
  expect(tunnel.view).toMatchObject({ state: "failed", error: "no space left" });
  changes.undo = undo;
  await tunnel.wish({ addresses: [], routes: [], mtu: 1400, backstop: [], changes: [RULE], warnings: [] });
  expect(tunnel.view).toMatchObject({ state: "configured", error: null });
});

test("the backstop outlives the process, is made once, and goes when an operator releases it", async () => {
  await changesOn(new Recorder()).stand(FULL);
  const after = new Recorder();
  after.answer = (args) =>
    args.includes("-batch") ? { code: 2, stderr: "RTNETLINK answers: File exists\nCommand failed -:1" } : { code: 0, stderr: "" };
  const changes = changesOn(after);
  expect([await changes.undoAll(), changes.closed]).toEqual([[], ["0.0.0.0/0"]]);
  expect([await changes.stand(FULL), new UndoJournal(folder).entries.length]).toEqual([null, 3]);
  expect([await changes.release(), changes.closed, new UndoJournal(folder).entries]).toEqual([[], [], []]);
  expect(after.log).toEqual([
    "ip -4 -force -batch - <route add unreachable default table 4774 metric 4294967295;rule add pref 14773 lookup main suppress_prefixlength 0;rule add pref 14774 not fwmark 0x1 lookup 4774>",
    "ip -4 rule del pref 14774 not fwmark 0x1 lookup 4774",
    "ip -4 rule del pref 14773 lookup main suppress_prefixlength 0",
    "ip -4 route del unreachable default table 4774 metric 4294967295",
  ]);
});

test("a changed backstop closes the new networks before it opens the others", async () => {
  const machine = new Recorder();
  const changes = changesOn(machine);
  await changes.stand(backstopOf([network("10.1.0.0/16")], 1));
  await changes.stand(backstopOf([network("10.2.0.0/16")], 1));
  expect(machine.log.slice(1)).toEqual([
    "ip -4 -force -batch - <route add unreachable 10.2.0.0/16 metric 4294967295>",
    "ip -4 route del unreachable 10.1.0.0/16 metric 4294967295",
  ]);
  expect(changes.closed).toEqual(["10.2.0.0/16"]);
});

test("a tunnel whose backstop cannot be made is not set up", async () => {
  const machine = new Recorder();
  machine.answer = (args) => ({ code: args.includes("-force") ? 2 : 0, stderr: "RTNETLINK answers: Operation not permitted" });
  const tunnel = new Tunnel(changesOn(machine), "jvpn0", 1420, { changed: () => {}, warned: () => {} });
  await tunnel.wish({ addresses: [], routes: ["0.0.0.0/0"], mtu: 1400, backstop: FULL, changes: [ROUTE], warnings: [] });
  expect(tunnel.view).toMatchObject({ state: "failed", closed: ["0.0.0.0/0"] });
  expect(tunnel.view.error).toMatch(/the backstop cannot be made: `ip -4`: RTNETLINK answers: Operation not permitted/);
  expect(machine.log).toHaveLength(1);
});

test("what the tunnel carries is open, and closed again without it", async () => {
  const tunnel = new Tunnel(changesOn(new Recorder()), "jvpn0", 1420, { changed: () => {}, warned: () => {} });
  const held: (readonly string[])[] = [];
  const holding = (closed: readonly string[]) => {
    held.push(closed);
    return { addresses: [], routes: [], mtu: 1400, backstop: null, changes: [RULE], warnings: [] };
  };
  await tunnel.hold(holding);
  await tunnel.wish({ addresses: [], routes: ["0.0.0.0/0"], mtu: 1400, backstop: FULL, changes: [ROUTE], warnings: [] });
  expect(tunnel.view.closed).toEqual([]);
  await tunnel.hold(holding);
  expect([tunnel.view.state, tunnel.view.closed, held]).toEqual(["unconfigured", ["0.0.0.0/0"], [["0.0.0.0/0"]]]);
  await tunnel.wish(null);
  expect(tunnel.view.closed).toEqual(["0.0.0.0/0"]);
});

function network(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`no network: ${text}`);
  return prefix;
}

function changesOn(machine: Machine): SystemChanges {
  return new SystemChanges(machine, new UndoJournal(folder));
}

class Recorder implements Machine {
  readonly log: string[] = [];
  readonly sysctls = new Map([["net.ipv4.ip_forward", "0"]]);
  answer: (args: readonly string[]) => Awaited<ReturnType<Machine["run"]>> = () => ({ code: 0, stderr: "" });
  onRun: () => void = () => {};

  async run(program: string, args: readonly string[], stdin: string): ReturnType<Machine["run"]> {
    this.onRun();
    this.log.push([program, ...args].join(" ") + (stdin === "" ? "" : ` <${stdin.trim().replaceAll("\n", ";")}>`));
    return this.answer(args);
  }

  readSysctl(key: string): string | null {
    return this.sysctls.get(key) ?? null;
  }

  writeSysctl(key: string, value: string): void {
    this.log.push(`${key}=${value}`);
    this.sysctls.set(key, value);
  }
}
