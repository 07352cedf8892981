import { expect, test } from "vitest";
import type { PolicyOutcome } from "./model.ts";
import { presets } from "./presets.ts";
import { NO_POLICY, offer } from "./validity.ts";

test("a valid policy is applied, an invalid one changes nothing, the next valid one clears its errors", () => {
  const good = (version: number): PolicyOutcome => ({
    ok: true,
    policy: { base: { name: "standard", version, digest: "00", ...presets.standard }, overrides: [] },
  });
  const bad: PolicyOutcome = { ok: false, errors: [{ path: ["mtu"], message: "must be a whole number" }] };

  const first = offer(NO_POLICY, good(1));
  expect(first).toMatchObject({ valid: true, current: { base: { version: 1 } }, errors: [] });
  const broken = offer(first, bad);
  expect(broken).toEqual({ current: first.current, valid: false, errors: bad.errors });
  expect(offer(broken, good(2))).toMatchObject({ valid: true, current: { base: { version: 2 } }, errors: [] });
});

test("an invalid policy before any valid one leaves no policy for sessions", () => {
  const broken = offer(NO_POLICY, { ok: false, errors: [{ path: [], message: "a policy is a table of sections" }] });
  expect(broken).toMatchObject({ current: null, valid: false });
});
