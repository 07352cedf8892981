import { HOUR, MINUTE, SECOND } from "#kernel/time";
import type { Policy } from "./model.ts";

/** The values of a policy, without its name, version and digest. */
export type Preset = Omit<Policy, "name" | "version" | "digest">;

const standard: Preset = {
  session: {
    maxLifetimeMs: 12 * HOUR,
    transportLostTtlMs: 2 * MINUTE,
    degradedMaxMs: 10 * MINUTE,
    birthTtlMs: 5 * SECOND,
    attemptTimeoutMs: 5 * SECOND,
    volatileMaxMs: 4 * SECOND,
  },
  volatile: {
    loss: { threshold: 0.08, windowMs: 3 * SECOND },
    latency: { thresholdMs: 400, windowMs: 3 * SECOND },
    jitter: { thresholdMs: 80, windowMs: 3 * SECOND },
    livenessMs: 50,
  },
  switch: {
    maxPerMin: 8,
    cooldownMs: 1_500,
    emergencyCooldownMs: 0,
    recoveriesPerMin: 30,
    returnToPreferredAfterMs: 30 * SECOND,
    marginMs: 10,
    marginRatio: 0.2,
    mode: "failover",
  },
  penalty: { firstMs: 8 * SECOND, maxMs: 10 * MINUTE },
  security: { validationFailBudget: 5, pq: "off" },
  keepaliveMs: 25 * SECOND,
  mtu: 1_380,
};

/** For fixed machines: an outage soon ends the session explicitly. */
const strict: Preset = {
  ...standard,
  session: { ...standard.session, maxLifetimeMs: 8 * HOUR, transportLostTtlMs: 15 * SECOND, degradedMaxMs: MINUTE },
};

/** For people on the move: outages in a lift, a tunnel or a train. */
const mobile: Preset = {
  ...standard,
  session: { ...standard.session, transportLostTtlMs: 30 * MINUTE, degradedMaxMs: 30 * MINUTE },
};

/** For vehicles: outages such as a night in an underground garage. */
const vehicle: Preset = {
  ...standard,
  session: { ...standard.session, maxLifetimeMs: 24 * HOUR, transportLostTtlMs: 8 * HOUR, degradedMaxMs: 8 * HOUR },
};

/** For benchmarks with many jumps in a row; the bounds still apply. */
const bench: Preset = {
  ...standard,
  switch: { ...standard.switch, maxPerMin: 600, cooldownMs: 0, recoveriesPerMin: 1_200 },
};

export const presets = { strict, standard, mobile, vehicle, bench } as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
