import type { PolicyOutcome } from "#domains/policy/model";
import { type Preset, presets } from "#domains/policy/presets";

/** Limits so small that each is reached within a few steps of half a second. */
const tiny: Preset = {
  ...presets.standard,
  session: {
    maxLifetimeMs: 8_000,
    transportLostTtlMs: 2_000,
    degradedMaxMs: 4_000,
    birthTtlMs: 1_000,
    attemptTimeoutMs: 1_000,
    volatileMaxMs: 1_000,
  },
  volatile: {
    loss: { threshold: 0.08, windowMs: 1_000 },
    latency: { thresholdMs: 400, windowMs: 1_000 },
    jitter: { thresholdMs: 80, windowMs: 1_000 },
    livenessMs: 50,
  },
  switch: {
    ...presets.standard.switch,
    maxPerMin: 2,
    cooldownMs: 1_000,
    recoveriesPerMin: 4,
    returnToPreferredAfterMs: 1_000,
  },
  penalty: { firstMs: 1_000, maxMs: 2_000 },
  security: { ...presets.standard.security, validationFailBudget: 2 },
};

/** The same limits, but sessions live longer than the minute of the budgets. */
const patient: Preset = {
  ...tiny,
  session: { ...tiny.session, maxLifetimeMs: 200_000, transportLostTtlMs: 90_000, degradedMaxMs: 90_000 },
};

/** The same with the lowest possible limits, as a policy update may bring them to a running session. */
const tight: Preset = {
  ...tiny,
  session: { ...tiny.session, transportLostTtlMs: 1_000, degradedMaxMs: 2_000, volatileMaxMs: 500 },
  switch: { ...tiny.switch, maxPerMin: 2, recoveriesPerMin: 2, emergencyCooldownMs: 1_000 },
  security: { ...tiny.security, validationFailBudget: 1 },
};

const redundant: Preset = { ...presets.standard, switch: { ...presets.standard.switch, mode: "redundant" } };

const KNOWN: Readonly<Record<string, Preset>> = { ...presets, tiny, patient, tight, redundant };

/** A policy set from one preset, in the form that the daemon passes to the core. `ttl`: TRANSPORT_LOST_TTL, ms. */
export function presetPolicy(preset: string, ttl = ""): Extract<PolicyOutcome, { ok: true }> {
  const values = KNOWN[preset];
  if (values === undefined) throw new Error(`no such preset: ${preset}`);
  const session = ttl === "" ? values.session : { ...values.session, transportLostTtlMs: Number(ttl) };
  return {
    ok: true,
    policy: { base: { ...values, session, name: preset, version: 1, digest: "00112233445566778899aabbccddeeff" }, overrides: [] },
  };
}
