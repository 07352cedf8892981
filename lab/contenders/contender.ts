import type { Netns } from "../ip.ts";
import type { Scope } from "../scope.ts";

/** The network under a contender: a client and a gateway that can already reach each other. */
export interface Ground {
  readonly client: Netns;
  readonly gateway: Netns;
  /** The client's only address; `null` = it roams, and the gateway learns its address. */
  readonly clientOuter: string | null;
  readonly gatewayOuter: string;
  readonly folder: string;
}

/** Inner MTU of every tunnel. */
export const MTU = 1420;

/** One way to carry packets between client and gateway. All are set up at once; one at a time carries traffic. */
export interface Contender {
  readonly name: string;
  /** Why it cannot run on this machine; `null` = it can. */
  readonly missing: () => string | null;
  /** Family of the addresses outside the tunnel, if it needs a certain one. */
  readonly family?: "ipv4" | "ipv6";
  /** Sets it up. Returns the gateway's address for traffic through it. */
  readonly start: (scope: Scope, ground: Ground) => Promise<string | Started>;
}

/** Starts a disturbance of a contender that carries traffic. The returned function ends it. */
export type Disturbance = () => () => Promise<void>;

export interface Started {
  readonly address: string;
  readonly disturb: Disturbance;
}
