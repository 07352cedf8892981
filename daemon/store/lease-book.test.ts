import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConfiguredClient } from "#daemon/config/gateway";
import { parsePrefix } from "#daemon/net/address";
import { openStore, type Store } from "#daemon/store/database";
import { parseAddress } from "#kernel/ip";
import { gatewayAddresses, LeaseBook, type LeaseTerms } from "./lease-book.ts";

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-lease-"));
  store = openStore(folder);
});
afterEach(() => {
  try {
    store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a key gets the first free host of both pools, at the same offset", () => {
  const book = new LeaseBook(store, terms());
  expect([addresses(book, "a"), addresses(book, "b")]).toEqual([
    ["10.80.0.2", "fd80::2"],
    ["10.80.0.3", "fd80::3"],
  ]);
});

test("a key keeps its address across restarts, and no other key gets it", () => {
  const before = new LeaseBook(store, terms());
  addresses(before, "a");
  const kept = addresses(before, "b");
  store.close();
  store = openStore(folder);
  const after = new LeaseBook(store, terms());
  expect([addresses(after, "c"), addresses(after, "b")]).toEqual([["10.80.0.4", "fd80::4"], kept]);
});

test("a configured address replaces a kept one, and ends the lease of another key", () => {
  const book = new LeaseBook(store, terms());
  addresses(book, "a");
  book.reconfigure(terms([client("b", "10.80.0.2")]));
  expect([addresses(book, "b"), addresses(book, "a")]).toEqual([
    ["10.80.0.2", "fd80::2"],
    ["10.80.0.3", "fd80::3"],
  ]);
});

test("an exhausted pool reuses the lease of a key that is no longer configured, and otherwise refuses", () => {
  const pools = { v4: parsePrefix("10.9.0.0/29") ?? null, v6: null };
  const all = ["a", "b", "c", "d", "e", "f"].map((key) => client(key));
  const book = new LeaseBook(store, { ...terms(all), pools });
  for (const key of ["a", "b", "c", "d", "e"]) expect(leaseOf(book, key).is).toBe("done");
  expect(leaseOf(book, "f")).toEqual({ is: "refused", reason: "address_pool_exhausted" });
  book.reconfigure({ ...terms(all.filter((entry) => entry.key !== "c")), pools });
  expect(addresses(book, "f")).toEqual(["10.9.0.4", null]);
  expect(addresses(book, "a")).toEqual(["10.9.0.2", null]);
});

test("leases outside a changed pool end", () => {
  const book = new LeaseBook(store, terms());
  addresses(book, "a");
  book.reconfigure({ ...terms(), pools: { v4: parsePrefix("10.81.0.0/24") ?? null, v6: null } });
  expect(addresses(book, "a")).toEqual(["10.81.0.2", null]);
});

test("a lease that the store cannot keep is not made, and nothing changes", () => {
  const book = new LeaseBook(store, terms());
  addresses(book, "a");
  store.exec("PRAGMA query_only = 1");
  expect(() => leaseOf(book, "b")).toThrow(/readonly/);
  expect(addresses(book, "a")).toEqual(["10.80.0.2", "fd80::2"]);
  store.exec("PRAGMA query_only = 0");
  expect(addresses(book, "c")).not.toEqual(["10.80.0.2", "fd80::2"]);
  expect(addresses(book, "a")).toEqual(["10.80.0.2", "fd80::2"]);
});

test("the leases of one call are kept together, and if the store fails none of them is made", () => {
  const book = new LeaseBook(store, terms());
  addresses(book, "a");
  expect(book.leases(["b", "a", "c"], 0).map((lease) => (lease.is === "done" ? lease.assignment.v4 : lease.reason))).toEqual([
    "10.80.0.3",
    "10.80.0.2",
    "10.80.0.4",
  ]);
  store.exec("CREATE TRIGGER full BEFORE INSERT ON lease WHEN NEW.key = 'f' BEGIN SELECT RAISE(FAIL, 'disk full'); END");
  expect(() => book.leases(["d", "e", "f"], 0)).toThrow(/disk full/);
  store.exec("DROP TRIGGER full");
  expect(store.prepare("SELECT key FROM lease ORDER BY key").all()).toEqual([{ key: "a" }, { key: "b" }, { key: "c" }]);
  const pools = { v4: parsePrefix("10.9.0.0/29") ?? null, v6: null };
  const small = new LeaseBook(store, { ...terms(), pools });
  expect(small.leases(["d", "e", "f", "g", "h"], 0).every((lease) => lease.is === "done")).toBe(true);
});

test("new terms are in force even if the store fails", () => {
  const book = new LeaseBook(store, terms());
  addresses(book, "a");
  store.exec("PRAGMA query_only = 1");
  expect(() => book.reconfigure(terms([client("b", "10.80.0.2", "fd80::2")]))).toThrow(/readonly/);
  store.exec("PRAGMA query_only = 0");
  expect(addresses(book, "b")).toEqual(["10.80.0.2", "fd80::2"]);
});

test("the gateway has the first host of each pool", () => {
  expect(gatewayAddresses(terms().pools)).toEqual(["10.80.0.1/16", "fd80::1/64"]);
});

function terms(clients: readonly ConfiguredClient[] = []): LeaseTerms {
  return {
    pools: { v4: parsePrefix("10.80.0.0/16") ?? null, v6: parsePrefix("fd80::/64") ?? null },
    clients,
    dns: [],
    mtu: 1420,
  };
}

function client(key: string, ...list: string[]): ConfiguredClient {
  return { name: key, key, group: null, addresses: list.flatMap((text) => parseAddress(text) ?? []) };
}

function leaseOf(book: LeaseBook, key: string) {
  const [lease] = book.leases([key], 0);
  if (lease === undefined) throw new Error("one key has one lease");
  return lease;
}

function addresses(book: LeaseBook, key: string): (string | null)[] {
  const lease = leaseOf(book, key);
  return lease.is === "done" ? [lease.assignment.v4, lease.assignment.v6] : [lease.reason];
}
