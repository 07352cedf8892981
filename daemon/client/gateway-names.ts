import type { GatewayAddresses } from "#core/contract";
import type { ConfiguredGateway } from "#daemon/config/client";
import { causeText } from "#daemon/fault";
import type { UnresolvedName } from "#kernel/contract/control";
import { parseAddress } from "#kernel/ip";
import type { KnownNames } from "./known-names.ts";

const LOOKUP_MS_MAX = 5_000;
/** Addresses of one gateway; further ones are ignored. */
const ADDRESSES_MAX = 8;
/** Shortest time from the start of one round of look-ups to the next, however often `refresh` is called. */
const ROUND_MS_MIN = 5_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000] as const;

/** How names are looked up, and how a failure is explained. Neither throws at once. */
export interface Resolver {
  /** Rejects with the system's words. It may take half a minute. */
  lookUp(host: string): Promise<readonly string[]>;
  /** What the configured resolver says about the name, as the end of a sentence; empty if it says nothing else. */
  explain(host: string): Promise<string>;
}

interface News {
  /** Called at once with the addresses that are known, and after each change of them. */
  resolved(gateways: readonly GatewayAddresses[]): void;
  /** Called after each change of the names that cannot be resolved. */
  unresolved(names: readonly UnresolvedName[]): void;
}

/**
 * The addresses of the configured gateways. Names are looked up at the start, when dialling fails and when links
 * change. Nothing waits for a look-up: a name that cannot be resolved keeps the addresses that were found last, also by
 * an earlier process, and is looked up again.
 */
export class GatewayNames {
  readonly #gateways: readonly ConfiguredGateway[];
  readonly #news: News;
  readonly #resolver: Resolver;
  readonly #known: KnownNames;
  /** Look-ups that have not answered: a name has one at a time, however long it takes. */
  readonly #pending = new Map<string, Promise<readonly string[]>>();
  #unresolved: readonly UnresolvedName[] = [];
  #last = "";
  #failures = 0;
  #running = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(gateways: readonly ConfiguredGateway[], news: News, resolver: Resolver, known: KnownNames) {
    this.#gateways = gateways;
    this.#news = news;
    this.#resolver = resolver;
    this.#known = known;
  }

  /** Names that the last round of look-ups did not resolve, and why. */
  get unresolved(): readonly UnresolvedName[] {
    return this.#unresolved;
  }

  /** Publishes what is known, and starts the first round. Resolves after that round. */
  start(): Promise<void> {
    this.#known.forgetAllBut(this.#names());
    this.#publish();
    return this.#round();
  }

  /** Starts a new round, for example after a failed dial or a changed link. */
  refresh(): void {
    if (this.#names().length === 0 || this.#stopped || this.#running) return;
    const wait = this.#startedAt + ROUND_MS_MIN - performance.now();
    this.#schedule(Math.max(0, wait));
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    this.#running = true;
    this.#startedAt = performance.now();
    const failed = (await Promise.all(this.#names().map((name) => this.#resolve(name)))).filter((name) => name !== null);
    this.#running = false;
    if (this.#stopped) return;
    if (JSON.stringify(failed) !== JSON.stringify(this.#unresolved)) {
      this.#unresolved = failed;
      this.#news.unresolved(failed);
    }
    this.#failures = failed.length === 0 ? 0 : this.#failures + 1;
    if (failed.length > 0) this.#schedule(RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1] ?? ROUND_MS_MIN);
  }

  /** Publishes the name's addresses as soon as they are there; `null` if it has some. */
  async #resolve(name: string): Promise<UnresolvedName | null> {
    try {
      const addresses = await withinTime(this.#lookUp(name));
      if (this.#stopped) return null;
      this.#known.keep(name, addresses);
      this.#publish();
      return null;
    } catch (cause) {
      const said = await this.#resolver.explain(name);
      const why = said === "" ? causeText(cause) : `${causeText(cause)}; ${said}`;
      return { name, why, inUse: this.#known.of(name) };
    }
  }

  #lookUp(name: string): Promise<readonly string[]> {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    const looking = this.#resolver.lookUp(name).finally(() => this.#pending.delete(name));
    this.#pending.set(name, looking);
    return looking;
  }

  #publish(): void {
    const resolved = this.#gateways.map((gateway) => {
      const all = gateway.endpoints.flatMap(({ host, port }) => {
        const ips = parseAddress(host) === undefined ? this.#known.of(host) : [host];
        return ips.map((ip) => ({ ip, port }));
      });
      const distinct = all.filter(
        (address, index) => all.findIndex((other) => other.ip === address.ip && other.port === address.port) === index,
      );
      return { name: gateway.name, key: gateway.key, addresses: distinct.slice(0, ADDRESSES_MAX) };
    });
    const text = JSON.stringify(resolved);
    if (text === this.#last) return;
    this.#last = text;
    this.#news.resolved(resolved);
  }

  #names(): string[] {
    const hosts = this.#gateways.flatMap((gateway) => gateway.endpoints.map((endpoint) => endpoint.host));
    return [...new Set(hosts)].filter((host) => parseAddress(host) === undefined);
  }

  #schedule(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#round(), ms);
  }
}

/** The result of a look-up; rejects if it takes longer than `LOOKUP_MS_MAX`. */
async function withinTime(looking: Promise<readonly string[]>): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the look-up takes longer than ${LOOKUP_MS_MAX / 1_000} s`)), LOOKUP_MS_MAX);
  });
  try {
    return await Promise.race([looking, late]);
  } finally {
    clearTimeout(timer);
  }
}
