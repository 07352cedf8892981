import type { Family } from "#kernel/ip";

/** How a change to the machine is taken back. JSON: it lives in the undo journal. */
export type Undo =
  | { readonly kind: "ip"; readonly family: Family; readonly args: readonly string[] }
  | { readonly kind: "sysctl"; readonly key: string; readonly value: string }
  | { readonly kind: "nft"; readonly script: string };

/** One change to the machine. A change of `ip` without `undo` vanishes with the TUN device. */
export type Change =
  | { readonly kind: "ip"; readonly family: Family; readonly args: readonly string[]; readonly undo: readonly string[] | null }
  | { readonly kind: "sysctl"; readonly key: string; readonly value: string }
  | { readonly kind: "nft"; readonly script: string; readonly undo: string };

/** The undo of a change that has not been made yet; `previous` = the value of the sysctl before. */
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
