import { type Contender, GATEWAY_OUTER } from "./contender.ts";

/** No tunnel at all: the ceiling. */
export const VETH: Contender = {
  name: "veth",
  missing: () => null,
  start: async () => GATEWAY_OUTER,
};
