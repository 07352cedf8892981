import type { Netns } from "#lab/ip";
import type { Scope } from "#lab/scope";

/** Two namespaces joined by one veth pair: `client` 10.1.0.2, `gateway` 10.1.0.1. Every contender tunnels over it. */
export interface Ground {
  readonly client: Netns;
  readonly gateway: Netns;
  readonly folder: string;
}

export const CLIENT_OUTER = "10.1.0.2";
export const GATEWAY_OUTER = "10.1.0.1";
/** Inner MTU of every tunnel. */
export const MTU = 1420;

/** One way to get a packet from the client to the gateway. All are set up at once; one carries traffic at a time. */
export interface Contender {
  readonly name: string;
  /** Why it cannot take part on this machine; `null` = it can. */
  readonly missing: () => string | null;
  /** Sets it up and returns the gateway's inner address. */
  readonly start: (scope: Scope, ground: Ground) => Promise<string>;
}
