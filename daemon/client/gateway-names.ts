import { lookup } from "node:dns/promises";
import type { GatewayAddresses } from "#core/contract";
import type { ConfiguredGateway } from "#daemon/config/client";
import { parseAddress } from "#kernel/ip";

const LOOKUP_MS_MAX = 5_000;
/** Addresses of one gateway; further ones are ignored. */
const ADDRESSES_MAX = 8;
/** Shortest time from the start of one round of look-ups to the next, however often `refresh` is called. */
const ROUND_MS_MIN = 5_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000] as const;

type Known = ReadonlyMap<string, readonly string[]>;
type Lookup = (host: string) => Promise<readonly string[]>;
/** `unresolved` = names for which no address is known. */
type OnChange = (resolved: readonly GatewayAddresses[], unresolved: readonly string[]) => void;

/**
 * The addresses of the configured gateways. Names are looked up at the start, when dialling fails and when links
 * change. A name that cannot be resolved keeps its last addresses, and the look-up is retried.
 */
export class GatewayNames {
  readonly #gateways: readonly ConfiguredGateway[];
  readonly #onChange: OnChange;
  readonly #lookup: Lookup;
  readonly #known: Map<string, readonly string[]>;
  #last = "";
  #failures = 0;
  #running = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  /** `known`: addresses that an earlier look-up found. They stay in use while a name cannot be resolved. */
  constructor(
    gateways: readonly ConfiguredGateway[],
    onChange: OnChange,
    { known, lookupName = systemLookup }: { readonly known?: Known | undefined; readonly lookupName?: Lookup } = {},
  ) {
    this.#gateways = gateways;
    this.#onChange = onChange;
    this.#known = new Map(known);
    this.#lookup = lookupName;
  }

  /** The addresses that were found for each name. */
  get known(): Known {
    return this.#known;
  }

  /** Resolves after the first round of look-ups; `onChange` has then been called once. */
  start(): Promise<void> {
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
    const results = await Promise.all(this.#names().map(async (name) => [name, await withinTime(this.#lookup(name))] as const));
    this.#running = false;
    if (this.#stopped) return;
    for (const [name, addresses] of results) if (addresses.length > 0) this.#known.set(name, addresses);
    const failed = results.filter(([, addresses]) => addresses.length === 0).map(([name]) => name);
    this.#publish(failed.filter((name) => !this.#known.has(name)));
    this.#failures = failed.length === 0 ? 0 : this.#failures + 1;
    if (failed.length > 0) this.#schedule(RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1] ?? ROUND_MS_MIN);
  }

  #publish(unresolved: readonly string[]): void {
    const resolved = this.#gateways.map((gateway) => {
      const all = gateway.endpoints.flatMap(({ host, port }) => {
        const ips = parseAddress(host) === undefined ? (this.#known.get(host) ?? []) : [host];
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
    this.#onChange(resolved, unresolved);
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

/** The addresses of `host`, sorted: a resolver that rotates its answers causes no change. */
async function systemLookup(host: string): Promise<readonly string[]> {
  const answers = await lookup(host, { all: true });
  return answers.map((answer) => answer.address).toSorted();
}

/** The result of a look-up; empty if it fails or takes longer than `LOOKUP_MS_MAX`. */
async function withinTime(looking: Promise<readonly string[]>): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), LOOKUP_MS_MAX);
  });
  try {
    return await Promise.race([looking.catch(() => []), late]);
  } finally {
    clearTimeout(timer);
  }
}
