import type { PolicyOutcome } from "#domains/policy/model";
import { presets } from "#domains/policy/presets";

/** A policy set made of one preset, as the daemon would offer it. `ttl` replaces TRANSPORT_LOST_TTL, in ms. */
export function presetPolicy(preset: string, ttl = ""): Extract<PolicyOutcome, { ok: true }> {
  const found = Object.entries(presets).find(([name]) => name === preset);
  if (found === undefined) throw new Error(`no such preset: ${preset}`);
  const [name, values] = found;
  const session = ttl === "" ? values.session : { ...values.session, transportLostTtlMs: Number(ttl) };
  return {
    ok: true,
    policy: { base: { ...values, session, name, version: 1, digest: "00112233445566778899aabbccddeeff" }, overrides: [] },
  };
}
