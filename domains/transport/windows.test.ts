import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PathStats } from "#kernel/contract/engine.generated";
import { NO_PROBES, type PathPolicy, SAMPLES_MAX, type Sample } from "./model.ts";
import { jitterMsOver, latencyMsOver, lossExceeds, lossOver, probed, sampled } from "./windows.ts";

/** Fewer samples measure nothing. */
const SAMPLES_MIN = 8;
const PACKETS_MIN = 20;

describe("loss over a window", () => {
  test("is not measured with too few snapshots or too few packets", () => {
    expect(lossOver(steady(SAMPLES_MIN - 1, 100, 0.5), WINDOW_MS, NOW)).toBeUndefined();
    expect(lossOver(steady(SAMPLES_MIN, 2, 0.5), WINDOW_MS, NOW)).toBeUndefined();
    expect(lossOver(steady(SAMPLES_MIN, PACKETS_MIN, 0.5), WINDOW_MS, NOW)).toMatchObject({ ratio: 0.5 });
  });

  test("ignores everything before the window", () => {
    const old = steady(10, 100, 0.9).map((sample) => ({ ...sample, at: sample.at - 60_000 }));
    expect(lossOver(old, WINDOW_MS, NOW)).toBeUndefined();
  });

  test("equals a packet-by-packet count of the worse direction", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(200), fc.nat(200), fc.nat(200), fc.nat(200)), { minLength: 8, maxLength: 30 }),
        (ticks) => {
          const samples = accumulate(
            ticks.map(([sentUp, lostUp, sentDown, lostDown]) => [sentUp + lostUp, sentUp, sentDown + lostDown, sentDown]),
          );
          const inside = ticks.slice(1);
          const sum = (pick: (tick: readonly number[]) => number) => inside.reduce((total, tick) => total + pick(tick), 0);
          const up = [sum((tick) => (tick[0] ?? 0) + (tick[1] ?? 0)), sum((tick) => tick[1] ?? 0)] as const;
          const down = [sum((tick) => (tick[2] ?? 0) + (tick[3] ?? 0)), sum((tick) => tick[3] ?? 0)] as const;
          const ratios = [up, down].filter(([sent]) => sent >= PACKETS_MIN).map(([sent, lost]) => lost / sent);
          const measured = lossOver(samples, WINDOW_MS, NOW);
          if (ratios.length === 0) expect(measured).toBeUndefined();
          else expect(measured?.ratio).toBeCloseTo(Math.max(...ratios), 9);
        },
      ),
    );
  });

  test("counters that went backwards measure nothing", () => {
    const samples = steady(10, 100, 0).map((sample, index) => (index === 9 ? { ...sample, upSent: 0, upReceived: 0 } : sample));
    expect(lossOver(samples, WINDOW_MS, NOW)).toEqual({ ratio: 0, sent: 900 });
  });
});

describe("after a blackout", () => {
  /** 100 packets per 100 ms and direction; the blackout lost 5,000 of each. The peer's probe arrives 300 ms late. */
  function returned(lossAfter: number): readonly Sample[] {
    let samples: readonly Sample[] = [];
    for (let tick = 0; tick < 30; tick++) {
      const after = tick * 100 * (1 - lossAfter);
      const up = { upSent: 6_000 + tick * 100, upReceived: 1_000 + after };
      const down = tick < 3 ? { downSent: 1_000, downReceived: 1_000 } : { downSent: up.upSent, downReceived: up.upReceived };
      samples = sampled(samples, stats({ ...up, ...down }), POLICY, NOW - 2_900 + tick * 100);
    }
    return samples;
  }

  test("its losses are not counted in the direction that is reported last", () => {
    expect(lossOver(returned(0), WINDOW_MS, NOW)).toMatchObject({ ratio: 0 });
  });

  test("later losses are counted", () => {
    expect(lossOver(returned(0.3), WINDOW_MS, NOW)?.ratio).toBeCloseTo(0.3, 9);
  });

  test("counters that never changed measure nothing, whatever their value", () => {
    let samples: readonly Sample[] = [];
    for (let tick = 0; tick < 30; tick++) {
      samples = sampled(samples, stats({ upSent: 5_000, upReceived: 1_000 }), POLICY, NOW - 2_900 + tick * 100);
    }
    expect(lossOver(samples, WINDOW_MS, NOW)).toBeUndefined();
  });
});

describe("random loss below the threshold", () => {
  test("from about 500 packets on the plain threshold decides; smaller samples need more loss", () => {
    expect(lossExceeds({ ratio: 0.081, sent: 3_000 }, 0.08)).toBe(true);
    expect(lossExceeds({ ratio: 0.08, sent: 3_000 }, 0.08)).toBe(false);
    expect(lossExceeds({ ratio: 0.081, sent: 500 }, 0.08)).toBe(true);
    expect(lossExceeds({ ratio: 0.1, sent: 60 }, 0.08)).toBe(false);
    expect(lossExceeds({ ratio: 0.25, sent: 60 }, 0.08)).toBe(true);
  });

  test.each([
    [2, 0.02],
    [6, 0.02],
    [100, 0.02],
    [100, 0.05],
  ])("an hour of %i packets per 100 ms at random loss of %f exceeds nothing", (packets, ratio) => {
    const random = generator(packets * 7_919 + 1);
    let samples: readonly Sample[] = [];
    let sent = 0;
    let received = 0;
    let exceeded = 0;
    for (let now = 0; now < 3_600_000; now += 100) {
      sent += packets;
      for (let packet = 0; packet < packets; packet++) received += random() < ratio ? 0 : 1;
      samples = sampled(samples, stats({ upSent: sent, upReceived: received }), POLICY, now);
      const loss = lossOver(samples, WINDOW_MS, now);
      if (loss !== undefined && lossExceeds(loss, 0.08)) exceeded += 1;
    }
    expect(exceeded).toBe(0);
  });

  test("20 % of loss is noticed within a window on a busy path and on a quiet one", () => {
    for (const packets of [100, 6, 2]) {
      const random = generator(packets);
      const samples = accumulate(
        Array.from({ length: 30 }, () => {
          const arrived = Array.from({ length: packets }, random).filter((draw) => draw >= 0.25).length;
          return [packets, arrived, 0, 0] as const;
        }),
      );
      const loss = lossOver(samples, WINDOW_MS, NOW);
      expect(loss !== undefined && lossExceeds(loss, 0.08)).toBe(true);
    }
  });
});

describe("latency and jitter", () => {
  test("are medians, so one spike has no effect", () => {
    const samples = steady(15, 100, 0).map((sample, index) => ({
      ...sample,
      srttUs: index === 7 ? 9_000_000 : 20_000,
      jitterUs: 3_000,
    }));
    expect(latencyMsOver(samples, WINDOW_MS, NOW)).toBe(20);
    expect(jitterMsOver(samples, WINDOW_MS, NOW)).toBe(3);
  });

  test("are not measured without an estimate", () => {
    expect(latencyMsOver(steady(30, 100, 0), WINDOW_MS, NOW)).toBeUndefined();
    expect(jitterMsOver(steady(30, 100, 0), WINDOW_MS, NOW)).toBeUndefined();
  });

  test("the median is the middle of the sorted values", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 8, maxLength: 30 }), (values) => {
        const samples = steady(values.length, 1, 0).map((sample, index) => ({ ...sample, srttUs: values[index] ?? 0 }));
        const median = Math.round((latencyMsOver(samples, WINDOW_MS, NOW) ?? 0) * 2_000) / 2;
        const below = values.filter((value) => value < median).length;
        const above = values.filter((value) => value > median).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe("stored samples and probes", () => {
  test("never more than the maximum, and every window can still be measured, at any interval", () => {
    for (const cadenceMs of [1, 10, 77, 100]) {
      let samples: readonly Sample[] = [];
      let now = 0;
      for (; now < 30_000; now += cadenceMs) {
        samples = sampled(samples, stats({ upSent: now, upReceived: now, srttUs: 1_000 }), LONG, now);
        expect(samples.length).toBeLessThanOrEqual(SAMPLES_MAX);
      }
      const last = now - cadenceMs;
      expect(lossOver(samples, 1_000, last)).toMatchObject({ ratio: 0 });
      expect(latencyMsOver(samples, 1_000, last)).toBe(1);
      expect(last - (samples[0]?.at ?? last)).toBeGreaterThan(9_500);
    }
  });

  test("the average of probes changes slowly and ignores counters that went backwards", () => {
    const first = probed(NO_PROBES, stats({ probesAnswered: 100, probesLost: 50 }));
    expect(first).toMatchObject({ judged: 0, lossRatio: 0 });
    const clean = probed(first, stats({ probesAnswered: 110, probesLost: 50 }));
    expect(clean).toMatchObject({ judged: 10, lossRatio: 0 });
    const lost = probed(clean, stats({ probesAnswered: 110, probesLost: 51 }));
    expect(lost.lossRatio).toBeCloseTo(1 / 64, 9);
    expect(probed(lost, stats({ probesAnswered: 0, probesLost: 0 }))).toMatchObject({
      judged: 11,
      lossRatio: lost.lossRatio,
      answered: 0,
    });
  });
});

const NOW = 1_000_000;
const WINDOW_MS = 3_000;
const POLICY: PathPolicy = {
  volatile: {
    loss: { threshold: 0.08, windowMs: WINDOW_MS },
    latency: { thresholdMs: 400, windowMs: WINDOW_MS },
    jitter: { thresholdMs: 80, windowMs: WINDOW_MS },
  },
  switch: { returnToPreferredAfterMs: 30_000, marginMs: 10, marginRatio: 0.2 },
  penalty: { firstMs: 8_000, maxMs: 600_000 },
};
const LONG: PathPolicy = { ...POLICY, volatile: { ...POLICY.volatile, jitter: { thresholdMs: 80, windowMs: 10_000 } } };

/** `[sentUp, receivedUp, sentDown, receivedDown]` per 100 ms, the last at `NOW`. */
function accumulate(ticks: readonly (readonly [number, number, number, number])[]): readonly Sample[] {
  const totals = [0, 0, 0, 0];
  return ticks.map((tick, index) => {
    tick.forEach((count, place) => {
      totals[place] = (totals[place] ?? 0) + count;
    });
    const [upSent = 0, upReceived = 0, downSent = 0, downReceived = 0] = totals;
    const counted = { upSent, upReceived, downSent, downReceived, upMoved: true, downMoved: true };
    return { at: NOW - (ticks.length - 1 - index) * 100, srttUs: 0, jitterUs: 0, ...counted };
  });
}

function steady(count: number, packets: number, loss: number): readonly Sample[] {
  const received = packets * (1 - loss);
  return accumulate(Array.from({ length: count }, () => [packets, received, packets, received] as const));
}

function stats(changed: Partial<PathStats>): PathStats {
  return {
    session: 1,
    path: 1,
    srttUs: 0,
    rttvarUs: 0,
    minRttUs: 0,
    jitterUs: 0,
    probesSent: 0,
    probesAnswered: 0,
    probesLost: 0,
    answering: true,
    upSent: 0,
    upReceived: 0,
    downSent: 0,
    downReceived: 0,
    rxBytes: 0,
    txBytes: 0,
    heardMsAgo: 0,
    ...changed,
  };
}

/** xorshift32, 0…1. */
function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
