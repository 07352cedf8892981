import type { Offer } from "#kernel/contract/engine.generated";
import { SECOND } from "#kernel/time";
import { clamped, fieldAt } from "./fields.ts";
import type { LivenessMs, Policy } from "./model.ts";

/** Hex digits of the digest that travel. */
const DIGEST_DIGITS = 16;

/** What a gateway offers a client: the part of the policy that binds both ends. */
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
 * The policy that a client runs a session by: the gateway's where it binds both ends, the client's own for the rest. Numbers of
 * a peer are brought within our bounds, so that no gateway can take a limit away.
 */
export function policyFromOffer(offer: Offer, local: Policy): Policy {
  return {
    ...local,
    version: offer.policyVersion,
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
