import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mayRecover, type RecoveryKind, recordRecovery, recordSwitch, UNUSED, usage } from "./budget.ts";
import type { Policy } from "./model.ts";
import { presets } from "./presets.ts";

describe("switch and recovery budgets", () => {
  test("an unused budget permits every kind", () => {
    for (const kind of KINDS) expect(mayRecover(UNUSED, limits({}), kind, "client", 1_000)).toEqual({ allowed: true });
  });

  test("the switch after the last permitted one is denied with its numbers and the exact time", () => {
    const policy = limits({ maxPerMin: 2, cooldownMs: 0 });
    const budget = recordSwitch(recordSwitch(UNUSED, policy, 1_000), policy, 11_000);
    expect(mayRecover(budget, policy, "emergency", "client", 31_000)).toEqual({
      allowed: false,
      reason: "switch_rate_limited",
      retryAfterMs: 30_001,
      used: 2,
      max: 2,
    });
    expect(mayRecover(budget, policy, "emergency", "client", 61_001)).toEqual({ allowed: true });
  });

  test("a revalidation costs no switch, but it is a recovery", () => {
    const policy = limits({ maxPerMin: 1, recoveriesPerMin: 1, cooldownMs: 0 });
    const switched = recordSwitch(UNUSED, policy, 1_000);
    expect(mayRecover(switched, policy, "revalidate", "client", 2_000)).toEqual({ allowed: true });
    const recovered = recordRecovery(switched, policy, 2_000);
    expect(mayRecover(recovered, policy, "revalidate", "client", 3_000)).toMatchObject({ reason: "recovery_rate_limited" });
  });

  test("the cooldown delays an elective switch, but not the switch after a death", () => {
    const policy = limits({ cooldownMs: 1_500, emergencyCooldownMs: 0 });
    const budget = recordSwitch(UNUSED, policy, 10_000);
    expect(mayRecover(budget, policy, "elective", "client", 11_000)).toMatchObject({
      reason: "cooldown_active",
      retryAfterMs: 500,
    });
    expect(mayRecover(budget, policy, "emergency", "client", 11_000)).toEqual({ allowed: true });
    expect(mayRecover(budget, policy, "elective", "client", 11_500)).toEqual({ allowed: true });
  });

  test("after a budget was lowered, all entries beyond it must leave the window first", () => {
    const wide = limits({ maxPerMin: 3, cooldownMs: 0 });
    const budget = [1_000, 2_000, 3_000].reduce((before, at) => recordSwitch(before, wide, at), UNUSED);
    const narrow = limits({ maxPerMin: 1, cooldownMs: 0 });
    expect(mayRecover(budget, narrow, "elective", "client", 4_000)).toMatchObject({ used: 3, max: 1, retryAfterMs: 59_001 });
  });

  test("usage shows used, maximum and the next elective switch", () => {
    const policy = limits({ maxPerMin: 8, cooldownMs: 1_500 });
    const budget = recordRecovery(recordSwitch(UNUSED, policy, 10_000), policy, 9_990);
    expect(usage(budget, policy, 10_500)).toEqual({
      switchesUsed: 1,
      switchesMax: 8,
      recoveriesUsed: 1,
      recoveriesMax: 30,
      nextSwitchInMs: 1_000,
    });
  });
});

describe("compared with an oracle that keeps all times", () => {
  test("no closed interval of 60 s contains more than the maximum, for any requests at any times", () => {
    fc.assert(
      fc.property(policies, fc.array(asks, { maxLength: 200 }), (policy, sequence) => {
        const { switches, recoveries, electives } = run(policy, sequence);
        expect(mostInOneMinute(switches)).toBeLessThanOrEqual(policy.switch.maxPerMin);
        expect(mostInOneMinute(recoveries)).toBeLessThanOrEqual(policy.switch.recoveriesPerMin);
        for (const { at, previous } of electives) expect(at - previous).toBeGreaterThanOrEqual(policy.switch.cooldownMs);
      }),
    );
  });

  test("retryAfterMs is the first millisecond at which the move is permitted", () => {
    fc.assert(
      fc.property(policies, fc.array(asks, { maxLength: 100 }), (policy, sequence) => {
        const { budget, now } = run(policy, sequence);
        for (const kind of KINDS) {
          const verdict = mayRecover(budget, policy, kind, "client", now);
          if (verdict.allowed) continue;
          expect(mayRecover(budget, policy, kind, "client", now + verdict.retryAfterMs - 1).allowed).toBe(false);
          expect(mayRecover(budget, policy, kind, "client", now + verdict.retryAfterMs)).toEqual({ allowed: true });
        }
      }),
    );
  });

  test("a gateway that learns of each switch up to 4.9 s late denies nothing that the client's rate allowed", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9_000), fc.nat(4_900)), { maxLength: 120 }), (moves) => {
        const policy = limits({ maxPerMin: 4, recoveriesPerMin: 4, cooldownMs: 0 });
        let client = UNUSED;
        let gateway = UNUSED;
        let now = 0;
        let heardAt = 0;
        for (const [gapMs, delayMs] of moves) {
          now += gapMs;
          if (!mayRecover(client, policy, "elective", "client", now).allowed) continue;
          client = recordSwitch(recordRecovery(client, policy, now), policy, now);
          heardAt = Math.max(heardAt, now + delayMs);
          expect(mayRecover(gateway, policy, "elective", "gateway", heardAt)).toEqual({ allowed: true });
          gateway = recordSwitch(recordRecovery(gateway, policy, heardAt), policy, heardAt);
        }
      }),
    );
  });
});

const KINDS: readonly RecoveryKind[] = ["elective", "emergency", "revalidate"];

const policies = fc
  .record({
    maxPerMin: fc.integer({ min: 1, max: 6 }),
    recoveriesPerMin: fc.integer({ min: 1, max: 8 }),
    cooldownMs: fc.nat(5_000),
  })
  .map(limits);

const asks = fc.record({ gapMs: fc.nat(20_000), kind: fc.constantFrom(...KINDS), commits: fc.boolean() });

function limits(changed: Partial<Policy["switch"]>): Policy {
  const { standard } = presets;
  return { name: "standard", version: 1, digest: "00", ...standard, switch: { ...standard.switch, ...changed } };
}

interface Ask {
  readonly gapMs: number;
  readonly kind: RecoveryKind;
  readonly commits: boolean;
}

function run(policy: Policy, sequence: readonly Ask[]) {
  let budget = UNUSED;
  let now = 0;
  const switches: number[] = [];
  const recoveries: number[] = [];
  const electives: { at: number; previous: number }[] = [];
  for (const ask of sequence) {
    now += ask.gapMs;
    if (!mayRecover(budget, policy, ask.kind, "client", now).allowed) continue;
    budget = recordRecovery(budget, policy, now);
    recoveries.push(now);
    if (!ask.commits || ask.kind === "revalidate") continue;
    const previous = switches.at(-1);
    if (ask.kind === "elective" && previous !== undefined) electives.push({ at: now, previous });
    budget = recordSwitch(budget, policy, now);
    switches.push(now);
  }
  return { budget, now, switches, recoveries, electives };
}

function mostInOneMinute(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at <= from + 60_000).length));
}
