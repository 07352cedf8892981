import type { PathId } from "#kernel/contract/state";
import { invariant } from "#kernel/invariant";
import type { Millis } from "#kernel/time";

/**
 * What is proven: `handshake` = the first authenticated packet of a new session, `attach` = this activation of a path.
 */
type ProofKind = "handshake" | "attach";

/** Makes proofs. Only the security domain has it: see `claimMint`. */
type Mint = (kind: ProofKind, path: PathId, bindSeq: number, at: Millis) => Proof;

let mint: Mint | null = null;

/**
 * Evidence that the peer authenticated itself on a path. No session enters ATTACHED without one. The constructor is
 * private, and the private field makes the type nominal: neither `new` nor an object literal compiles outside this
 * class.
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

  /** False for anything that only looks like a proof, such as one parsed from JSON. */
  static genuine(value: unknown): value is Proof {
    return typeof value === "object" && value !== null && #minted in value;
  }

  static {
    mint = (kind, path, bindSeq, at) => new Proof(kind, path, bindSeq, at);
  }
}

/** Returns the mint once, to the security domain when its module loads. A second call is our own bug and throws. */
export function claimMint(): Mint {
  invariant(mint !== null, "the mint of proofs is claimed only once");
  const claimed = mint;
  mint = null;
  return claimed;
}
