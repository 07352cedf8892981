import { describe, expect, test } from "vitest";
import { claimMint } from "#kernel/contract/proof";
import type { SessionLimits } from "#kernel/contract/session-limits";
import { ALLOWED, type Verdict } from "#kernel/contract/verdict";
import { attached } from "./attached.ts";
import type { SessionEvent } from "./event.ts";
import { type Attached, birth, type Context, type Session } from "./model.ts";
import { corrupt, step } from "./step.ts";

const mint = claimMint();
const LIMITS: SessionLimits = {
  maxLifetimeMs: 1_000_000,
  transportLostTtlMs: 120_000,
  degradedMaxMs: 600_000,
  birthTtlMs: 5_000,
  attemptTimeoutMs: 5_000,
  volatileMaxMs: 4_000,
};
const DENIED: Verdict = { allowed: false, reason: "switch_rate_limited", retryAfterMs: 900, used: 8, max: 8 };
const TICK: SessionEvent = { type: "Tick" };
const AVAILABLE: SessionEvent = { type: "CandidateAvailable", reason: "candidate_available" };

describe("a client's session", () => {
  test("I2: becomes ATTACHED by a handshake's proof, and starts no clock", () => {
    const { next, effects, audit } = step(
      born(),
      { type: "HandshakeConfirmed", proof: mint("handshake", 3, 1, 10), refusal: null },
      given(),
      10,
    );
    expect(next).toEqual({
      state: "ATTACHED",
      id: "s-1",
      handle: 1,
      role: "client",
      version: 1,
      bornAt: 0,
      bindSeq: 1,
      active: 3,
      since: 10,
    });
    expect(effects).toEqual([{ type: "Bind", path: 3, left: null }, { type: "Accept" }]);
    expect(audit.map((record) => record.type)).toEqual(["SessionStateChange"]);
  });

  test("I2: something that only looks like a proof is refused", () => {
    const forged = JSON.parse(JSON.stringify(mint("handshake", 3, 1, 10)));
    expect(step(born(), { type: "HandshakeConfirmed", proof: forged, refusal: null }, given(), 10).next.state).toBe("TERMINATED");
    expect(() => attached(born(), forged, 10)).toThrow("minted");
  });

  test("1.1: the death of its path with a backup causes VOLATILE, RECOVERING and one attempt, in one step", () => {
    const { next, effects } = step(steady(), dead(1), given({ candidate: 2 }), 100);
    expect(next).toMatchObject({
      state: "RECOVERING",
      version: 3,
      active: null,
      lastActive: 1,
      target: 2,
      attempt: 2,
      transportlessSince: 100,
      degradedSince: 100,
    });
    expect(effects).toEqual([
      { type: "RecordRecovery" },
      { type: "Attach", path: 2, bindSeq: 2, revalidate: false, reason: "transport_dead" },
    ]);
  });

  test("I8: an attempt does not reset the clocks, and they continue after its failure", () => {
    const recovering = step(steady(), dead(1), given({ candidate: 2 }), 100).next;
    const failed = step(recovering, { type: "TargetFailed", path: 2, bindSeq: 2, reason: "target_unanswered" }, given(), 700);
    expect(failed.next).toMatchObject({ state: "DEGRADED", transportlessSince: 100, degradedSince: 100, wait: { until: 950 } });
    expect(step(failed.next, TICK, given(), 120_100).next.state).toBe("DEGRADED");
    expect(step(failed.next, TICK, given(), 120_101).next).toMatchObject({
      state: "TERMINATED",
      reason: "transport_lost_ttl_exceeded",
    });
  });

  test("7: a denied switch does not change a healthy session at all", () => {
    const before = steady();
    const { next, effects, audit } = step(
      before,
      { type: "SwitchRequested", target: 2, reason: "switch_requested", verdict: DENIED },
      given(),
      100,
    );
    expect(next).toEqual(before);
    expect(effects).toEqual([]);
    expect(audit).toMatchObject([
      { type: "TransportSwitchDenied", reason: "switch_rate_limited", numbers: { used: 8, max: 8, retryAfterMs: 900 } },
    ]);
  });

  test("3: denied after a death, it waits in DEGRADED and tries again at the earliest permitted time (I22)", () => {
    const waiting = step(steady(), dead(1), given({ candidate: 2, verdict: DENIED }), 100).next;
    expect(waiting).toMatchObject({ state: "DEGRADED", cause: "switch_rate_limited", wait: { until: 1_000 } });
    expect(step(waiting, TICK, given({ candidate: 2 }), 999).next.state).toBe("DEGRADED");
    expect(step(waiting, TICK, given({ candidate: 2 }), 1_000).next).toMatchObject({ state: "RECOVERING", target: 2 });
  });

  test("3: a death in DEGRADED causes a new attempt at once: the cooldown for elective switches no longer applies", () => {
    const lossy: SessionEvent = { type: "ThresholdExceeded", path: 1, reason: "loss_threshold_exceeded", numbers: {} };
    const waiting = step(steady(), lossy, given({ candidate: 2, verdict: DENIED }), 100).next;
    expect(waiting).toMatchObject({ state: "DEGRADED", active: 1, wait: { until: 1_000 } });
    expect(step(waiting, dead(1), given({ candidate: 2 }), 200).next).toMatchObject({
      state: "DEGRADED",
      active: null,
      wait: null,
    });
  });

  test("3: our own limits of switches do not block the last active path", () => {
    const waiting = step(steady(), dead(1), given({ candidate: 2, verdict: DENIED }), 100).next;
    expect(step(waiting, AVAILABLE, given({ candidate: 2 }), 500).next).toEqual(waiting);
    expect(step(waiting, AVAILABLE, given({ candidate: 1 }), 500).next).toMatchObject({ state: "RECOVERING", target: 1 });
  });

  test("3: a peer's denial blocks every attempt, also on the last active path", () => {
    const recovering = step(steady(), dead(1), given({ candidate: 2 }), 100).next;
    const denied: SessionEvent = { type: "PeerDenied", bindSeq: 2, reason: "switch_rate_limited", retryAfterMs: 900 };
    const waiting = step(recovering, denied, given(), 150).next;
    expect(waiting).toMatchObject({ state: "DEGRADED", wait: { until: 1_050 } });
    expect(step(waiting, AVAILABLE, given({ candidate: 1 }), 500).next).toEqual(waiting);
    const wish: SessionEvent = { type: "SwitchRequested", target: 2, reason: "switch_requested", verdict: DENIED };
    const wished = step(waiting, wish, given(), 400).next;
    expect(step(wished, AVAILABLE, given({ candidate: 1 }), 500).next).toEqual(wished);
    expect(step(wished, AVAILABLE, given({ candidate: 1 }), 1_050).next).toMatchObject({ state: "RECOVERING", target: 1 });
  });

  test("4: a proof for another attempt changes nothing", () => {
    const recovering = step(steady(), dead(1), given({ candidate: 2 }), 100).next;
    for (const [path, seq] of [
      [2, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      const late: SessionEvent = {
        type: "AttachValidated",
        path,
        bindSeq: seq,
        proof: mint("attach", path, seq, 110),
        verdict: ALLOWED,
      };
      expect(step(recovering, late, given(), 110).next).toEqual(recovering);
    }
  });

  test("a policy update never shortens a running attempt", () => {
    const recovering = step(steady(), dead(1), given({ candidate: 2 }), 100).next;
    const shorter = { ...given(), limits: { ...LIMITS, attemptTimeoutMs: 10 } };
    expect(step(recovering, TICK, shorter, 5_100).next).toEqual(recovering);
    expect(step(recovering, TICK, shorter, 5_101).next).toMatchObject({ state: "DEGRADED", cause: "attempt_timeout" });
  });

  test("latency alone never starts a clock that ends it", () => {
    const slow: SessionEvent = { type: "ThresholdExceeded", path: 1, reason: "latency_threshold_exceeded", numbers: {} };
    const volatile = step(steady(), slow, given(), 100).next;
    const degraded = step(volatile, TICK, given(), 5_000).next;
    expect(degraded).toMatchObject({ state: "DEGRADED", degradedSince: null, transportlessSince: null });
    expect(step(degraded, TICK, given(), 900_000).next).toEqual(degraded);
  });
});

describe("the order of judging", () => {
  const waiting: Extract<Session, { state: "DEGRADED" }> = {
    ...identity(3),
    state: "DEGRADED",
    active: null,
    lastActive: 1,
    since: 0,
    cause: "no_candidate",
    transportlessSince: 0,
    degradedSince: 0,
    wait: { until: 50, denies: "every_attempt" },
  };

  test("integrity comes first, also before an operator's request", () => {
    const unsound: typeof waiting = { ...waiting, transportlessSince: null };
    const { next } = step(unsound, { type: "OperatorTerminate", reason: "operator_terminated", numbers: {} }, given(), 100);
    expect(next).toMatchObject({ state: "TERMINATED", reason: "state_corruption" });
  });

  test("then the lifetime, then a close, then the clocks, then the event, then a pending retry", () => {
    const operator: SessionEvent = { type: "OperatorTerminate", reason: "operator_terminated", numbers: {} };
    expect(step(waiting, operator, given(), 1_000_001).next).toMatchObject({ reason: "session_lifetime_exceeded" });
    expect(step(waiting, operator, given(), 900_000).next).toMatchObject({ reason: "operator_terminated" });
    expect(step(waiting, TICK, given({ candidate: 2 }), 900_000).next).toMatchObject({ reason: "transport_lost_ttl_exceeded" });
    expect(step(waiting, TICK, given({ candidate: 2 }), 60).next).toMatchObject({ state: "RECOVERING" });
  });

  test("I12: without authority nothing is ATTACHED after the event, and no attempt starts", () => {
    expect(step(steady(), TICK, given({ authority: false, candidate: 2 }), 100).next).toMatchObject({
      state: "DEGRADED",
      cause: "authority_lost",
      active: 1,
    });
    expect(step(waiting, TICK, given({ authority: false, candidate: 2 }), 60).next.state).toBe("DEGRADED");
  });

  test("I7: TERMINATED is final", () => {
    const ended = step(steady(), { type: "PeerClose", reason: "peer_closed", numbers: {} }, given(), 100).next;
    const again = step(ended, dead(1), given({ candidate: 2 }), 900_000_000);
    expect(again.next).toEqual(ended);
    expect(again.audit).toMatchObject([{ type: "Diagnostic", reason: "terminal" }]);
  });

  test("a value that is no session still ends explicitly", () => {
    const nonsense = { ...steady(), state: "HALFWAY", version: Number.NaN } as unknown as Session;
    expect(step(nonsense, TICK, given(), 100).next).toMatchObject({ state: "TERMINATED", reason: "state_corruption", id: "s-1" });
    expect(corrupt(steady(), "planted", given(), 100).audit[0]).toMatchObject({
      type: "Diagnostic",
      numbers: { promise: "planted" },
    });
  });
});

describe("a gateway's session", () => {
  test("follows a newer attach through the whole chain, one version each, and answers", () => {
    const before = { ...steady(), role: "gateway" } as Attached;
    const { next, effects, audit } = step(before, attach(2, 5), given(), 100);
    expect(next).toMatchObject({ state: "ATTACHED", version: 4, active: 2, bindSeq: 5 });
    expect(effects).toEqual([
      { type: "RecordRecovery" },
      { type: "Bind", path: 2, left: 1, jump: { from: 1, to: 2, reason: "peer_reattach", withoutPathMs: 0 } },
      { type: "AnswerAttach", path: 2, bindSeq: 5, deny: null, retryAfterMs: 0 },
    ]);
    expect(audit.map(({ type }) => type)).toEqual([
      "SessionStateChange",
      "SessionStateChange",
      "AttachResult",
      "TransportSwitch",
      "SessionStateChange",
    ]);
  });

  test("denies with reason and time, and stays on its path", () => {
    const before = { ...steady(), role: "gateway" } as Attached;
    const { next, effects } = step(before, attach(2, 5, DENIED), given(), 100);
    expect(next).toEqual(before);
    expect(effects).toEqual([{ type: "AnswerAttach", path: 2, bindSeq: 5, deny: "switch_rate_limited", retryAfterMs: 900 }]);
  });

  test("ignores an old bind seq, which proves nothing", () => {
    const before = { ...steady(), role: "gateway", bindSeq: 9 } as Attached;
    expect(step(before, attach(2, 9), given(), 100).next).toEqual(before);
  });
});

function identity(version: number) {
  return { id: "s-1", handle: 1, role: "client", version, bornAt: 0, bindSeq: version === 0 ? 0 : 1 } as const;
}

function born(): Session {
  return birth("s-1", 1, "client", 0);
}

function steady(): Attached {
  return attached(born(), mint("handshake", 1, 1, 0), 0);
}

function given(over: Partial<Context> = {}): Context {
  return { limits: LIMITS, authority: true, candidate: null, verdict: ALLOWED, ...over };
}

function dead(path: number): SessionEvent {
  return { type: "TransportDead", path, numbers: {} };
}

function attach(path: number, bindSeq: number, verdict: Verdict = ALLOWED): SessionEvent {
  return { type: "AttachValidated", path, bindSeq, proof: mint("attach", path, bindSeq, 100), verdict };
}
