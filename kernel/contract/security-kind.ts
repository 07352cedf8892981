import { type Blame, type DroppedKind, ENGINE_KINDS, type KindClass } from "#kernel/contract/engine.generated";

/** Class, blame and description of a kind of message, packet or command that had no effect. */
export interface KindText {
  readonly class: KindClass;
  readonly blame: Blame;
  readonly text: string;
}

/** Kinds that the core detects, not the engine. */
export const OWN_KINDS = {
  session_refused: {
    class: "security",
    blame: "host",
    text: "a client proved its key, but the gateway could not accept its session",
  },
  key_epoch_not_rising: { class: "security", blame: "host", text: "the engine reported new keys whose epoch is not newer" },
  other: { class: "security", blame: "sender", text: "all kinds beyond the maximum number that are counted separately" },
} as const satisfies Record<string, KindText>;

/** The `kind` in the numbers of a `SecurityEvent`, or of a `Diagnostic` about ordinary drops. */
export type SecurityKind = DroppedKind | keyof typeof OWN_KINDS;

const SECURITY_KINDS: Readonly<Record<SecurityKind, KindText>> = { ...ENGINE_KINDS, ...OWN_KINDS };

/** True for normal events of a packet network, for which nobody is to blame. */
export function isOrdinary(kind: SecurityKind): boolean {
  return SECURITY_KINDS[kind].class === "ordinary";
}
