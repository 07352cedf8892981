import fc from "fast-check";
import { expect, test } from "vitest";
import { PATHS_MAX, type PathStats } from "#kernel/contract/engine.generated";
import type { PathId } from "#kernel/contract/state";
import {
  type Finding,
  NO_PATHS,
  type PathPolicy,
  PENALTIES_MAX,
  SAMPLES_MAX,
  type Transport,
  type TransportEvent,
} from "./model.ts";
import { step } from "./step.ts";

test("any sequence of events keeps the state valid, and its findings agree with a simple checker", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2_000), events), { maxLength: 150 }), (sequence) => {
      let t = NO_PATHS;
      let active: PathId | null = null;
      let now = 0;
      const checker = new Checker();
      for (const [gapMs, event] of sequence) {
        now += gapMs;
        const before = JSON.stringify(t);
        if (event.type === "Bound" && t.paths.some(({ id }) => id === event.path)) active = event.path;
        const { next, findings } = step(t, active, event, POLICY, now);
        expect(JSON.stringify(t)).toBe(before);
        expect(JSON.parse(JSON.stringify(next))).toEqual(next);
        expect(step(t, active, event, POLICY, now)).toEqual({ next, findings });
        checker.hear(event, findings);
        if (findings.some((finding) => finding.type === "Dead" && finding.wasActive) || event.type === "Removed")
          active = next.paths.some(({ id, health }) => id === active && health.is === "alive") ? active : null;
        if (active === null) expect(next.excesses).toEqual([]);
        soundness(next, now);
        checker.compare(next);
        t = next;
      }
    }),
    { numRuns: 300 },
  );
});

function soundness(t: Transport, now: number): void {
  expect(t.paths.length).toBeLessThanOrEqual(PATHS_MAX);
  expect(t.penalties.length).toBeLessThanOrEqual(PENALTIES_MAX);
  expect(new Set(t.paths.map(({ id }) => id)).size).toBe(t.paths.length);
  for (const path of t.paths) {
    expect(path.samples.length).toBeLessThanOrEqual(SAMPLES_MAX);
    if (path.stableSince !== null) {
      expect(path.health).toEqual({ is: "alive", suspected: false, unansweredSince: null });
      expect(path.stableSince).toBeLessThanOrEqual(now);
    }
  }
}

/** Reads only the findings and keeps its own list of dead and stable paths. */
class Checker {
  readonly #dead = new Set<number>();
  readonly #stable = new Set<number>();

  hear(event: TransportEvent, findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (finding.type === "Dead") {
        expect(this.#dead.has(finding.path)).toBe(false);
        this.#dead.add(finding.path);
        this.#stable.delete(finding.path);
      }
      if (finding.type === "Returned") expect(this.#dead.delete(finding.path)).toBe(true);
      if (finding.type === "Stable") {
        expect(this.#stable.has(finding.path)).toBe(false);
        this.#stable.add(finding.path);
      }
      if (finding.type === "Unstable") expect(this.#stable.delete(finding.path)).toBe(true);
    }
    if (event.type === "Removed") {
      this.#dead.delete(event.path);
      this.#stable.delete(event.path);
    }
  }

  compare(t: Transport): void {
    const dead = t.paths.filter(({ health }) => health.is === "dead").map(({ id }) => id);
    const stable = t.paths.filter(({ stableSince }) => stableSince !== null).map(({ id }) => id);
    expect(new Set(dead)).toEqual(this.#dead);
    expect(new Set(stable)).toEqual(this.#stable);
  }
}

const POLICY: PathPolicy = {
  volatile: {
    loss: { threshold: 0.08, windowMs: 3_000 },
    latency: { thresholdMs: 400, windowMs: 3_000 },
    jitter: { thresholdMs: 80, windowMs: 3_000 },
  },
  switch: { returnToPreferredAfterMs: 30_000, marginMs: 10, marginRatio: 0.2 },
  penalty: { firstMs: 8_000, maxMs: 600_000 },
};

const path = fc.integer({ min: 1, max: 10 });
const micros = fc.nat(1_000_000);
const counter = fc.nat(100_000);

const snapshot: fc.Arbitrary<PathStats> = fc.record({
  session: fc.constant(1),
  path,
  srttUs: micros,
  rttvarUs: micros,
  minRttUs: micros,
  jitterUs: micros,
  probesSent: counter,
  probesAnswered: counter,
  probesLost: counter,
  answering: fc.boolean(),
  upSent: counter,
  upReceived: counter,
  downSent: counter,
  downReceived: counter,
  rxBytes: counter,
  txBytes: counter,
  heardMsAgo: counter,
});

const events: fc.Arbitrary<TransportEvent> = fc.oneof(
  fc.record({
    type: fc.constant("Added"),
    path,
    label: fc.constant("wlan0/udp4"),
    ifname: fc.constantFrom("wlan0", "wwan0"),
    priority: fc.constantFrom("primary", "backup", "never"),
    metered: fc.boolean(),
    remote: fc.constant("192.0.2.1:4774"),
  }),
  fc.record({ type: fc.constantFrom("Validated", "Alive"), path, rttUs: micros }),
  fc.record({ type: fc.constantFrom("Unanswered", "Suspected", "Cleared", "LinkBack", "Closed", "Removed"), path }),
  fc.record({ type: fc.constant("Bound"), path, left: fc.option(path) }),
  fc.record({
    type: fc.constant("Silent"),
    path,
    silentUs: micros,
    limitUs: micros,
    evidence: fc.constantFrom("standby_answered", "timeout", "peer_deaf"),
  }),
  fc.record({ type: fc.constant("LinkLost"), path, reason: fc.constantFrom("link_down", "address_gone", "route_gone") }),
  fc.record({ type: fc.constant("SendError"), path, errno: fc.constant("ENODEV") }),
  fc.record({ type: fc.constant("Measured"), stats: fc.array(snapshot, { maxLength: 8 }) }),
);
