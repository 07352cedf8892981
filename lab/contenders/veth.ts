import type { Contender } from "./contender.ts";

/** No tunnel at all: the ceiling. */
export const VETH: Contender = {
  name: "veth",
  missing: () => null,
  start: async (_scope, { gatewayOuter }) => gatewayOuter,
};
