export type * from "#kernel/contract/control";
export type * from "#kernel/contract/policy";
export type { JumpView, NodeView, PathView, SessionView, Share } from "#kernel/contract/view";
export { Control, type ControlOptions, DEFAULT_SOCKET, statesText } from "./control.ts";
export { ControlError } from "./errors.ts";
export { type EventsOptions, isGap, type StreamItem } from "./events.ts";
