import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Budget,
  mayRecover,
  RECOVERY_KINDS,
  type RecoveryKind,
  recordRecovery,
  recordSwitch,
  UNUSED,
  usage,
} from "./budget.ts";
import type { Policy } from "./model.ts";
import { presets } from "./presets.ts";

describe("switch and recovery budgets", () => {
  test("an unused budget permits every kind", () => {
    for (const kind of RECOVERY_KINDS) expect(mayRecover(UNUSED, limits({}), kind, "client", 1_000)).toEqual({ allowed: true });
  });

  test("the switch after the last permitted one is denied with its numbers and the exact time", () => {
    const policy = limits({ maxPerMin: 2, cooldownMs: 0 });
    const budget = switched(policy, false, 1_000, 11_000);
    expect(mayRecover(budget, policy, "emergency", "client", 31_000)).toEqual({
      allowed: false,
      reason: "switch_rate_limited",
      retryAfterMs: 30_001,
      used: 2,
      max: 2,
    });
    expect(mayRecover(budget, policy, "emergency", "client", 61_001)).toEqual({ allowed: true });
  });

  test("switches that could wait use at most half, rounded down; a death may use what is left", () => {
    const policy = limits({ maxPerMin: 5, cooldownMs: 0 });
    const budget = switched(policy, true, 1_000, 2_000);
    expect(mayRecover(budget, policy, "elective", "client", 3_000)).toEqual({
      allowed: false,
      reason: "switch_rate_limited",
      retryAfterMs: 58_001,
      used: 2,
      max: 2,
    });
    expect(mayRecover(budget, policy, "emergency", "client", 3_000)).toEqual({ allowed: true });
  });

  test("after deaths a switch that could wait must wait for the whole limit", () => {
    const policy = limits({ maxPerMin: 4, cooldownMs: 0 });
    const budget = switched(policy, false, 1_000, 2_000, 3_000, 4_000);
    expect(mayRecover(budget, policy, "elective", "client", 5_000)).toMatchObject({ used: 4, max: 4, retryAfterMs: 56_001 });
  });

  test("a new proof costs no switch, but it is a recovery; one that could wait leaves half of these to others", () => {
    const policy = limits({ maxPerMin: 2, recoveriesPerMin: 2, cooldownMs: 0 });
    const used = switched(policy, false, 1_000, 1_001);
    expect(mayRecover(used, policy, "revalidate", "client", 2_000)).toEqual({ allowed: true });
    const recovered = recordRecovery(used, policy, true, 2_000);
    expect(mayRecover(recovered, policy, "revalidate", "client", 3_000)).toMatchObject({
      reason: "recovery_rate_limited",
      used: 1,
      max: 1,
    });
    expect(mayRecover(recovered, policy, "restore", "client", 3_000)).toEqual({ allowed: true });
  });

  test("the cooldown delays an elective switch, but not the switch after a death", () => {
    const policy = limits({ cooldownMs: 1_500, emergencyCooldownMs: 0 });
    const budget = switched(policy, true, 10_000);
    expect(mayRecover(budget, policy, "elective", "client", 11_000)).toMatchObject({
      reason: "cooldown_active",
      retryAfterMs: 500,
    });
    expect(mayRecover(budget, policy, "emergency", "client", 11_000)).toEqual({ allowed: true });
    expect(mayRecover(budget, policy, "elective", "client", 11_500)).toEqual({ allowed: true });
  });

  test("the cooldown between deaths is not begun by a switch that could wait", () => {
    const policy = limits({ cooldownMs: 0, emergencyCooldownMs: 5_000 });
    const dead = switched(policy, false, 10_000);
    const chosen = recordSwitch(dead, policy, true, 14_000);
    expect(mayRecover(dead, policy, "emergency", "client", 14_000)).toMatchObject({ retryAfterMs: 1_000 });
    expect(mayRecover(chosen, policy, "emergency", "client", 15_000)).toEqual({ allowed: true });
  });

  test("a gateway, which cannot know why its client moves, judges by the whole limits alone", () => {
    const policy = limits({ maxPerMin: 4, cooldownMs: 5_000, emergencyCooldownMs: 5_000 });
    const budget = switched(policy, true, 1_000, 2_000, 3_000);
    expect(mayRecover(budget, policy, "emergency", "gateway", 3_001)).toEqual({ allowed: true });
  });

  test("after a budget was lowered, all entries beyond it must leave the window first", () => {
    const budget = switched(limits({ maxPerMin: 4, cooldownMs: 0 }), false, 1_000, 2_000, 3_000);
    const narrow = limits({ maxPerMin: 2, cooldownMs: 0 });
    expect(mayRecover(budget, narrow, "emergency", "client", 4_000)).toMatchObject({ used: 3, max: 2, retryAfterMs: 58_001 });
  });

  test("usage shows used, maximum, the part that could wait, and the next elective switch", () => {
    const policy = limits({ maxPerMin: 8, cooldownMs: 1_500 });
    const budget = recordRecovery(switched(policy, true, 10_000), policy, false, 9_990);
    expect(usage(budget, policy, 10_500)).toEqual({
      switches: { used: 1, max: 8, electiveUsed: 1, electiveMax: 4 },
      recoveries: { used: 1, max: 30, electiveUsed: 0, electiveMax: 15 },
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

  test("whatever could wait was done before, the deaths have the other half of both limits", () => {
    fc.assert(
      fc.property(policies, fc.array(asks, { maxLength: 200 }), (policy, sequence) => {
        const { budget, now, urgentSwitches, urgentRecoveries } = run(policy, sequence);
        const recent = (times: readonly number[]): number => times.filter((at) => now - at <= 60_000).length;
        const { maxPerMin, recoveriesPerMin } = policy.switch;
        const left = recent(urgentRecoveries) < recoveriesPerMin - Math.floor(recoveriesPerMin / 2);
        if (left) expect(mayRecover(budget, policy, "restore", "client", now)).toEqual({ allowed: true });
        if (left && recent(urgentSwitches) < maxPerMin - Math.floor(maxPerMin / 2))
          expect(mayRecover(budget, policy, "emergency", "client", now)).toEqual({ allowed: true });
      }),
    );
  });

  test("retryAfterMs is the first millisecond at which the move is permitted", () => {
    fc.assert(
      fc.property(policies, fc.array(asks, { maxLength: 100 }), (policy, sequence) => {
        const { budget, now } = run(policy, sequence);
        for (const kind of RECOVERY_KINDS) {
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
          if (!mayRecover(client, policy, "emergency", "client", now).allowed) continue;
          client = recordSwitch(recordRecovery(client, policy, false, now), policy, false, now);
          heardAt = Math.max(heardAt, now + delayMs);
          expect(mayRecover(gateway, policy, "emergency", "gateway", heardAt)).toEqual({ allowed: true });
          gateway = recordSwitch(recordRecovery(gateway, policy, true, heardAt), policy, true, heardAt);
        }
      }),
    );
  });
});

const policies = fc
  .record({
    maxPerMin: fc.integer({ min: 2, max: 6 }),
    recoveriesPerMin: fc.integer({ min: 2, max: 8 }),
    cooldownMs: fc.nat(5_000),
  })
  .map(limits);

const asks = fc.record({ gapMs: fc.nat(20_000), kind: fc.constantFrom(...RECOVERY_KINDS), commits: fc.boolean() });

function limits(changed: Partial<Policy["switch"]>): Policy {
  const { standard } = presets;
  return { name: "standard", version: 1, digest: "00", ...standard, switch: { ...standard.switch, ...changed } };
}

interface Ask {
  readonly gapMs: number;
  readonly kind: RecoveryKind;
  readonly commits: boolean;
}

function switched(policy: Policy, elective: boolean, ...times: readonly number[]): Budget {
  return times.reduce((before, at) => recordSwitch(before, policy, elective, at), UNUSED);
}

function run(policy: Policy, sequence: readonly Ask[]) {
  let budget = UNUSED;
  let now = 0;
  const switches: number[] = [];
  const recoveries: number[] = [];
  const urgentSwitches: number[] = [];
  const urgentRecoveries: number[] = [];
  const electives: { at: number; previous: number }[] = [];
  for (const { gapMs, kind, commits } of sequence) {
    now += gapMs;
    if (!mayRecover(budget, policy, kind, "client", now).allowed) continue;
    const waits = kind === "elective" || kind === "revalidate";
    budget = recordRecovery(budget, policy, waits, now);
    recoveries.push(now);
    if (!waits) urgentRecoveries.push(now);
    if (!commits || kind === "revalidate" || kind === "restore") continue;
    const previous = switches.at(-1);
    if (kind === "elective" && previous !== undefined) electives.push({ at: now, previous });
    budget = recordSwitch(budget, policy, waits, now);
    switches.push(now);
    if (!waits) urgentSwitches.push(now);
  }
  return { budget, now, switches, recoveries, urgentSwitches, urgentRecoveries, electives };
}

function mostInOneMinute(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at <= from + 60_000).length));
}
