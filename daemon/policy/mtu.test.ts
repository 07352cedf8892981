import { expect, test } from "vitest";
import { checkPolicy } from "#daemon/config/policy";
import { tunnelMtu } from "./mtu.ts";

const SMALL_FIELD = 'schema = "jumping-vpn/policy/v1"\nmtu = 1400\n[[override]]\nmatch = { group = "field" }\nmtu = 1300\n';

test("a gateway's device has the smallest MTU of all groups", () => {
  expect([tunnelMtu(1420, values()), tunnelMtu(1280, values()), tunnelMtu(1420, null)]).toEqual([1300, 1280, 1420]);
});

function values() {
  const checked = checkPolicy({ file: "p", text: SMALL_FIELD });
  return checked.ok ? checked.value.values : expect.unreachable();
}
