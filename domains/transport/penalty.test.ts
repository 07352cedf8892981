import { describe, expect, test } from "vitest";
import { NO_PROBES, type Path, type PathPolicy, PENALTIES_MAX, type Penalty } from "./model.ts";
import { penalized, penaltyMs } from "./penalty.ts";

describe("the growing penalty", () => {
  test("doubles from 8 s to 10 min with each death", () => {
    let penalties: readonly Penalty[] = [];
    let now = 0;
    const lengths = Array.from({ length: 9 }, () => {
      penalties = penalized(penalties, died(null), POLICY, now);
      const length = penaltyMs(penalties, died(null), now);
      now += 1_000;
      return length;
    });
    expect(lengths).toEqual([8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000, 600_000]);
  });

  test("runs down to zero and belongs to interface and gateway, not to a path id", () => {
    const penalties = penalized([], died(null), POLICY, 1_000);
    const renumbered: Path = { ...died(null), id: 99 };
    expect(penaltyMs(penalties, renumbered, 4_000)).toBe(5_000);
    expect(penaltyMs(penalties, died(null), 9_000)).toBe(0);
    expect(penaltyMs(penalties, { ifname: "wwan0", remote: "192.0.2.1:4774" }, 4_000)).toBe(0);
    expect(penaltyMs(penalties, { ifname: "wlan0", remote: "192.0.2.2:4774" }, 4_000)).toBe(0);
  });

  test("is cleared after stability for twice its length, and at least for the return time of a preferred path", () => {
    const once = penalized([], died(null), POLICY, 0);
    expect(penalized(once, died(10_000), POLICY, 39_999)[0]?.deaths).toBe(2);
    expect(penalized(once, died(10_000), POLICY, 40_000)[0]?.deaths).toBe(1);
    const thrice = penalized(penalized(once, died(null), POLICY, 1), died(null), POLICY, 2);
    expect(penalized(thrice, died(100_000), POLICY, 163_999)[0]?.deaths).toBe(4);
    expect(penalized(thrice, died(100_000), POLICY, 164_000)[0]?.deaths).toBe(1);
  });

  test("the table is bounded: the penalty that ends first is dropped", () => {
    let penalties: readonly Penalty[] = [];
    for (let index = 0; index <= PENALTIES_MAX; index++) {
      penalties = penalized(penalties, { ...died(null), ifname: `if${index}` }, POLICY, index);
    }
    expect(penalties).toHaveLength(PENALTIES_MAX);
    expect(penalties.some(({ ifname }) => ifname === "if0")).toBe(false);
  });
});

const POLICY: PathPolicy = {
  volatile: {
    loss: { threshold: 0.08, windowMs: 3_000 },
    latency: { thresholdMs: 400, windowMs: 3_000 },
    jitter: { thresholdMs: 80, windowMs: 3_000 },
  },
  switch: { returnToPreferredAfterMs: 30_000, marginMs: 10, marginRatio: 0.2 },
  penalty: { firstMs: 8_000, maxMs: 600_000 },
};

/** A path at the moment of its death, which was a stable candidate since `stableSince`. */
function died(stableSince: number | null): Path {
  return {
    id: 1,
    label: "wlan0/udp4",
    ifname: "wlan0",
    local: null,
    remote: "192.0.2.1:4774",
    priority: "primary",
    metered: false,
    health: { is: "alive", suspected: false, unansweredSince: null },
    stableSince,
    unboundAt: null,
    rttUs: null,
    rttVarUs: null,
    rttMinUs: null,
    jitterUs: null,
    mtu: null,
    heardAt: null,
    rxBytes: 0,
    txBytes: 0,
    samples: [],
    probes: NO_PROBES,
  };
}
