import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadSettings } from "#daemon/config/load";
import { Daemon } from "#daemon/daemon";
import { createLog } from "#daemon/log/log";
import { placesOf } from "#daemon/options";
import type { EnginePort } from "#daemon/ports/engine";
import { openStore, type Store } from "#daemon/store/database";
import { SystemChanges } from "#daemon/system/changes";
import type { Machine } from "#daemon/system/machine";
import { UndoJournal } from "#daemon/system/undo-journal";
import type { Command, Report } from "#kernel/contract/engine.generated";
import { Control, ControlError, isGap } from "#sdk/index";
import { gatewayPath } from "../../transcripts/scene.ts";
import { claimSocket } from "./socket.ts";

const KEY = `jvpk1:${"A".repeat(43)}`;
const OTHER = `jvpk1:${"B".repeat(42)}A`;

let folder: string;
let daemon: Daemon;
let engine: RecordingEngine;
let store: Store;
let control: Control;
let ended: number | null = null;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-control-"));
  const configFile = join(folder, "gateway.toml");
  writeFileSync(
    configFile,
    `[gateway]\nlisten = ["0.0.0.0:4774"]\nidentity = "k"\npools = ["10.80.0.0/16"]\n[[client]]\nname = "van"\nkey = "${KEY}"\n[[client]]\nname = "sat"\nkey = "${OTHER}"\n[daemon]\nnode = "fra-2"\n`,
  );
  const loaded = loadSettings("gateway", configFile);
  if (!loaded.ok) throw new Error(loaded.faults[0]?.what);
  const places = placesOf(configFile, loaded.value, { socket: join(folder, "s"), state: folder });
  engine = new RecordingEngine();
  store = openStore(folder);
  let now = 1_000_000;
  daemon = new Daemon({
    version: "0.1.0",
    configFile,
    settings: loaded.value,
    places,
    log: createLog("error"),
    store,
    machine: QUIET,
    changes: new SystemChanges(QUIET, new UndoJournal(folder)),
    startEngine: (_config, onReports) => engine.started(onReports),
    bootMs: () => now++,
    ended: (exit) => {
      ended = exit;
    },
  });
  await daemon.start();
  control = new Control({ socket: places.socket });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("only the owner and group may use the socket", () => {
  expect(statSync(join(folder, "s")).mode & 0o777).toBe(0o660);
});

test("a second daemon is refused with the pid of the first one", async () => {
  await expect(claimSocket(join(folder, "s"))).rejects.toThrow(`already running (pid ${process.pid})`);
});

test("the socket file of a killed daemon is replaced, a file that is not a socket is not", async () => {
  const stale = join(folder, "stale");
  await leaveStaleSocket(stale);
  await claimSocket(stale);
  expect(() => statSync(stale)).toThrow(/ENOENT/);
  await expect(claimSocket(join(folder, "gateway.toml"))).rejects.toThrow(/control socket cannot be/);
});

test("the engine gets the clients of the configuration", () => {
  expect(engine.commands.filter((command) => command.type === "SetPeer")).toMatchObject([
    { peer: { key: KEY } },
    { peer: { key: OTHER } },
  ]);
});

describe("a client that has connected", () => {
  beforeAll(async () => {
    engine.report({
      type: "HandshakeConfirmed",
      session: 1,
      sessionId: "s-7QF2-9KXD",
      clientKey: KEY,
      path: 1,
      description: gatewayPath("198.51.100.7:50211"),
      redundant: false,
    });
    await control.waitFor("ATTACHED", 5_000);
  });

  test("gets its lease through the engine when it is accepted", () => {
    expect(engine.commands.filter((command) => command.type === "AcceptSession")).toMatchObject([
      { session: 1, assignment: { v4: "10.80.0.2", v4Prefix: 16 } },
    ]);
  });

  test("appears in status, sessions and paths, and the version is known", async () => {
    expect(await control.status()).toMatchObject({
      node: "fra-2",
      role: "gateway",
      tunnel: { state: "configured", addresses: ["10.80.0.1/16"] },
    });
    expect(await control.sessions()).toMatchObject({
      total: 1,
      sessions: [{ id: "s-7QF2-9KXD", state: "ATTACHED", peer: { name: "van" } }],
    });
    expect(await control.paths()).toMatchObject({ sessions: [{ session: "s-7QF2-9KXD" }] });
    expect(await control.version()).toMatchObject({ version: "0.1.0", role: "gateway" });
  });

  test.each(["s-7QF2-9KXD", "s-7QF2", "7qf2", "7"])("is found as %s", async (id) => {
    expect((await control.session(id)).session.id).toBe("s-7QF2-9KXD");
  });

  test("has a timeline that begins with the creation of its session", async () => {
    const { events, truncated } = await control.timeline("7qf2");
    expect([truncated, events.map((event) => event.type).slice(0, 2)]).toEqual([false, ["SessionCreated", "SessionStateChange"]]);
  });

  test.each([
    ["an unknown session", () => control.session("s-none"), "not_found"],
    ["an unknown path", () => control.switch("7qf2", "wlan9/udp4"), "unknown_path"],
    ["a termination without a reason", () => control.terminate("7qf2", ""), "bad_request"],
    ["a reason of two lines", () => control.terminate("7qf2", "a\nb"), "bad_request"],
  ])("keeps its session when a request is refused: %s", async (_, act, code) => {
    await expect(act()).rejects.toMatchObject({ code });
    expect((await control.session("7qf2")).session.state).toBe("ATTACHED");
  });

  test("is on its active path already, which is no failure", async () => {
    expect((await control.switch("7qf2", "1")).value).toMatchObject({ alreadyActive: true });
  });

  test("is asked to switch; it denies, and the operator gets its reason and time", async () => {
    const remote = "198.51.100.7:50212";
    engine.report({ type: "PathValidated", session: 1, path: 2, description: gatewayPath(remote), rttUs: 9_000 });
    const denied = control.switch("7qf2", "2").catch((cause: unknown) => cause);
    await engine.commanded("RequestSwitch");
    engine.report({ type: "SwitchDenied", session: 1, path: 2, reason: "cooldown_active", retryAfterMs: 1_200 });
    expect(await denied).toMatchObject({
      code: "cooldown_active",
      message: "the client denied the switch to udp4 198.51.100.7:50212: cooldown_active (next in 2 s)",
      deniedBy: "client",
      retryAfterMs: 1_200,
    });
    const { events } = await control.timeline("7qf2");
    expect(events.slice(-2)).toMatchObject([
      { type: "Diagnostic", reason: "switch_requested", actor: expect.stringMatching(/^operator:./) },
      { type: "TransportSwitchDenied", reason: "cooldown_active", actor: "peer" },
    ]);
  });

  test("is asked to switch again; it follows, and the operator gets the answer when it is there", async () => {
    const description = gatewayPath("198.51.100.7:50212");
    const moved = control.switch("7qf2", "2");
    await engine.commanded("RequestSwitch");
    const reason = "switch_requested";
    engine.report({ type: "AttachRequested", session: 1, path: 2, description, bindSeq: 2, kind: "switch", reason });
    expect(await moved).toMatchObject({ value: { requested: "udp4 198.51.100.7:50212", asked: "client" } });
  });

  test("has records that are streamed as they are made, after the requested number", async () => {
    const stop = new AbortController();
    const seen: (string | undefined)[] = [];
    for await (const item of control.events({ since: 0, signal: stop.signal })) {
      if (isGap(item)) continue;
      seen.push(item.type);
      if (item.type === "SessionTerminated") stop.abort();
      if (item.type === "SessionStateChange" && item.from === "BIRTH") await control.terminate("7qf2", "end of test");
    }
    expect(seen).toContain("SessionCreated");
    expect(engine.commands).toContainEqual(expect.objectContaining({ type: "CloseSession", session: 1 }));
  });

  test("cannot be moved after its session has ended, and the refusal names the reason of the end", async () => {
    const refusal = { code: "terminal", why: "it is TERMINATED: operator_terminated" };
    await expect(control.switch("7qf2", "1")).rejects.toMatchObject(refusal);
  });
});

test("a handshake is refused with resource_exhausted if its lease cannot be stored, and the daemon continues", async () => {
  store.exec("PRAGMA query_only = 1");
  engine.report({
    type: "HandshakeConfirmed",
    session: 9,
    sessionId: "s-0000",
    clientKey: OTHER,
    path: 1,
    description: gatewayPath("[::1]:5"),
    redundant: false,
  });
  store.exec("PRAGMA query_only = 0");
  expect(engine.commands).toContainEqual({ type: "RefuseSession", session: 9, reason: "resource_exhausted" });
  expect((await control.status()).role).toBe("gateway");
});

test.each([
  ["GET", "/v1/nonsense", "", 404, "unknown_command"],
  ["DELETE", "/v1/status", "", 404, "unknown_command"],
  ["POST", "/v1/sessions/x/switch", "{", 400, "bad_request"],
  ["POST", "/v1/sessions/x/switch", '{"to":"a","more":1}', 400, "bad_request"],
  ["POST", "/v1/sessions/x/terminate", `{"reason":"${"x".repeat(70_000)}"}`, 400, "bad_request"],
  ["GET", "/v1/events?since=yesterday", "", 400, "bad_request"],
  ["GET", "/v1/sessions?limit=0", "", 400, "bad_request"],
  ["GET", "/v1/sessions?limit=1001", "", 400, "bad_request"],
  ["GET", "/v1/sessions?offset=-1", "", 400, "bad_request"],
  ["GET", "/v1/paths?state=ATTACHED,LOST", "", 400, "bad_request"],
  ["GET", "/v1/paths?page=2", "", 400, "bad_request"],
])("%s %s is refused in three lines", async (method, path, body, status, code) => {
  const answer = await raw(method, path, body);
  expect([answer.status, answer.body]).toMatchObject([
    status,
    { schema: "jumping-vpn/error/v1", code, message: expect.any(String), why: expect.any(String), hint: expect.any(String) },
  ]);
});

test("an operator's shutdown stops the engine, undoes the tunnel and removes the socket", async () => {
  await control.shutdown();
  await expect.poll(() => ended).toBe(0);
  expect(engine.stopped).toBe(true);
  await expect(control.status()).rejects.toBeInstanceOf(ControlError);
  await expect(control.status()).rejects.toMatchObject({ code: "daemon_not_running" });
});

function raw(method: string, path: string, body: string): Promise<{ status: number | undefined; body: unknown }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: join(folder, "s"), method, path, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, body: JSON.parse(text) }));
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

/** A listener that ends without removing its socket file, as after `kill -9`. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.listening`, resolve));
  const { renameSync } = await import("node:fs");
  renameSync(`${path}.listening`, path);
  await new Promise((resolve) => server.close(resolve));
}

const QUIET: Machine = { run: async () => ({ code: 0, stderr: "" }), readSysctl: () => "1", writeSysctl: () => {} };

/** An engine that records its commands and sends the reports of the test. */
class RecordingEngine implements EnginePort {
  readonly commands: Command[] = [];
  stopped = false;
  #waiting: Report[] = [];
  #wake: () => void = () => {};
  #awaited: { readonly type: Command["type"]; readonly come: () => void } | null = null;

  started(wake: () => void): this {
    this.#wake = wake;
    return this;
  }

  report(report: Report): void {
    this.#waiting.push(report);
    this.#wake();
  }

  apply(commands: readonly Command[]): void {
    this.commands.push(...commands);
    if (commands.some(({ type }) => type === this.#awaited?.type)) this.#awaited?.come();
  }

  /** Resolves with the next command of this type. */
  commanded(type: Command["type"]): Promise<void> {
    return new Promise((come) => {
      this.#awaited = { type, come };
    });
  }

  drain() {
    const reports = this.#waiting.map((report) => ({ atUs: 0, report }));
    this.#waiting = [];
    return { reports, lost: 0, waiting: 0 };
  }

  stop(): void {
    this.stopped = true;
  }
}
