import { describe, expect, test } from "vitest";
import { claimMint, Proof } from "#kernel/contract/proof";
import { mintAttachProof, mintHandshakeProof } from "./proof.ts";

const confirmed = { type: "HandshakeConfirmed", path: 4 } as const;
const validated = (path: number, bindSeq: number) => ({ type: "AttachValidated", session: 3, path, bindSeq }) as const;
const requested = (path: number, bindSeq: number) => ({ type: "AttachRequested", path, bindSeq }) as const;

describe("a handshake is proven", () => {
  test("at the gateway by the first authenticated packet", () => {
    const proof = mintHandshakeProof(confirmed, 1_000);
    expect(Proof.genuine(proof)).toBe(true);
    expect(proof).toMatchObject({ kind: "handshake", path: 4, bindSeq: 1, at: 1_000 });
  });

  test("at the client by the acknowledgement of bind seq 1 and no other", () => {
    expect(Proof.genuine(mintHandshakeProof(validated(2, 1), 1_000))).toBe(true);
    expect(mintHandshakeProof(validated(2, 2), 1_000)).toEqual({ stale: true, expected: { path: null, bindSeq: 1 } });
  });
});

describe("an attach is proven", () => {
  const attempt = { by: "client", path: 2, bindSeq: 9 } as const;

  test("at the client by this attempt's acknowledgement", () => {
    expect(mintAttachProof(attempt, validated(2, 9), 5)).toMatchObject({ kind: "attach", path: 2, bindSeq: 9, at: 5 });
  });

  test.each([validated(2, 8), validated(2, 10), validated(3, 9), requested(2, 9)])("and by nothing else: %o", (report) => {
    const stale = mintAttachProof(attempt, report, 5);
    expect(stale).toEqual({ stale: true, expected: { path: 2, bindSeq: 9 } });
    expect(Proof.genuine(stale)).toBe(false);
  });

  test("at the gateway by anything newer than what is bound", () => {
    const bound = { by: "gateway", boundSeq: 9 } as const;
    expect(mintAttachProof(bound, requested(5, 12), 5)).toMatchObject({ kind: "attach", path: 5, bindSeq: 12 });
    expect(mintAttachProof(bound, requested(5, 9), 5)).toEqual({ stale: true, expected: { path: null, bindSeq: 10 } });
    expect(mintAttachProof(bound, validated(5, 12), 5)).toMatchObject({ stale: true });
  });
});

test("nobody else makes a proof: the mint is taken, and a copy is not genuine", () => {
  expect(() => claimMint()).toThrow();
  const proof = mintHandshakeProof(confirmed, 1_000);
  expect(Proof.genuine(JSON.parse(JSON.stringify(proof)))).toBe(false);
  expect(Proof.genuine({ ...proof })).toBe(false);
});
