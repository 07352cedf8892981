import { describe, expect, test } from "vitest";
import { PATHS_MAX, type PathStats } from "#kernel/contract/engine.generated";
import { type Finding, NO_PATHS, type PathPolicy, pathOf, type Transport, type TransportEvent } from "./model.ts";
import { choose } from "./rank.ts";
import { step } from "./step.ts";
import { views } from "./views.ts";

describe("a path comes up", () => {
  test("cold, then validated and stable at once, and can be chosen", () => {
    const life = new Life();
    expect(life.add(1)).toEqual([]);
    expect(choose(life.t, POLICY, life.now)).toBeNull();
    expect(life.dispatch({ type: "Validated", path: 1, rttUs: 20_000 })).toEqual([{ type: "Stable", path: 1 }]);
    expect(choose(life.t, POLICY, life.now)).toMatchObject({ path: 1, tuple: { usable: 0, rttUs: 20_000 } });
  });

  test("an unanswered challenge leaves it cold, with the reason, until it is validated", () => {
    const life = new Life();
    life.add(1);
    life.dispatch({ type: "Unanswered", path: 1 });
    expect(views(life.t, life.active, life.now)[0]).toMatchObject({ role: "cold", reason: "path_unanswered" });
    expect(life.dispatch({ type: "Alive", path: 1, rttUs: 9 })).toEqual([]);
    expect(life.dispatch({ type: "Validated", path: 1, rttUs: 9 })).toEqual([{ type: "Stable", path: 1 }]);
  });

  test("the ninth path is refused, and the eight stay the same", () => {
    const life = new Life();
    for (let id = 1; id <= PATHS_MAX; id++) life.up(id);
    const before = life.t;
    expect(life.add(9)).toEqual([{ type: "Refused", path: 9, reason: "resource_exhausted" }]);
    expect(life.t).toEqual(before);
  });

  test("adding a known path again only changes its description", () => {
    const life = new Life();
    life.up(1);
    life.add(1, { priority: "backup", metered: true });
    expect(views(life.t, life.active, life.now)[0]).toMatchObject({ role: "warm", priority: "backup", metered: true });
  });
});

describe("a path dies", () => {
  const deaths: readonly (readonly [TransportEvent, object])[] = [
    [
      { type: "Silent", path: 1, silentUs: 95_500, limitUs: 90_000, evidence: "standby_answered" },
      { reason: "silent", numbers: { silentMs: 95.5, limitMs: 90, evidence: "standby_answered" } },
    ],
    [{ type: "Silent", path: 1, silentUs: 1, limitUs: 1, evidence: "timeout" }, { reason: "silent_timeout" }],
    [{ type: "Silent", path: 1, silentUs: 1, limitUs: 1, evidence: "peer_deaf" }, { reason: "peer_deaf" }],
    [
      { type: "LinkLost", path: 1, reason: "link_down" },
      { reason: "link_down", numbers: { ifname: "if1" } },
    ],
    [
      { type: "SendError", path: 1, errno: "ENETUNREACH" },
      { reason: "local_send_error", numbers: { errno: "ENETUNREACH" } },
    ],
    [{ type: "Closed", path: 1 }, { reason: "path_closed" }],
    [{ type: "Removed", path: 1 }, { reason: "path_closed" }],
    [{ type: "Unanswered", path: 1 }, { reason: "path_unanswered" }],
  ];

  test.each(deaths)("$type of the active path", (event, expected) => {
    const life = new Life();
    life.up(1);
    life.take(1);
    expect(life.dispatch(event)).toMatchObject([{ type: "Dead", path: 1, wasActive: true, ...expected }]);
    expect(choose(life.t, POLICY, life.now)).toBeNull();
  });

  test("once: later events on the dead path cause no second death", () => {
    const life = new Life();
    life.up(1);
    life.dispatch({ type: "SendError", path: 1, errno: "ENODEV" });
    expect(life.dispatch({ type: "SendError", path: 1, errno: "ENODEV" })).toEqual([]);
    expect(life.dispatch({ type: "LinkLost", path: 1, reason: "link_down" })).toEqual([]);
    expect(views(life.t, life.active, life.now)[0]).toMatchObject({ role: "dead", reason: "link_down" });
  });

  test("it returns with its first answer, and its windows are empty", () => {
    const life = new Life();
    life.up(1);
    life.traffic(1, { seconds: 3, lossUp: 0.5 });
    life.dispatch({ type: "Silent", path: 1, silentUs: 1, limitUs: 1, evidence: "timeout" });
    expect(life.dispatch({ type: "Alive", path: 1, rttUs: 30_000 })).toEqual([
      { type: "Returned", path: 1 },
      { type: "Stable", path: 1 },
    ]);
    expect(pathOf(life.t, 1)?.samples).toEqual([]);
  });

  test("statistics of the blackout neither revive it nor count against it", () => {
    const life = new Life();
    life.up(1);
    life.dispatch({ type: "SendError", path: 1, errno: "ENETDOWN" });
    const [before] = life.t.paths;
    life.traffic(1, { seconds: 3, lossUp: 1 });
    const [after] = life.t.paths;
    const { heardAt, rxBytes, txBytes } = after ?? {};
    expect(after).toEqual({ ...before, heardAt, rxBytes, txBytes });
  });

  test("with its link gone an answer counts only when the link is back", () => {
    const life = new Life();
    life.up(1);
    life.dispatch({ type: "LinkLost", path: 1, reason: "link_down" });
    expect(life.dispatch({ type: "Alive", path: 1, rttUs: 5 })).toEqual([]);
    expect(life.dispatch({ type: "LinkBack", path: 1 })).toEqual([
      { type: "Returned", path: 1 },
      { type: "Stable", path: 1 },
    ]);
  });

  test("after the link is back, it still waits for an answer", () => {
    const life = new Life();
    life.up(1);
    life.dispatch({ type: "LinkLost", path: 1, reason: "address_gone" });
    expect(life.dispatch({ type: "LinkBack", path: 1 })).toEqual([]);
    expect(life.dispatch({ type: "Alive", path: 1, rttUs: 5 })).toMatchObject([{ type: "Returned" }, { type: "Stable" }]);
  });
});

describe("a stable candidate", () => {
  test("is unstable while suspected", () => {
    const life = new Life();
    life.up(1);
    expect(life.dispatch({ type: "Suspected", path: 1 })).toEqual([{ type: "Unstable", path: 1 }]);
    expect(life.dispatch({ type: "Cleared", path: 1 })).toEqual([{ type: "Stable", path: 1 }]);
  });

  test("is unstable while a probe is overdue, but not before any probe was sent", () => {
    const life = new Life();
    life.up(1);
    expect(life.measure([stats(1, { answering: false, probesSent: 0 })])).toEqual([]);
    expect(life.measure([stats(1, { answering: false, probesSent: 1 })])).toEqual([{ type: "Unstable", path: 1 }]);
    expect(life.measure([stats(1, { answering: true, probesSent: 2 })])).toEqual([{ type: "Stable", path: 1 }]);
  });

  test("is unstable above a threshold, and needs eight samples for that", () => {
    const life = new Life();
    life.up(1);
    const findings = Array.from({ length: 8 }, () => life.measure([stats(1, { srttUs: 500_000 })]));
    expect(findings.slice(0, 7).flat()).toEqual([]);
    expect(findings[7]).toEqual([{ type: "Unstable", path: 1 }]);
  });

  test("is never a path of priority never", () => {
    const life = new Life();
    life.add(1, { priority: "never" });
    expect(life.dispatch({ type: "Validated", path: 1, rttUs: 5 })).toEqual([]);
  });
});

describe("the active path against the thresholds", () => {
  test("loss: the first excess with its numbers, then once per window", () => {
    const life = new Life();
    life.bind(1);
    const found = life.traffic(1, { seconds: 7, lossUp: 0.2 }).filter(({ type }) => type === "Exceeded");
    expect(found).toHaveLength(3);
    expect(found[0]).toMatchObject({ path: 1, reason: "loss_threshold_exceeded", threshold: 0.08 });
    expect((found[0] as { measured: number }).measured).toBeCloseTo(0.2, 2);
  });

  test.each([
    ["lossUp", "loss_threshold_exceeded"],
    ["lossDown", "loss_threshold_exceeded"],
  ] as const)("%s alone is enough", (direction, reason) => {
    const life = new Life();
    life.bind(1);
    expect(life.traffic(1, { seconds: 3, [direction]: 0.3 })).toContainEqual(
      expect.objectContaining({ type: "Exceeded", reason }),
    );
  });

  test("latency and jitter, in ms", () => {
    const life = new Life();
    life.bind(1);
    const found = life.traffic(1, { seconds: 1, srttUs: 450_000, jitterUs: 90_000 });
    expect(found).toContainEqual({
      type: "Exceeded",
      path: 1,
      reason: "latency_threshold_exceeded",
      measured: 450,
      threshold: 400,
    });
    expect(found).toContainEqual({ type: "Exceeded", path: 1, reason: "jitter_threshold_exceeded", measured: 90, threshold: 80 });
  });

  test("heartbeat: probes stay unanswered for a whole window although data arrives", () => {
    const life = new Life();
    life.bind(1);
    const found = life.traffic(1, { seconds: 4, answering: false });
    expect(found).toContainEqual({ type: "Exceeded", path: 1, reason: "heartbeat_timeout", measured: 3_100, threshold: 3_000 });
  });

  test("a candidate reports no excess: it is only unstable", () => {
    const life = new Life();
    life.up(1);
    expect(life.traffic(1, { seconds: 3, lossUp: 0.5 })).toEqual([{ type: "Unstable", path: 1 }]);
  });

  test("restored after a whole window below every threshold, once", () => {
    const life = new Life();
    life.bind(1);
    life.traffic(1, { seconds: 3, srttUs: 450_000 });
    const calm = life.traffic(1, { seconds: 10, srttUs: 20_000 });
    expect(calm.filter(({ type }) => type !== "Exceeded")).toEqual([
      { type: "Stable", path: 1 },
      { type: "Restored", path: 1 },
    ]);
  });

  test("binding another path clears the excesses, and the left path causes no more findings", () => {
    const life = new Life();
    life.bind(1);
    life.up(2);
    life.traffic(1, { seconds: 3, lossUp: 0.5 });
    life.take(2);
    expect(life.traffic(1, { seconds: 10 })).toEqual([{ type: "Stable", path: 1 }]);
  });
});

describe("an event without new information changes nothing", () => {
  const idle: readonly TransportEvent[] = [
    { type: "Validated", path: 7, rttUs: 1 },
    { type: "Silent", path: 7, silentUs: 1, limitUs: 1, evidence: "timeout" },
    { type: "Bound", path: 7, left: null },
    { type: "Removed", path: 7 },
    { type: "Measured", stats: [stats(7, {})] },
    { type: "LinkBack", path: 1 },
    { type: "Cleared", path: 1 },
  ];
  test.each(idle)("$type", (event) => {
    const life = new Life();
    life.up(1);
    const before = life.t;
    expect(life.dispatch(event)).toEqual([]);
    expect(life.t).toEqual(before);
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

interface Traffic {
  readonly seconds: number;
  readonly lossUp?: number;
  readonly lossDown?: number;
  readonly srttUs?: number;
  readonly jitterUs?: number;
  readonly answering?: boolean;
}

/** One session's paths over time; 100 ms between snapshots, 100 packets per snapshot and direction. */
class Life {
  t: Transport = NO_PATHS;
  active: number | null = null;
  now = 1_000;
  readonly #counters = new Map<number, { sent: number; up: number; down: number }>();

  dispatch(event: TransportEvent): readonly Finding[] {
    const { next, findings } = step(this.t, this.active, event, POLICY, this.now);
    this.t = next;
    if (findings.some((finding) => finding.type === "Dead" && finding.wasActive)) this.active = null;
    return findings;
  }

  add(path: number, changed: { priority?: "backup" | "never"; metered?: boolean } = {}) {
    const described = { label: `if${path}/udp4`, ifname: `if${path}`, remote: "192.0.2.1:4774" };
    return this.dispatch({ type: "Added", path, ...described, priority: "primary", metered: false, ...changed });
  }

  up(path: number) {
    this.add(path);
    return this.dispatch({ type: "Validated", path, rttUs: 20_000 });
  }

  bind(path: number) {
    this.up(path);
    this.take(path);
  }

  /** The session's active path changes. */
  take(path: number) {
    const left = this.active;
    this.active = path;
    this.dispatch({ type: "Bound", path, left });
  }

  measure(snapshot: readonly PathStats[]) {
    this.now += 100;
    return this.dispatch({ type: "Measured", stats: snapshot });
  }

  traffic(path: number, { seconds, lossUp = 0, lossDown = 0, ...rest }: Traffic): readonly Finding[] {
    const found: Finding[] = [];
    for (let tick = 0; tick < seconds * 10; tick++) {
      const before = this.#counters.get(path) ?? { sent: 0, up: 0, down: 0 };
      const after = { sent: before.sent + 100, up: before.up + 100 * (1 - lossUp), down: before.down + 100 * (1 - lossDown) };
      this.#counters.set(path, after);
      const counted = { upSent: after.sent, upReceived: after.up, downSent: after.sent, downReceived: after.down };
      found.push(...this.measure([stats(path, { ...counted, ...rest })]));
    }
    return found;
  }
}

function stats(path: number, changed: Partial<PathStats>): PathStats {
  return {
    session: 1,
    path,
    srttUs: 20_000,
    rttvarUs: 1_000,
    minRttUs: 19_000,
    jitterUs: 500,
    probesSent: 1,
    probesAnswered: 1,
    probesLost: 0,
    answering: true,
    upSent: 0,
    upReceived: 0,
    downSent: 0,
    downReceived: 0,
    rxBytes: 0,
    txBytes: 0,
    heardMsAgo: 5,
    ...changed,
  };
}
