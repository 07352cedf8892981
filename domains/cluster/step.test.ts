import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AUTH_TTL_MS, type Authority, CLAIM_WAIT_MS, type ClusterEvent } from "./model.ts";
import { deadlineOf, holds, solo, step } from "./step.ts";
import { ruleFor, TABLE } from "./table.ts";

describe("a single gateway", () => {
  test("has authority for ever, whatever fails", () => {
    const authority = solo(1_000);
    expect(holds(authority, Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(deadlineOf(authority)).toBeNull();
    for (const event of [{ type: "HeartbeatFailed" }, { type: "Tick" }, committed(5, 1)] as const) {
      expect(step(authority, event, 10 ** 9)).toEqual({ next: authority, findings: [] });
    }
  });

  test("loses it by a fence, finally", () => {
    const fenced = step(solo(0), { type: "Fenced" }, 50);
    expect(fenced).toEqual({
      next: { state: "fenced", epoch: 1, since: 50 },
      findings: [{ type: "AuthorityLost", epoch: 1, reason: "fenced" }],
    });
    expect(step(fenced.next, committed(60), 70)).toEqual({ next: fenced.next, findings: [{ type: "Rejected", why: "fenced" }] });
    expect(holds(fenced.next, 70)).toBe(false);
  });
});

describe("a gateway of a cluster", () => {
  test("owns nothing before its first committed heartbeat", () => {
    expect(holds(joined(4), 0)).toBe(false);
    expect(step(joined(4), committed(100, 4), 120)).toEqual({
      next: { state: "held", epoch: 4, since: 120, deadline: 6_100 },
      findings: [{ type: "AuthorityRegained", epoch: 4 }],
    });
  });

  test("loses its authority as a single gateway when it joins, and joins under increasing epochs only", () => {
    expect(step(solo(0), { type: "Joined", epoch: 2 }, 7)).toEqual({
      next: { state: "lost", epoch: 2, since: 7 },
      findings: [{ type: "AuthorityLost", epoch: 1, reason: "joined" }],
    });
    const rejected = [{ type: "Rejected", why: "stale_epoch" }];
    expect(step(joined(2), { type: "Joined", epoch: 2 }, 8)).toEqual({ next: joined(2), findings: rejected });
    const fenced = step(joined(2), { type: "Fenced" }, 9).next;
    expect(step(fenced, { type: "Joined", epoch: 3 }, 10)).toEqual({
      next: fenced,
      findings: [{ type: "Rejected", why: "fenced" }],
    });
  });

  test("counts the deadline from the time before sending, and has no authority at the deadline itself", () => {
    const { next } = step(joined(2), committed(100), 2_000);
    expect(deadlineOf(next)).toBe(100 + AUTH_TTL_MS);
    expect(holds(next, 6_099)).toBe(true);
    expect(holds(next, 6_100)).toBe(false);
    expect(step(next, { type: "HeartbeatFailed" }, 6_100)).toEqual({
      next: { state: "lost", epoch: 2, since: 6_100 },
      findings: [{ type: "AuthorityLost", epoch: 2, reason: "deadline_passed" }],
    });
  });

  test("a reply that takes longer than the authority it gives changes nothing", () => {
    const lost = joined(2);
    expect(step(lost, committed(100), 6_100)).toEqual({ next: lost, findings: [] });
  });

  test("a late but valid renewal causes a loss first, then a return", () => {
    const { next } = step(joined(2), committed(0), 10);
    expect(step(next, committed(5_000), 6_500).findings).toEqual([
      { type: "AuthorityLost", epoch: 2, reason: "deadline_passed" },
      { type: "AuthorityRegained", epoch: 2 },
    ]);
  });

  test("claims are answered before authority is renewed: newer ones stop the session, older ones are deleted", () => {
    const claims = [
      { session: "s-A", claimant: "b", claimedRevision: 7, heldRevision: 7 },
      { session: "s-B", claimant: "b", claimedRevision: 6, heldRevision: 7 },
    ];
    expect(step(joined(2), { type: "HeartbeatCommitted", epoch: 2, sentAt: 100, claims }, 110).findings).toEqual([
      { type: "Release", session: "s-A", claimant: "b" },
      { type: "DiscardClaim", session: "s-B", claimant: "b" },
      { type: "AuthorityRegained", epoch: 2 },
    ]);
  });

  test("ownership moves only to a higher epoch", () => {
    const moved = (epoch: number): ClusterEvent => ({ type: "Moved", session: "s-A", epoch, heldEpoch: 3 });
    expect(step(solo(0), moved(4), 1).findings).toEqual([{ type: "OwnershipMoved", session: "s-A", epoch: 4 }]);
    expect(step(solo(0), moved(3), 1).findings).toEqual([{ type: "Rejected", why: "stale_epoch" }]);
  });

  test("a heartbeat of an earlier membership gives no authority", () => {
    const again = step(joined(2), { type: "Joined", epoch: 3 }, 50).next;
    expect(step(again, committed(40, 2), 60)).toEqual({
      next: again,
      findings: [{ type: "Rejected", why: "stale_epoch" }],
    });
  });

  test("a heartbeat from the future is rejected", () => {
    expect(step(joined(2), committed(500), 400).findings).toEqual([{ type: "Rejected", why: "heartbeat_from_the_future" }]);
  });
});

test("a claimant waits longer than any owner of the same heartbeat can act, with clocks 1 % apart", () => {
  expect(CLAIM_WAIT_MS).toBe(6_310);
  expect(CLAIM_WAIT_MS / 1.01).toBeGreaterThan(AUTH_TTL_MS);
});

test("every pair has exactly one row, and the rows are what the step does", () => {
  const pairs = TABLE.map((row) => `${row.from}:${row.on}`);
  expect(new Set(pairs).size).toBe(pairs.length);
  for (const row of TABLE) expect(ruleFor(row.from, row.on)).toBe(row.rule);
});

test("for any sequence: authority exactly while an honest oracle grants it, and a fence is final", () => {
  const events: fc.Arbitrary<{ gapMs: number; delayMs: number; kind: "commit" | "fail" | "fence" | "tick" }> = fc.record({
    gapMs: fc.nat(4_000),
    delayMs: fc.nat(7_000),
    kind: fc.constantFrom("commit", "commit", "commit", "fail", "tick", "fence"),
  });
  fc.assert(
    fc.property(fc.array(events, { maxLength: 100 }), (sequence) => {
      let authority: Authority = joined(2);
      let now = 10_000;
      let grantedUntil = 0;
      let fenced = false;
      for (const { gapMs, delayMs, kind } of sequence) {
        now += gapMs;
        const event = eventOf(kind, now - delayMs);
        authority = step(authority, event, now).next;
        if (kind === "fence") fenced = true;
        if (kind === "commit") grantedUntil = Math.max(grantedUntil, now - delayMs + AUTH_TTL_MS);
        expect(holds(authority, now)).toBe(!fenced && now < grantedUntil);
        expect(JSON.parse(JSON.stringify(authority))).toEqual(authority);
      }
    }),
  );
});

function eventOf(kind: "commit" | "fail" | "fence" | "tick", sentAt: number): ClusterEvent {
  if (kind === "commit") return committed(sentAt);
  if (kind === "fence") return { type: "Fenced" };
  return { type: kind === "fail" ? "HeartbeatFailed" : "Tick" };
}

/** A node that has just joined, at time 0. */
function joined(epoch: number): Authority {
  return step(solo(0), { type: "Joined", epoch }, 0).next;
}

function committed(sentAt: number, epoch = 2): ClusterEvent {
  return { type: "HeartbeatCommitted", epoch, sentAt, claims: [] };
}
