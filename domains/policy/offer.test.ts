import fc from "fast-check";
import { expect, test } from "vitest";
import { FIELDS } from "./fields.ts";
import type { Policy } from "./model.ts";
import { offerOf, policyFromOffer } from "./offer.ts";
import { type PresetName, presets } from "./presets.ts";

test("an offer contains what binds both ends, in the units of the wire", () => {
  expect(offerOf(policyOf("standard", 17, "00112233445566778899aabb"))).toEqual({
    lifetimeS: 43_200,
    transportLostTtlMs: 120_000,
    degradedMaxMs: 600_000,
    keepaliveMs: 25_000,
    livenessMs: 50,
    switchesPerMin: 8,
    cooldownMs: 1_500,
    recoveriesPerMin: 30,
    mtu: 1_380,
    redundant: false,
    policyVersion: 17,
    policyDigest: "0011223344556677",
  });
});

test.each(Object.keys(presets) as PresetName[])("a client with preset %s uses the gateway's limits", (name) => {
  const gateway = policyOf(name, 5, "0123456789abcdef");
  const client = policyFromOffer(offerOf(gateway), policyOf("strict", 1, "ff"));
  expect(offerOf(client)).toEqual({ ...offerOf(gateway), policyVersion: 1 });
  expect([client.version, client.gatewaysVersion]).toEqual([1, 5]);
  expect(client.volatile.loss).toEqual(presets.strict.volatile.loss);
});

test("a client sends on two paths if the gateway's offer says so, whatever its own policy says", () => {
  const standard = policyOf("standard", 1, "00");
  const redundant = { ...standard, switch: { ...standard.switch, mode: "redundant" as const } };
  expect(policyFromOffer(offerOf(redundant), standard).switch.mode).toBe("redundant");
  expect(policyFromOffer(offerOf(standard), redundant).switch.mode).toBe("failover");
});

test("no offer removes a bound", () => {
  const u16 = fc.nat(0xffff);
  const u32 = fc.nat(0xffffffff);
  const offers = fc.record({
    lifetimeS: u32,
    transportLostTtlMs: u32,
    degradedMaxMs: u32,
    keepaliveMs: u16,
    livenessMs: u16,
    switchesPerMin: u16,
    cooldownMs: u16,
    recoveriesPerMin: u16,
    mtu: u16,
    redundant: fc.boolean(),
    policyVersion: fc.nat(),
    policyDigest: fc.constant("0".repeat(16)),
  });
  fc.assert(
    fc.property(offers, (offer) => {
      const policy: unknown = policyFromOffer(offer, policyOf("standard", 1, "00"));
      for (const { at, kind } of FIELDS) {
        const value = at.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], policy);
        if (kind.is === "choice") expect(Object.values(kind.values)).toContain(value);
        else expect(value).toSatisfy((number: number) => number >= kind.min && number <= kind.max);
      }
    }),
  );
});

function policyOf(name: PresetName, version: number, digest: string): Policy {
  return { name, version, digest, ...presets[name] };
}
