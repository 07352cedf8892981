import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DroppedKind, ENGINE_KINDS } from "#kernel/contract/engine.generated";
import type { SecurityKind } from "#kernel/contract/security-kind";
import {
  FAILURE_WINDOW_MS,
  FAILURES_MAX,
  KINDS_MAX,
  NO_FAILURES,
  type Security,
  type SecurityInput,
  type SecurityPolicy,
} from "./model.ts";
import { step } from "./step.ts";

describe("attributable failures", () => {
  test("an ordinary drop of the network is a diagnostic, never a security event", () => {
    const { findings } = step(NO_FAILURES, { type: "Dropped", kind: "no_send_path", count: 3 }, POLICY, 5);
    expect(findings).toEqual([{ type: "TrafficDropped", kind: "no_send_path", count: 3 }]);
  });

  test("count against the budget; the one after the last permitted exceeds it", () => {
    let security = NO_FAILURES;
    const findingsAt = [1, 2, 3, 4, 5, 6].map((at) => {
      const { next, findings } = step(security, blamed("echo_never_issued"), POLICY, at * 2_000);
      security = next;
      return findings;
    });
    expect(findingsAt[0]).toEqual([
      { type: "SecurityEvent", kind: "echo_never_issued", count: 1, attributable: true },
      { type: "Failure", kind: "echo_never_issued", used: 1, max: 5, exceeded: false },
    ]);
    expect(findingsAt[4]).toContainEqual(expect.objectContaining({ type: "Failure", used: 5, exceeded: false }));
    expect(findingsAt[5]).toContainEqual(expect.objectContaining({ type: "Failure", used: 6, exceeded: true }));
  });

  test("leave the budget after 60 s", () => {
    let security = NO_FAILURES;
    for (let at = 0; at < 5; at++) security = step(security, blamed("path_zero"), POLICY, at).next;
    const { findings } = step(security, blamed("path_zero"), POLICY, FAILURE_WINDOW_MS + 5);
    expect(findings).toContainEqual({ type: "Failure", kind: "path_zero", used: 1, max: 5, exceeded: false });
  });

  test("all count, also those whose event is held back", () => {
    let security = NO_FAILURES;
    for (let burst = 0; burst < 5; burst++) security = step(security, blamed("path_zero"), POLICY, 1_000).next;
    expect(step(security, blamed("path_zero"), POLICY, 1_001).findings).toEqual([
      { type: "Failure", kind: "path_zero", used: 6, max: 5, exceeded: true },
    ]);
  });
});

describe("what is not attributable", () => {
  test("changes only counters and is emitted once a second, with what was held back", () => {
    let security = NO_FAILURES;
    const findingsAt = [0, 10, 20, 999, 1_000].map((at) => {
      const { next, findings } = step(
        security,
        { type: "ValidationFailed", kind: "stale_bind_seq", attributable: false },
        POLICY,
        at,
      );
      security = next;
      return findings;
    });
    expect(findingsAt.map((findings) => findings.length)).toEqual([1, 0, 0, 0, 1]);
    expect(findingsAt[4]).toEqual([{ type: "SecurityEvent", kind: "stale_bind_seq", count: 4, attributable: false }]);
    expect(security.failures).toEqual([]);
  });

  test("a flood of drops is one record with its count", () => {
    const { findings } = step(NO_FAILURES, { type: "Dropped", kind: "bad_tag", count: 90_000 }, POLICY, 5);
    expect(findings).toEqual([{ type: "SecurityEvent", kind: "bad_tag", count: 90_000, attributable: false }]);
  });

  test("kinds beyond the maximum are counted as other", () => {
    let security = NO_FAILURES;
    for (const kind of KINDS) security = step(security, { type: "Dropped", kind, count: 1 }, POLICY, 0).next;
    expect(security.tallies).toHaveLength(KINDS_MAX);
    expect(security.tallies.find(({ kind }) => kind === "other")?.held).toBe(KINDS.length - KINDS_MAX);
  });
});

describe("keys", () => {
  test("each trigger is emitted, and epochs must increase", () => {
    const rotated = step(NO_FAILURES, { type: "KeyRotated", epoch: 1, trigger: "age" }, POLICY, 0);
    expect(rotated.findings).toEqual([{ type: "KeyChanged", event: "KeyRotated", epoch: 1, trigger: "age" }]);
    const again = step(rotated.next, { type: "KeyRotated", epoch: 1, trigger: "age" }, POLICY, 0);
    expect(again.findings).toEqual([{ type: "SecurityEvent", kind: "key_epoch_not_rising", count: 1, attributable: false }]);
    expect(again.next.keyEpoch).toBe(1);
    expect(step(rotated.next, { type: "RekeyDenied", epoch: 2, reason: "too_soon" }, POLICY, 0).findings).toEqual([
      { type: "KeyChanged", event: "RekeyDenied", epoch: 2, trigger: "too_soon" },
    ]);
  });
});

test("for any flood: bounded state, exact budget, and every occurrence emitted or held back", () => {
  const inputs: fc.Arbitrary<SecurityInput> = fc.oneof(
    fc.record({ type: fc.constant("ValidationFailed"), kind: fc.constantFrom(...KINDS.slice(0, 3)), attributable: fc.boolean() }),
    fc.record({ type: fc.constant("Dropped"), kind: fc.constantFrom(...KINDS), count: fc.nat(1_000) }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5_000), inputs), { maxLength: 300 }), (sequence) => {
      let security: Security = NO_FAILURES;
      let now = 0;
      const blamedAt: number[] = [];
      let happened = 0;
      let emittedCount = 0;
      for (const [gapMs, input] of sequence) {
        now += gapMs;
        const { next, findings } = step(security, input, POLICY, now);
        security = next;
        happened += input.type === "Dropped" ? input.count : 1;
        if (input.type === "ValidationFailed" && input.attributable) blamedAt.push(now);
        for (const finding of findings) {
          if (finding.type === "SecurityEvent" || finding.type === "TrafficDropped") emittedCount += finding.count;
          if (finding.type === "Failure") {
            const used = blamedAt.filter((at) => now - at <= FAILURE_WINDOW_MS).length;
            expect(finding).toMatchObject({ used: Math.min(used, FAILURES_MAX + 1), exceeded: used > 5 });
          }
        }
        expect(security.tallies.length).toBeLessThanOrEqual(KINDS_MAX);
        expect(security.failures.length).toBeLessThanOrEqual(FAILURES_MAX + 1);
      }
      const held = security.tallies.reduce((sum, tally) => sum + tally.held, 0);
      expect(emittedCount + held).toBe(happened);
    }),
  );
});

const KINDS = Object.keys(ENGINE_KINDS) as DroppedKind[];
const POLICY: SecurityPolicy = { security: { validationFailBudget: 5 } };

function blamed(kind: SecurityKind): SecurityInput {
  return { type: "ValidationFailed", kind, attributable: true };
}
