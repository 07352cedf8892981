import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StoreOutcome } from "#core/contract";
import { parsePrefix } from "#daemon/net/address";
import { openStore, type Store } from "#daemon/store/database";
import type { StorePort } from "#daemon/store/port";
import { SqliteStore } from "#daemon/store/sqlite";

/** One implementation, with the means to make it fail. */
interface Subject {
  readonly port: StorePort;
  /** The same data, opened as after a restart of the process. */
  reopen(): StorePort;
  /** From now on writes fail, or they work again. */
  writable(yes: boolean): void;
  close(): void;
}

const IMPLEMENTATIONS: readonly (readonly [string, (folder: string) => Subject])[] = [["SQLite", sqlite]];

describe.each(IMPLEMENTATIONS)("the store on %s", (_name, open) => {
  let folder: string;
  let subject: Subject;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "jvpn-contract-"));
    subject = open(folder);
  });
  afterEach(() => {
    subject.close();
    rmSync(folder, { recursive: true });
  });

  test("answers each request of a call once, in their order", () => {
    expect(ask(subject.port, "a", "b", "a").map(([token]) => token)).toEqual([1, 2, 3]);
  });

  test("gives a key the same address again, and gives it to no other key", () => {
    const [a, b, again] = addresses(ask(subject.port, "a", "b", "a"));
    expect(again).toBe(a);
    expect(b).not.toBe(a);
    expect(addresses(ask(subject.port, "b", "a"))).toEqual([b, a]);
  });

  test("keeps its leases across a restart", () => {
    const given = addresses(ask(subject.port, "a", "b"));
    const reopened = subject.reopen();
    const [other, ...kept] = addresses(ask(reopened, "c", "a", "b"));
    expect(kept).toEqual(given);
    expect(given).not.toContain(other);
  });

  test("refuses with a reason if no address is left", () => {
    const outcomes = ask(subject.port, "a", "b", "c", "d", "e", "f").map(([, outcome]) => outcome);
    expect(outcomes.slice(0, 5).every(({ is }) => is === "done")).toBe(true);
    expect(outcomes[5]).toEqual({ is: "refused", reason: "address_pool_exhausted" });
  });

  test("confirms nothing that it could not write, and works again afterwards", () => {
    const given = addresses(ask(subject.port, "a"));
    subject.writable(false);
    expect(ask(subject.port, "b", "c").filter(([, { is }]) => is === "done")).toEqual([]);
    subject.writable(true);
    const [b, a] = addresses(ask(subject.port, "b", "a"));
    expect([a]).toEqual(given);
    expect(b).not.toBe(a);
  });
});

function sqlite(folder: string): Subject {
  let database: Store = openStore(folder);
  const pools = { v4: parsePrefix("10.80.0.0/29") ?? null, v6: null };
  const clients = ["a", "b", "c", "d", "e", "f"].map((key) => ({ name: key, key, group: null, addresses: [] }));
  const portOn = (opened: Store) => new SqliteStore(opened, { pools, clients, dns: [], mtu: 1_380 }, () => {});
  return {
    port: portOn(database),
    reopen: () => {
      database.close();
      database = openStore(folder);
      return portOn(database);
    },
    writable: (yes) => database.exec(`PRAGMA query_only = ${yes ? 0 : 1}`),
    close: () => database.close(),
  };
}

/** The answers to one call, whose tokens are numbered from 1. */
function ask(port: StorePort, ...keys: readonly string[]): readonly (readonly [number, StoreOutcome])[] {
  const answers: (readonly [number, StoreOutcome])[] = [];
  const requests = keys.map((key, index) => ({ token: index + 1, operation: { type: "Lease", key } as const }));
  port.perform(requests, (token, outcome) => answers.push([token, outcome]));
  return answers;
}

function addresses(answers: readonly (readonly [number, StoreOutcome])[]): readonly (string | null)[] {
  return answers.map(([, outcome]) => (outcome.is === "done" ? outcome.assignment.v4 : expect.unreachable(outcome.is)));
}
