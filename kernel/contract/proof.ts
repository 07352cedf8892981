import type { PathId } from "#kernel/contract/state";
import { invariant } from "#kernel/invariant";
import type { Millis } from "#kernel/time";

/**
 * What was proven: `handshake` = the first authenticated packet of a new session, `attach` = this activation of a path.
 */
type ProofKind = "handshake" | "attach";

/** Makes proofs. Held by the security domain alone: see `claimMint`. */
type Mint = (kind: ProofKind, path: PathId, bindSeq: number, at: Millis) => Proof;

let mint: Mint | null = null;

/**
 * Evidence that the peer proved itself on a path. ATTACHED cannot be entered without one. The constructor is private
 * and the private field makes the type nominal, so neither `new` nor an object literal compiles outside this class.
 */
export class Proof {
  readonly #minted = true;
  readonly kind: ProofKind;
  readonly path: PathId;
  readonly bindSeq: number;
  readonly at: Millis;

  private constructor(kind: ProofKind, path: PathId, bindSeq: number, at: Millis) {
    this.kind = kind;
    this.path = path;
    this.bindSeq = bindSeq;
    this.at = at;
  }

  /** False for anything that only looks like a proof, such as one that came out of JSON. */
  static genuine(value: unknown): value is Proof {
    return typeof value === "object" && value !== null && #minted in value;
  }

  static {
    mint = (kind, path, bindSeq, at) => new Proof(kind, path, bindSeq, at);
  }
}

/** Hands out the mint once, to the security domain when it loads. A second claim is a fault of ours and throws. */
export function claimMint(): Mint {
  invariant(mint !== null, "the mint of proofs was claimed before");
  const claimed = mint;
  mint = null;
  return claimed;
}
