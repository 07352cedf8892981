import type { StoreOutcome } from "#core/contract";
import type { ConfiguredClient, Pools } from "#daemon/config/gateway";
import { causeText } from "#daemon/fault";
import { contains, formatAddress, type Prefix } from "#daemon/net/address";
import type { Store } from "#daemon/store/database";
import { type Address, bitsOf, type Family, parseAddress } from "#kernel/ip";

export interface LeaseTerms {
  readonly pools: Pools;
  readonly clients: readonly ConfiguredClient[];
  readonly dns: readonly string[];
  readonly mtu: number;
}

type Statement = ReturnType<Store["prepare"]>;

interface Held {
  readonly v4: bigint | null;
  readonly v6: bigint | null;
}

const NOTHING: Held = { v4: null, v6: null };

type FamilyKey = "v4" | "v6";
const FAMILIES: readonly FamilyKey[] = ["v4", "v6"];

/** `refused` = the pool is exhausted. */
type Lease = Exclude<StoreOutcome, { is: "unknown" }>;

/** The store failed during the commit: the leases may be on disk or not. */
export class OutcomeUnknown extends Error {}

/** Addresses that are tried for one lease. The search for the next lease continues where this one stopped. */
const SEARCH_MAX = 65_536n;
/** Offsets of an IPv6 pool that are used; a pool of 2^64 needs no more. */
const OFFSETS_MAX = 1n << 32n;

/**
 * The inner addresses of each client key. A key keeps its address across restarts; a configured address replaces a kept
 * one. When a pool is exhausted, the oldest lease of a key that is no longer configured is reused. If there is none,
 * the lease is refused (`address_pool_exhausted`).
 */
export class LeaseBook {
  readonly #store: Store;
  readonly #held = new Map<string, Held>();
  readonly #taken = { v4: new Map<bigint, string>(), v6: new Map<bigint, string>() };
  #cursor = { v4: 2n, v6: 2n };
  #terms: LeaseTerms;
  #configured = new Map<string, Held>();
  /** While leases are made: the previous lease of each changed key, for a rollback. `null` at other times. */
  #before: Map<string, Held | undefined> | null = null;
  readonly #insert: Statement;
  readonly #delete: Statement;
  /** Configured addresses, also of clients that never connected. */
  #reserved = { v4: new Set<bigint>(), v6: new Set<bigint>() };

  constructor(store: Store, terms: LeaseTerms) {
    this.#store = store;
    this.#terms = terms;
    this.#insert = store.prepare("INSERT OR REPLACE INTO lease (key, v4, v6, made_at) VALUES (?, ?, ?, ?)");
    this.#delete = store.prepare("DELETE FROM lease WHERE key = ?");
    for (const row of store.prepare("SELECT key, v4, v6 FROM lease").all() as {
      key: string;
      v4: string | null;
      v6: string | null;
    }[]) {
      this.#remember(row.key, { v4: numberOf(row.v4), v6: numberOf(row.v6) });
    }
    this.reconfigure(terms);
  }

  /**
   * Sets new pools or clients. Ends leases outside the pools, and leases of an address that is configured for another
   * key. Throws if the store fails; the new terms are still in force, and the next start tries again.
   */
  reconfigure(terms: LeaseTerms): void {
    this.#terms = terms;
    this.#cursor = { v4: 2n, v6: 2n };
    this.#configured = new Map(terms.clients.map((client) => [client.key, heldBy(client.addresses)]));
    this.#reserved = reservedBy(this.#configured.values());
    const over: string[] = [];
    for (const [key, wanted] of this.#configured) {
      for (const family of FAMILIES) {
        const value = wanted[family];
        const holder = value === null ? undefined : this.#taken[family].get(value);
        if (holder !== undefined && holder !== key) over.push(holder);
      }
    }
    for (const [key, held] of this.#held) if (!this.#fits(held)) over.push(key);
    for (const key of over) this.#unlink(key);
    for (const key of over) this.#erase(key);
  }

  /**
   * The leases of these keys. Missing ones are made, with one write that the disk confirms. `wallMs` only orders leases
   * by age. Throws if the store fails: this book is then unchanged, and so is the disk, except with `OutcomeUnknown`.
   */
  leases(keys: readonly string[], wallMs: number): readonly Lease[] {
    const touched = new Map<string, Held | undefined>();
    this.#before = touched;
    try {
      this.#store.exec("BEGIN");
      const made = keys.map((key) => this.#make(key, this.#held.get(key) ?? NOTHING, wallMs));
      this.#commit();
      return made;
    } catch (cause) {
      this.#takeBack(touched);
      throw cause;
    } finally {
      this.#before = null;
    }
  }

  #commit(): void {
    try {
      this.#store.exec("COMMIT");
    } catch (cause) {
      throw new OutcomeUnknown(causeText(cause), { cause });
    }
  }

  #takeBack(touched: ReadonlyMap<string, Held | undefined>): void {
    this.#before = null;
    for (const key of touched.keys()) this.#unlink(key);
    for (const [key, held] of touched) if (held !== undefined) this.#remember(key, held);
    try {
      this.#store.exec("ROLLBACK");
    } catch {
      // after a serious failure the store has already ended the transaction
    }
  }

  #make(key: string, before: Held, wallMs: number): Lease {
    const configured = this.#configured.get(key) ?? NOTHING;
    this.#unlink(key);
    const v4 = this.#choose("v4", configured.v4, before.v4, undefined);
    const v6 = this.#choose("v6", configured.v6, before.v6, this.#offset("v4", v4 ?? null));
    if (v4 === undefined || v6 === undefined) {
      if (before.v4 !== null || before.v6 !== null) this.#remember(key, before);
      return { is: "refused", reason: "address_pool_exhausted" };
    }
    const held = { v4, v6 };
    this.#remember(key, held);
    if (held.v4 !== before.v4 || held.v6 !== before.v6) this.#persist(key, held, wallMs);
    return { is: "done", assignment: this.#assignment(held) };
  }

  #assignment(held: Held) {
    const { pools, dns, mtu } = this.#terms;
    return {
      v4: textOf(4, held.v4),
      v4Prefix: pools.v4?.length ?? 0,
      v6: textOf(6, held.v6),
      v6Prefix: pools.v6?.length ?? 0,
      dns,
      mtu,
    };
  }

  /** `null` = no pool of this family; `undefined` = exhausted. */
  #choose(
    family: FamilyKey,
    configured: bigint | null,
    kept: bigint | null,
    preferredOffset: bigint | undefined,
  ): bigint | null | undefined {
    const pool = this.#terms.pools[family];
    if (pool === null) return null;
    if (configured !== null) return configured;
    if (kept !== null && this.#isFree(family, kept)) return kept;
    const paired = preferredOffset === undefined ? undefined : pool.value + preferredOffset;
    if (paired !== undefined && preferredOffset !== undefined && preferredOffset < sizeOf(pool) && this.#isFree(family, paired))
      return paired;
    return this.#search(family, pool) ?? this.#reclaim(family);
  }

  #search(family: FamilyKey, pool: Prefix): bigint | undefined {
    const end = sizeOf(pool);
    const span = end - 2n;
    for (let tried = 0n; tried < span && tried < SEARCH_MAX; tried++) {
      if (this.#cursor[family] >= end) this.#cursor[family] = 2n;
      const value = pool.value + this.#cursor[family];
      this.#cursor[family]++;
      if (this.#isFree(family, value)) return value;
    }
    return undefined;
  }

  #reclaim(family: FamilyKey): bigint | undefined {
    const victim = this.#oldestUnconfigured(family);
    const value = victim === undefined ? null : (this.#held.get(victim)?.[family] ?? null);
    if (victim === undefined || value === null) return undefined;
    this.#erase(victim);
    this.#unlink(victim);
    return value;
  }

  #oldestUnconfigured(family: FamilyKey): string | undefined {
    const rows = this.#store.prepare(`SELECT key FROM lease WHERE ${family} IS NOT NULL ORDER BY made_at, key`).iterate();
    for (const row of rows as IterableIterator<{ key: string }>) {
      if (!this.#configured.has(row.key) && this.#held.has(row.key)) return row.key;
    }
    return undefined;
  }

  #isFree(family: FamilyKey, value: bigint): boolean {
    return !this.#taken[family].has(value) && !this.#reserved[family].has(value);
  }

  #offset(family: FamilyKey, value: bigint | null): bigint | undefined {
    const pool = this.#terms.pools[family];
    return pool === null || value === null ? undefined : value - pool.value;
  }

  #fits(held: Held): boolean {
    return FAMILIES.every((family) => {
      const pool = this.#terms.pools[family];
      const value = held[family];
      return value === null || (pool !== null && contains(pool, { family: family === "v4" ? 4 : 6, value }));
    });
  }

  #touch(key: string): void {
    if (this.#before?.has(key) === false) this.#before.set(key, this.#held.get(key));
  }

  #remember(key: string, held: Held): void {
    this.#touch(key);
    this.#held.set(key, held);
    for (const family of FAMILIES) {
      const value = held[family];
      if (value !== null) this.#taken[family].set(value, key);
    }
  }

  #unlink(key: string): void {
    this.#touch(key);
    const held = this.#held.get(key);
    if (held === undefined) return;
    for (const family of FAMILIES) {
      const value = held[family];
      if (value !== null) this.#taken[family].delete(value);
    }
    this.#held.delete(key);
  }

  #erase(key: string): void {
    this.#delete.run(key);
  }

  #persist(key: string, held: Held, wallMs: number): void {
    this.#insert.run(key, textOf(4, held.v4), textOf(6, held.v6), Math.floor(wallMs));
  }
}

/** The gateway's own inner addresses: the first host of each pool, with the pool's prefix length. */
export function gatewayAddresses(pools: Pools): string[] {
  return [pools.v4, pools.v6].flatMap((pool) =>
    pool === null ? [] : [`${formatAddress({ family: pool.family, value: pool.value + 1n })}/${pool.length}`],
  );
}

/** One past the last usable offset. */
function sizeOf(pool: Prefix): bigint {
  const size = 1n << BigInt(bitsOf(pool.family) - pool.length);
  const usable = pool.family === 4 ? size - 1n : size;
  return usable < OFFSETS_MAX ? usable : OFFSETS_MAX;
}

function reservedBy(configured: Iterable<Held>): Record<FamilyKey, Set<bigint>> {
  const reserved = { v4: new Set<bigint>(), v6: new Set<bigint>() };
  for (const held of configured) {
    if (held.v4 !== null) reserved.v4.add(held.v4);
    if (held.v6 !== null) reserved.v6.add(held.v6);
  }
  return reserved;
}

function heldBy(addresses: readonly Address[]): Held {
  const of = (family: Family) => addresses.find((address) => address.family === family)?.value ?? null;
  return { v4: of(4), v6: of(6) };
}

const numberOf = (text: string | null): bigint | null => (text === null ? null : (parseAddress(text)?.value ?? null));
const textOf = (family: Family, value: bigint | null): string | null =>
  value === null ? null : formatAddress({ family, value });
