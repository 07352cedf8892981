import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RankView } from "#kernel/contract/policy";
import { PRIORITIES } from "#kernel/contract/priority";
import { better, betterAt, explain } from "./better.ts";
import { NO_PROBES, type Path, type PathPolicy, type Sample, type Transport } from "./model.ts";
import { choose, compareTuples, ranked } from "./rank.ts";

const NOW = 1_000_000;

describe("choosing, part by part", () => {
  // In each row the first path wins, although all later parts of the tuple favour the second.
  const rows: readonly (readonly [string, Partial<Path>, Partial<Path>])[] = [
    ["a stable candidate before any other", { priority: "backup" }, { stableSince: null }],
    ["a better class before less loss", { priority: "primary", samples: [] }, { priority: "secondary" }],
    ["less loss before a shorter round trip", { rttUs: 90_000 }, { samples: lossy(0.07), rttUs: 5_000 }],
    ["known loss before unknown loss", { rttUs: 90_000 }, { samples: [], rttUs: 5_000 }],
    ["a lower latency bucket before an unmetered link", { metered: true, rttUs: 90_000 }, { rttUs: 110_000 }],
    ["an unmetered link before a shorter round trip", { rttUs: 90_000 }, { metered: true, rttUs: 5_000 }],
    ["no penalty before a shorter round trip", { rttUs: 90_000 }, { ifname: "flappy", rttUs: 5_000 }],
    ["the shorter round trip", { rttUs: 19_000 }, { rttUs: 20_000 }],
    ["a measured round trip before an unmeasured one", { rttUs: 95_000 }, { rttUs: null }],
    ["the lower id, when all is equal", {}, {}],
  ];
  test.each(rows)("%s", (_what, winner, loser) => {
    const t = transport([path(1, winner), path(2, loser)]);
    expect(choose(t, POLICY, NOW)?.path).toBe(1);
    expect(choose({ ...t, paths: [...t.paths].reverse() }, POLICY, NOW)?.path).toBe(1);
  });

  test("an excluded or unstable path is not chosen, even if it is the only one", () => {
    expect(choose(transport([path(1, {})]), POLICY, NOW, { exclude: [1] })).toBeNull();
    expect(choose(transport([path(1, { stableSince: null })]), POLICY, NOW)).toBeNull();
    expect(choose(transport([]), POLICY, NOW)).toBeNull();
  });

  test("a penalty lowers the rank, but never makes the only path unusable", () => {
    expect(choose(transport([path(1, { ifname: "flappy" })]), POLICY, NOW)).toMatchObject({
      path: 1,
      tuple: { penaltyMs: 8_000 },
    });
  });
});

describe("moving to a better path", () => {
  const stay: readonly (readonly [string, Partial<Path>, Partial<Path>, object])[] = [
    ["9 ms of the 10 that are needed", { rttUs: 29_000 }, { rttUs: 20_000 }, { because: "margin", gainMs: 9, neededMs: 10 }],
    ["19 % of the 20 that are needed", { rttUs: 100_000 }, { rttUs: 81_000 }, { because: "margin", gainMs: 19, neededMs: 20 }],
    ["two almost equal paths on both sides of a bucket's edge", { rttUs: 101_000 }, { rttUs: 99_000 }, { because: "margin" }],
    [
      "a queue of our own making",
      { rttUs: 95_000, rttMinUs: 20_000 },
      { rttUs: 20_000, rttMinUs: 19_000 },
      { because: "margin" },
    ],
    ["a worse class", {}, { priority: "backup", rttUs: 1_000 }, { because: "lower_priority" }],
    ["more loss", { rttUs: 95_000 }, { samples: lossy(0.07), rttUs: 1_000 }, { because: "more_loss" }],
    [
      "loss that only a few lucky probes deny",
      { samples: lossy(0.07) },
      { samples: [], probes: clean(8) },
      { because: "margin" },
    ],
    ["a metered link", { rttUs: 95_000 }, { metered: true, rttUs: 1_000 }, { because: "metered" }],
    ["an unmeasured round trip", {}, { rttUs: null }, { because: "unmeasured" }],
    ["unmeasured loss", {}, { samples: [], probes: NO_PROBES, rttUs: 1_000 }, { because: "unmeasured" }],
    ["a path that died recently", { rttUs: 95_000 }, { ifname: "flappy", rttUs: 1_000 }, { because: "penalty", waitMs: 8_000 }],
    ["an unstable path", {}, { stableSince: null }, { because: "unusable" }],
    ["an active path that is unstable", { stableSince: null }, {}, { because: "active_unusable" }],
    [
      "a shorter way that is stable for less than a window",
      { rttUs: 95_000 },
      { rttUs: 1_000, stableSince: NOW - 2_000 },
      { because: "not_stable_long_enough", waitMs: 1_000 },
    ],
    [
      "the preferred class, stable for 29 s",
      { priority: "backup" },
      { stableSince: NOW - 29_000 },
      { because: "not_stable_long_enough", waitMs: 1_000 },
    ],
    [
      "the way that was left 10 s ago",
      { rttUs: 95_000 },
      { rttUs: 1_000, unboundAt: NOW - 10_000 },
      { because: "not_stable_long_enough", waitMs: 20_000 },
    ],
  ];
  test.each(stay)("no: %s", (_what, active, candidate, comparison) => {
    const t = transport([path(1, active), path(2, candidate)]);
    expect(better(t, 1, POLICY, NOW)).toBeNull();
    const explained = explain(t, 1, POLICY, NOW).find(({ path: id }) => id === 2);
    expect(explained?.comparison).toMatchObject({ move: false, ...comparison });
    const waitMs = (comparison as { waitMs?: number }).waitMs;
    expect(betterAt(t, 1, POLICY, NOW)).toBe(waitMs === undefined ? null : NOW + waitMs);
  });

  const move: readonly (readonly [string, Partial<Path>, Partial<Path>, string])[] = [
    ["11 ms inside a bucket", { rttUs: 31_000 }, { rttUs: 20_000 }, "better_path"],
    [
      "a better latency bucket, though the floor was equal once",
      { rttUs: 150_000, rttMinUs: 20_000 },
      { rttUs: 40_000 },
      "better_path",
    ],
    ["proven loss against a proven clean path", { samples: lossy(0.07) }, { samples: [], probes: clean(64) }, "better_path"],
    ["the preferred class after 30 s", { priority: "backup" }, { stableSince: NOW - 30_000 }, "preferred_path_stable"],
    ["away from a metered link after 30 s", { metered: true }, { stableSince: NOW - 30_000 }, "preferred_path_stable"],
  ];
  test.each(move)("yes: %s", (_what, active, candidate, reason) => {
    const t = transport([path(1, active), path(2, candidate)]);
    expect(better(t, 1, POLICY, NOW)).toMatchObject({ path: 2, reason });
    expect(explain(t, 1, POLICY, NOW).find(({ path: id }) => id === 2)?.comparison).toEqual({ move: true, reason });
  });
});

describe("for any paths", () => {
  test("the order is total: antisymmetric, transitive, never equal for two ids", () => {
    fc.assert(
      fc.property(tuples, tuples, tuples, (a, b, c) => {
        expect(Math.sign(compareTuples(a, b))).toBe(-Math.sign(compareTuples(b, a)) || 0);
        if (a.id !== b.id) expect(compareTuples(a, b)).not.toBe(0);
        if (compareTuples(a, b) <= 0 && compareTuples(b, c) <= 0) expect(compareTuples(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("the choice is the best of all stable paths, in whatever order they were added", () => {
    fc.assert(
      fc.property(pathSets, (paths) => {
        const t = transport(paths);
        const stable = paths.filter((candidate) => candidate.stableSince !== null).map((candidate) => candidate.id);
        const found = choose(t, POLICY, NOW);
        expect(found === null).toBe(stable.length === 0);
        if (found !== null) expect(stable).toContain(found.path);
        expect(choose({ ...t, paths: [...paths].reverse() }, POLICY, NOW)).toEqual(found);
        for (const other of ranked(t, POLICY, NOW)) {
          if (stable.includes(other.path) && found !== null)
            expect(compareTuples(found.tuple, other.tuple)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  test("two paths never both replace each other", () => {
    fc.assert(
      fc.property(pathSets, (paths) => {
        const t = transport(paths);
        for (const { id } of paths) {
          const to = better(t, id, POLICY, NOW);
          if (to !== null) expect(better(t, to.path, POLICY, NOW)?.path).not.toBe(id);
        }
      }),
    );
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

function transport(paths: readonly Path[]): Transport {
  const penalties = [{ ifname: "flappy", remote: "192.0.2.1:4774", deaths: 1, until: NOW + 8_000 }];
  return { paths, penalties, excesses: [] };
}

/** A path that has long been stable and lost nothing. The samples have no round trip, so that `rttUs` decides. */
function path(id: number, changed: Partial<Path>): Path {
  return {
    id,
    label: `if${id}/udp4`,
    ifname: `if${id}`,
    local: null,
    remote: "192.0.2.1:4774",
    priority: "primary",
    metered: false,
    health: { is: "alive", suspected: false, unansweredSince: null },
    stableSince: 0,
    unboundAt: null,
    rttUs: 20_000,
    rttVarUs: 1_000,
    rttMinUs: changed.rttUs ?? 20_000,
    jitterUs: 100,
    mtu: null,
    heardAt: null,
    rxBytes: 0,
    txBytes: 0,
    samples: lossy(0),
    probes: NO_PROBES,
    ...changed,
  };
}

function lossy(ratio: number): readonly Sample[] {
  return Array.from({ length: 30 }, (_, index) => ({
    at: NOW - 2_900 + index * 100,
    srttUs: 0,
    jitterUs: 0,
    upSent: index * 100,
    upReceived: index * 100 * (1 - ratio),
    downSent: index * 100,
    downReceived: index * 100,
    upMoved: true,
    downMoved: true,
  }));
}

function clean(judged: number) {
  return { answered: judged, lost: 0, judged, lossRatio: 0 };
}

const tuples: fc.Arbitrary<RankView> = fc.record({
  usable: fc.constantFrom(0, 1),
  priority: fc.nat(3),
  lossBucket: fc.nat(3),
  latencyBucket: fc.nat(4),
  metered: fc.constantFrom(0, 1),
  penaltyMs: fc.nat(2),
  rttUs: fc.option(fc.nat(3)),
  id: fc.nat(3),
});

const pathSets = fc
  .array(
    fc.record({
      priority: fc.constantFrom(...PRIORITIES),
      metered: fc.boolean(),
      stableSince: fc.option(fc.constantFrom(0, NOW - 31_000, NOW - 10_000, NOW - 1_000)),
      unboundAt: fc.option(fc.constantFrom(NOW - 40_000, NOW - 5_000)),
      rttUs: fc.option(fc.constantFrom(5_000, 20_000, 29_000, 99_000, 101_000, 150_000, 500_000)),
      samples: fc.constantFrom(lossy(0), lossy(0.05), lossy(0.2), []),
      probes: fc.constantFrom(NO_PROBES, clean(8), clean(64)),
      ifname: fc.constantFrom("wlan0", "flappy"),
    }),
    { maxLength: 8 },
  )
  .map((changes) => changes.map((changed, index) => path(index + 1, changed)));
