import { Proof } from "#kernel/contract/proof";
import { invariant } from "#kernel/invariant";
import type { Millis } from "#kernel/time";
import type { Attached, Identity } from "./model.ts";

/** The only way into ATTACHED. The genuine proof names the path that becomes active. ATTACHED has no clocks. */
export function attached(from: Identity, proof: Proof, now: Millis): Attached {
  invariant(Proof.genuine(proof), "ATTACHED is entered with a proof that the security domain minted");
  const state: Omit<Attached, symbol> = {
    state: "ATTACHED",
    id: from.id,
    handle: from.handle,
    role: from.role,
    version: from.version + 1,
    bornAt: from.bornAt,
    bindSeq: Math.max(from.bindSeq, proof.bindSeq),
    active: proof.path,
    since: now,
  };
  return state as Attached;
}
