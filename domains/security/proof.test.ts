import { describe, expect, test } from "vitest";
import { claimMint, Proof } from "#kernel/contract/proof";
import { mintAttachProof, mintHandshakeProof } from "./proof.ts";

const DESCRIPTION = { transport: "udp", local: "203.0.113.7", remote: "192.0.2.7:50211", interface: null } as const;
const confirmed = {
  type: "HandshakeConfirmed",
  session: 3,
  sessionId: "s-7QF2-9KXD",
  clientKey: "jvpk1:abc",
  path: 4,
  description: DESCRIPTION,
  redundant: false,
} as const;
const validated = (path: number, bindSeq: number) => ({ type: "AttachValidated", session: 3, path, bindSeq }) as const;
const requested = (path: number, bindSeq: number) =>
  ({
    type: "AttachRequested",
    session: 3,
    path,
    description: DESCRIPTION,
    bindSeq,
    kind: "switch",
    reason: "transport_dead",
  }) as const;

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

test("no other module makes a proof: the mint is claimed only once, and a copy is not genuine", () => {
  expect(() => claimMint()).toThrow();
  const proof = mintHandshakeProof(confirmed, 1_000);
  expect(Proof.genuine(JSON.parse(JSON.stringify(proof)))).toBe(false);
  expect(Proof.genuine({ ...proof })).toBe(false);
});
