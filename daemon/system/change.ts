import type { Family } from "#kernel/ip";

/** The undo of a change to the machine. It is stored as JSON in the undo journal. */
export type Undo =
  | { readonly kind: "ip"; readonly family: Family; readonly args: readonly string[]; readonly lasts?: true }
  | { readonly kind: "sysctl"; readonly key: string; readonly value: string }
  | { readonly kind: "nft"; readonly script: string };

/** A part of the backstop: it lasts beyond the process, until an operator releases it. */
export interface Lasting {
  readonly kind: "ip";
  readonly family: Family;
  readonly args: readonly string[];
  readonly undo: readonly string[];
}

/** One change to the machine. A change by `ip` without `undo` ends with the TUN device. */
export type Change =
  | { readonly kind: "ip"; readonly family: Family; readonly args: readonly string[]; readonly undo: readonly string[] | null }
  | { readonly kind: "sysctl"; readonly key: string; readonly value: string }
  | { readonly kind: "nft"; readonly script: string; readonly undo: string };

/** The undo of a change that is not made yet; `previous` = the current value of the sysctl. */
export function undoOf(change: Change, previous: string | null): Undo | null {
  switch (change.kind) {
    case "ip":
      return change.undo === null ? null : { kind: "ip", family: change.family, args: change.undo };
    case "sysctl":
      return previous === null || previous === change.value ? null : { kind: "sysctl", key: change.key, value: previous };
    case "nft":
      return { kind: "nft", script: change.undo };
  }
}
