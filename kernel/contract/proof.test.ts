import { describe, expect, test } from "vitest";
import { claimMint, Proof } from "#kernel/contract/proof";

describe("proof", () => {
  test("the mint is returned once, and only its proofs are genuine", () => {
    const mint = claimMint();
    const proof = mint("attach", 2, 7, 100);
    expect({ ...proof }).toEqual({ kind: "attach", path: 2, bindSeq: 7, at: 100 });
    expect(Proof.genuine(proof)).toBe(true);
    expect(Proof.genuine(JSON.parse(JSON.stringify(proof)))).toBe(false);
    expect(Proof.genuine(Object.create(Proof.prototype))).toBe(false);
    expect(() => claimMint()).toThrow("claimed only once");
  });
});
