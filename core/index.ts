export type { ClientConfig, Effect, GatewayConfig, Input, Lease, OperatorError, OperatorRequest, PathRule } from "./contract.ts";
export { step } from "./step.ts";
export { view } from "./view.ts";
export { createCore, type World } from "./world.ts";
