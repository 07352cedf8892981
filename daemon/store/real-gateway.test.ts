import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parsePrefix } from "#daemon/net/address";
import { bootMs, type EnginePort, generateKey, startEngine } from "#daemon/ports/engine";
import { openStore, type Store } from "#daemon/store/database";
import type { StoreAnswer, StorePort, StoreRequest } from "#daemon/store/port";
import { SqliteStore } from "#daemon/store/sqlite";
import type { EngineConfig, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import type { Reason } from "#kernel/contract/reason";
import { presetPolicy } from "../../transcripts/presets.ts";
import { Loop } from "../loop/loop.ts";

/** How the store answers a client; `late` = it makes the lease, but answers after BIRTH_TTL. */
const MANNERS = ["yes", "no", "unknown", "late", "never"] as const;
type Manner = (typeof MANNERS)[number];

const BIRTH_TTL_MS = 1_000;
const PORT = 47_741;
const WAIT_MS = 10_000;

const permitted = (() => {
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

/**
 * ```
 *  client engines, one per manner ── UDP on loopback ── gateway engine ── loop and core ── store of manners ── SQLite
 * ```
 */
describe.skipIf(!permitted)("answers of the store, through a real gateway (needs root and a TUN device)", () => {
  const folder = mkdtempSync(join(tmpdir(), "jvpn-store-"));
  const keys = new Map(MANNERS.map((manner) => [manner, generateKey(join(folder, manner))]));
  const gatewayKey = generateKey(join(folder, "gateway"));
  const clients = new Map<Manner, Client>();
  let database: Store;
  let gateway: Gateway;

  beforeAll(async () => {
    database = openStore(folder);
    const pools = { v4: parsePrefix("10.80.0.0/24") ?? null, v6: null };
    const real = new SqliteStore(database, { pools, clients: [], dns: [], mtu: 1_380 }, () => {});
    gateway = new Gateway(join(folder, "gateway"), [...keys.values()], new MannerStore(real, mannerOf));
    for (const manner of MANNERS) clients.set(manner, new Client(join(folder, manner), manner));
    await Promise.all([...clients.values()].map((client) => client.join(gatewayKey)));
  });

  afterAll(() => {
    for (const client of clients.values()) client.stop();
    gateway.stop();
    database.close();
    rmSync(folder, { recursive: true });
  });

  test("a yes starts the session, with the address from the store", async () => {
    const { session } = await gateway.event("SessionStateChange", keyOf("yes"));
    expect(gateway.life(session)).toEqual(["SessionCreated null", "SessionStateChange handshake_confirmed"]);
    expect((await client("yes").report("Assigned")).assignment.v4).toBe(addressOf("yes"));
  });

  test.each([
    ["no", "address_pool_exhausted"],
    ["unknown", "store_outcome_unknown"],
    ["late", "birth_timeout"],
    ["never", "birth_timeout"],
  ] as const)(
    "a store that answers %s ends the session with %s within BIRTH_TTL, and the client gets the reason",
    async (manner, reason) => {
      const end = await gateway.event("SessionTerminated", keyOf(manner));
      expect(end.reason).toBe(reason);
      expect(Number(end.numbers?.livedMs)).toBeLessThanOrEqual(BIRTH_TTL_MS + 250);
      expect((await client(manner).report("PeerClosed")).reason).toBe(reason);
    },
  );

  test("an answer that comes too late causes a diagnostic and no session", async () => {
    await gateway.event("SessionTerminated", keyOf("late"));
    gateway.store.later();
    await gateway.diagnostic("store_answer_late");
    expect(gateway.states()).toEqual(["ATTACHED"]);
  });

  test("no address is given twice, and a client that dials again gets the address that was kept for it", async () => {
    gateway.store.mannerOf = () => "yes";
    const second = new Client(join(folder, "late"), "again");
    clients.set("late", replaced(clients.get("late"), second));
    await second.join(gatewayKey);
    const { assignment } = await second.report("Assigned");
    expect(assignment.v4).toBe(addressOf("late"));
    expect(assignment.v4).not.toBe(addressOf("yes"));
    const held = database.prepare("SELECT v4 FROM lease").all() as { v4: string }[];
    expect(new Set(held.map(({ v4 }) => v4)).size).toBe(held.length);
  });

  test("the session of the yes was not affected", () => {
    expect(gateway.life(gateway.idOf(keyOf("yes")))).toEqual(["SessionCreated null", "SessionStateChange handshake_confirmed"]);
    expect(client("yes").heard("PeerClosed")).toEqual([]);
  });

  const keyOf = (manner: Manner): string => keys.get(manner) ?? "";
  const mannerOf = (key: string): Manner => MANNERS.find((manner) => keys.get(manner) === key) ?? "never";
  const addressOf = (manner: Manner): string | undefined =>
    (database.prepare("SELECT v4 FROM lease WHERE key = ?").get(keyOf(manner)) as { v4: string } | undefined)?.v4;

  function client(manner: Manner): Client {
    const found = clients.get(manner);
    if (found === undefined) throw new Error(`no client ${manner}`);
    return found;
  }
});

function replaced(old: Client | undefined, next: Client): Client {
  old?.stop();
  return next;
}

/** A store that works like the real one, but answers according to the manner of the client. */
class MannerStore implements StorePort {
  mannerOf: (key: string) => Manner;
  readonly #real: StorePort;
  #late: (() => void)[] = [];

  constructor(real: StorePort, mannerOf: (key: string) => Manner) {
    this.#real = real;
    this.mannerOf = mannerOf;
  }

  perform(requests: readonly StoreRequest[], answer: StoreAnswer): void {
    const manners = new Map(requests.map(({ token, operation }) => [token, this.mannerOf(operation.key)]));
    const real = requests.filter(({ token }) => manners.get(token) !== "no");
    this.#real.perform(real, (token, outcome) => {
      const manner = manners.get(token);
      if (manner === "yes") answer(token, outcome);
      if (manner === "unknown") answer(token, { is: "unknown" });
      if (manner === "late") this.#late.push(() => answer(token, outcome));
    });
    for (const [token, manner] of manners)
      if (manner === "no") answer(token, { is: "refused", reason: "address_pool_exhausted" });
  }

  later(): void {
    for (const answer of this.#late.splice(0)) answer();
  }
}

/** Things that happened, and promises for things that are still to come. */
class Heard<T> {
  readonly all: T[] = [];
  #waiting: (() => void)[] = [];

  add(one: T): void {
    this.all.push(one);
    for (const look of this.#waiting) look();
  }

  first<U extends T>(what: string, wanted: (one: T) => one is U): Promise<U> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${what} did not happen`)), WAIT_MS);
      const look = (): void => {
        const found = this.all.find(wanted);
        if (found === undefined) return;
        clearTimeout(late);
        this.#waiting = this.#waiting.filter((one) => one !== look);
        resolve(found);
      };
      this.#waiting.push(look);
      look();
    });
  }
}

class Gateway {
  readonly store: MannerStore;
  readonly #engine: EnginePort;
  readonly #loop: Loop;
  readonly #events = new Heard<CoreEvent>();
  readonly #ids = new Map<string, string>();

  constructor(identity: string, clients: readonly string[], store: MannerStore) {
    this.store = store;
    this.#loop = new Loop("gateway", {
      bootMs,
      event: (event) => this.#events.add(event),
      tunnel: () => {},
      store,
      report: (report) => {
        if (report.type === "HandshakeConfirmed") this.#ids.set(report.clientKey, report.sessionId);
      },
      trace: null,
      contained: (what) => expect.unreachable(what),
      fatal: (what) => expect.unreachable(what),
    });
    const listen = [`127.0.0.1:${PORT}`];
    this.#engine = startEngine(engineConfig("gateway", identity, "jvs-gw", listen), () => this.#loop.reportsWait());
    this.#loop.attach(this.#engine);
    const { policy } = presetPolicy("standard");
    const base = { ...policy.base, session: { ...policy.base.session, birthTtlMs: BIRTH_TTL_MS } };
    this.#loop.feed({ type: "PolicyOffered", outcome: { ok: true, policy: { base, overrides: [] } } });
    const known = clients.map((key) => ({ name: key, key, group: null }));
    this.#loop.feed({ type: "Configured", config: { role: "gateway", node: "gw", clients: known }, resumes: true });
    this.#loop.reportsWait();
  }

  /** Resolves with the first event of this type about the session of a client. */
  event(type: CoreEvent["type"], key: string): Promise<CoreEvent> {
    const isIt = (event: CoreEvent): event is CoreEvent => event.type === type && event.session === this.#ids.get(key);
    return this.#events.first(`${type} of ${key}`, isIt);
  }

  diagnostic(reason: Reason): Promise<CoreEvent> {
    const isIt = (event: CoreEvent): event is CoreEvent => event.type === "Diagnostic" && event.reason === reason;
    return this.#events.first(reason, isIt);
  }

  idOf(key: string): string | undefined {
    return this.#ids.get(key);
  }

  /** The events of a session's start, state changes and end. */
  life(session: string | undefined): readonly string[] {
    const recorded = this.#events.all.filter((event) => event.session === session && event.type.startsWith("Session"));
    return recorded.map(({ type, reason }) => `${type} ${reason ?? null}`);
  }

  states(): readonly string[] {
    const live = this.#loop.view().sessions.filter(({ state }) => state !== "TERMINATED");
    return live.map(({ state }) => state);
  }

  stop(): void {
    this.#loop.stop();
    this.#engine.stop();
  }
}

/** A real engine; this class takes the place of its core. */
class Client {
  readonly #engine: EnginePort;
  readonly #reports = new Heard<Report>();

  constructor(identity: string, name: string) {
    this.#engine = startEngine(engineConfig("client", identity, `jvs-${name}`, []), () => setImmediate(() => this.#drain()));
  }

  async join(gatewayKey: string): Promise<void> {
    const description = { transport: "udp", local: "127.0.0.1", remote: `127.0.0.1:${PORT}`, interface: "lo" } as const;
    this.#engine.apply([{ type: "OpenPath", path: 1, ifindex: 1, description }]);
    await this.report("PathOpened");
    this.#engine.apply([{ type: "Dial", dial: 1, gatewayKey, paths: [1], about: null }]);
    const { session } = await this.report("HandshakeDone");
    this.#engine.apply([{ type: "ConfirmSession", session }]);
  }

  report<T extends Report["type"]>(type: T): Promise<Extract<Report, { type: T }>> {
    const isIt = (report: Report): report is Extract<Report, { type: T }> => report.type === type;
    return this.#reports.first(type, isIt);
  }

  heard(type: Report["type"]): readonly Report[] {
    return this.#reports.all.filter((report) => report.type === type);
  }

  stop(): void {
    this.#engine.stop();
  }

  #drain(): void {
    for (const { report } of this.#engine.drain(256).reports) this.#reports.add(report);
  }
}

function engineConfig(role: EngineConfig["role"], identity: string, tun: string, listen: readonly string[]): EngineConfig {
  const keys = { rekeyAfterS: 120, rejectAfterS: 180, rekeyAfterPackets: 2 ** 27 };
  return { role, identity, listen, tun, mtu: 1_380, disable: [], workers: 1, mark: 0, ...keys };
}
