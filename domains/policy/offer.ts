import type { Offer } from "#kernel/contract/engine.generated";
import { SECOND } from "#kernel/time";
import { clamped, fieldAt } from "./fields.ts";
import type { LivenessMs, Policy } from "./model.ts";

/** Number of hex digits of the digest in an offer. */
const DIGEST_DIGITS = 16;

/** A gateway's offer to a client: the part of the policy that binds both ends. */
export function offerOf(policy: Policy): Offer {
  return {
    lifetimeS: policy.session.maxLifetimeMs / SECOND,
    transportLostTtlMs: policy.session.transportLostTtlMs,
    degradedMaxMs: policy.session.degradedMaxMs,
    keepaliveMs: policy.keepaliveMs,
    livenessMs: policy.volatile.livenessMs,
    switchesPerMin: policy.switch.maxPerMin,
    cooldownMs: policy.switch.cooldownMs,
    recoveriesPerMin: policy.switch.recoveriesPerMin,
    mtu: policy.mtu,
    redundant: policy.switch.mode === "redundant",
    policyVersion: policy.version,
    policyDigest: policy.digest.slice(0, DIGEST_DIGITS).padEnd(DIGEST_DIGITS, "0"),
  };
}

/**
 * The policy of a client's session: the gateway's values if they bind both ends, else the client's own. A peer's
 * numbers are clamped to our bounds, so that no gateway can remove a limit.
 */
export function policyFromOffer(offer: Offer, local: Policy): Policy {
  return {
    ...local,
    gatewaysVersion: offer.policyVersion,
    digest: offer.policyDigest,
    session: {
      ...local.session,
      maxLifetimeMs: clamped(fieldAt("session", "maxLifetimeMs"), offer.lifetimeS * SECOND),
      transportLostTtlMs: clamped(fieldAt("session", "transportLostTtlMs"), offer.transportLostTtlMs),
      degradedMaxMs: clamped(fieldAt("session", "degradedMaxMs"), offer.degradedMaxMs),
    },
    volatile: { ...local.volatile, livenessMs: clamped(fieldAt("volatile", "livenessMs"), offer.livenessMs) as LivenessMs },
    switch: {
      ...local.switch,
      maxPerMin: clamped(fieldAt("switch", "maxPerMin"), offer.switchesPerMin),
      cooldownMs: clamped(fieldAt("switch", "cooldownMs"), offer.cooldownMs),
      recoveriesPerMin: clamped(fieldAt("switch", "recoveriesPerMin"), offer.recoveriesPerMin),
      mode: offer.redundant ? "redundant" : "failover",
    },
    keepaliveMs: clamped(fieldAt("keepaliveMs"), offer.keepaliveMs),
    mtu: clamped(fieldAt("mtu"), offer.mtu),
  };
}
