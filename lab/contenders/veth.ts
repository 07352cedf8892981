import type { Contender } from "./contender.ts";

/** No tunnel: the upper limit of what the machine can do. */
export const VETH: Contender = {
  name: "veth",
  missing: () => null,
  start: async (_scope, { gatewayOuter }) => gatewayOuter,
};
