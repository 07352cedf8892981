import type { Netns } from "../ip.ts";
import type { Scope } from "../scope.ts";

/** Where a contender tunnels: a client and a gateway that reach each other already. */
export interface Ground {
  readonly client: Netns;
  readonly gateway: Netns;
  /** The client's only address; `null` = it roams, and the gateway learns where it is. */
  readonly clientOuter: string | null;
  readonly gatewayOuter: string;
  readonly folder: string;
}

/** Inner MTU of every tunnel. */
export const MTU = 1420;

/** One way to get a packet from the client to the gateway. All are set up at once; one carries traffic at a time. */
export interface Contender {
  readonly name: string;
  /** Why it cannot take part on this machine; `null` = it can. */
  readonly missing: () => string | null;
  /** Family of the addresses outside the tunnel, if it insists on one. */
  readonly family?: "ipv4" | "ipv6";
  /** Sets it up and returns the gateway's address as traffic is to use it. */
  readonly start: (scope: Scope, ground: Ground) => Promise<string | Started>;
}

/** What is done to a contender while it carries traffic; the returned function ends it. */
export type Disturbance = () => () => Promise<void>;

export interface Started {
  readonly address: string;
  readonly disturb: Disturbance;
}
