import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { StoreOutcome } from "#core/contract";
import { bootMs, type EnginePort, generateKey, startEngine } from "#daemon/ports/engine";
import type { Command, EngineConfig, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { presetPolicy } from "../../transcripts/presets.ts";
import { Loop } from "./loop.ts";

const folder = mkdtempSync(join(tmpdir(), "jvpn-refused-"));
const engines: EnginePort[] = [];
afterAll(() => {
  for (const engine of engines) engine.stop();
  rmSync(folder, { recursive: true });
});

/** Reports of one engine, and promises for reports that are still to come. */
class Reports {
  readonly #all: Report[] = [];
  readonly #waiting: { readonly wanted: (report: Report) => boolean; readonly found: (report: Report) => void }[] = [];

  add(report: Report): void {
    this.#all.push(report);
    for (const { wanted, found } of this.#waiting) if (wanted(report)) found(report);
  }

  /** Resolves with the first report of this type for which `wanted` is true. */
  first<T extends Report["type"]>(type: T, wanted: (report: Extract<Report, { type: T }>) => boolean = () => true) {
    const fits = (report: Report) => report.type === type && wanted(report as Extract<Report, { type: T }>);
    const known = this.#all.find(fits);
    const report =
      known === undefined ? new Promise<Report>((found) => this.#waiting.push({ wanted: fits, found })) : Promise.resolve(known);
    return report as Promise<Extract<Report, { type: T }>>;
  }
}

// A TUN device needs root.
test.skipIf(process.getuid?.() !== 0)(
  "a command that the engine refuses ends its own session with a reason, and another session continues",
  async () => {
    const keys = { a: generateKey(keyFile("a")), b: generateKey(keyFile("b")) };
    const gateway = startGateway(keys);
    const { listen, publicKey } = await gateway.reports.first("Started");
    const [a, b] = [startClient("a", publicKey, listen[0] ?? ""), startClient("b", publicKey, listen[0] ?? "")];
    await Promise.all([a, b].map(({ reports }) => reports.first("AttachValidated", ({ bindSeq }) => bindSeq === 1)));
    const { session } = await gateway.reports.first("HandshakeConfirmed", ({ clientKey }) => clientKey === keys.a);

    gateway.garbled = session;
    await a.attach(2);
    expect(await gateway.reports.first("Refused")).toMatchObject({ command: "AnswerAttach", session });
    expect(await a.reports.first("PeerClosed")).toMatchObject({ reason: "state_corruption" });
    await b.attach(2);
    await b.reports.first("AttachValidated", ({ bindSeq }) => bindSeq === 2);

    const sessions = gateway.loop
      .view()
      .sessions.map(({ handle, state, reason }) => ({ ended: handle === session, state, reason }));
    expect(sessions).toMatchObject([
      { ended: false, state: "ATTACHED" },
      { ended: true, reason: "state_corruption" },
    ]);
    const told = gateway.events.find(({ type, reason }) => type === "Diagnostic" && reason !== undefined);
    expect(told).toMatchObject({ actor: "engine", reason: "state_corruption", numbers: { what: "AnswerAttach" } });
  },
  30_000,
);

/**
 * A gateway with the daemon's loop, on the loopback interface. The answers to the activations of one session can be
 * falsified.
 */
function startGateway(keys: Readonly<Record<string, string>>) {
  generateKey(keyFile("gateway"));
  const reports = new Reports();
  const events: CoreEvent[] = [];
  const gateway = { reports, events, loop: undefined as unknown as Loop, garbled: 0 };
  const lease = (name: number): StoreOutcome => ({
    is: "done",
    assignment: { v4: `10.99.0.${name}`, v4Prefix: 24, v6: null, v6Prefix: 64, dns: [], mtu: 1_380 },
  });
  gateway.loop = new Loop("gateway", {
    bootMs,
    event: (event) => events.push(event),
    tunnel: () => {},
    store: {
      perform: (requests, answer) => {
        for (const { token, operation } of requests) answer(token, lease(Object.values(keys).indexOf(operation.key) + 2));
      },
    },
    report: (report) => reports.add(report),
    trace: null,
    contained: () => {},
    fatal: (what) => {
      throw new Error(what);
    },
  });
  const engine = started({ ...config("gateway"), role: "gateway", listen: ["127.0.0.1:0"] }, () => gateway.loop.reportsWait());
  const garble = (command: Command): Command =>
    command.type === "AnswerAttach" && command.session === gateway.garbled
      ? { ...command, bindSeq: command.bindSeq + 1 }
      : command;
  gateway.loop.attach({ ...engine, apply: (commands) => engine.apply(commands.map(garble)) });
  const clients = Object.entries(keys).map(([name, key]) => ({ name, key, group: null }));
  gateway.loop.feed({ type: "Configured", config: { role: "gateway", node: "test", clients }, resumes: true });
  gateway.loop.feed({ type: "PolicyOffered", outcome: presetPolicy("standard") });
  return gateway;
}

/** A client without a core: it dials, confirms, and attaches when the test calls `attach`. */
function startClient(name: string, gatewayKey: string, remote: string) {
  const reports = new Reports();
  const engine = started(config(name), () => {
    for (let waiting = 1; waiting > 0; ) {
      const batch = engine.drain(1_024);
      waiting = batch.waiting;
      for (const { report } of batch.reports) reports.add(report);
    }
  });
  const description = { transport: "udp", local: "127.0.0.1", remote, interface: "lo" } as const;
  engine.apply([{ type: "OpenPath", path: 1, ifindex: 1, description }]);
  void reports.first("PathOpened").then(() => engine.apply([{ type: "Dial", dial: 1, gatewayKey, paths: [1], about: null }]));
  const done = reports.first("HandshakeDone").then(({ session }) => {
    engine.apply([{ type: "ConfirmSession", session }]);
    return session;
  });
  const attach = async (bindSeq: number) => {
    const command = { type: "Attach", session: await done, path: 1, bindSeq, kind: "revalidate", reason: "test" } as const;
    engine.apply([command]);
  };
  return { reports, attach };
}

function started(config: EngineConfig, onReports: () => void): EnginePort {
  const engine = startEngine(config, onReports);
  engines.push(engine);
  return engine;
}

const keyFile = (name: string): string => join(folder, `${name}.key`);

function config(name: string): EngineConfig {
  return {
    role: "client",
    identity: keyFile(name),
    listen: [],
    tun: `jvpn-ref-${name.slice(0, 4)}`,
    mtu: 1_420,
    disable: [],
    workers: 1,
    mark: 0,
    rekeyAfterS: 120,
    rejectAfterS: 180,
    rekeyAfterPackets: 2 ** 27,
  };
}
