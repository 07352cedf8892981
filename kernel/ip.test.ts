import { describe, expect, test } from "vitest";
import { covers, endpoint, familyOf, parseAddress } from "./ip.ts";

describe("addresses", () => {
  test.each([
    ["0.0.0.0/0", "203.0.113.7", true],
    ["10.0.0.0/8", "10.255.1.2", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["203.0.113.7/32", "203.0.113.7", true],
    ["203.0.113.7", "203.0.113.7", true],
    ["::/0", "2001:db8::7", true],
    ["2001:db8::/32", "2001:db8:1::7", true],
    ["2001:db9::/32", "2001:db8:1::7", false],
    ["::ffff:10.0.0.0/104", "::ffff:10.9.9.9", true],
    ["0.0.0.0/0", "2001:db8::7", false],
    ["10.0.0.0/33", "10.0.0.1", false],
    ["10.0.0.0/x", "10.0.0.1", false],
    ["10.0.0.0/", "10.0.0.1", false],
    ["0.0.0.0/0/24", "10.0.0.1", false],
    ["10.0.0.0/-1", "10.0.0.1", false],
    ["10.0.0.0/ 8", "10.0.0.1", false],
    ["nonsense", "10.0.0.1", false],
    ["1:2:3:4:5:6:7:8:9/0", "::1", false],
    ["fe80::1%eth0/64", "fe80::1", false],
  ])("%s covers %s: %s", (prefix, address, expected) => {
    expect(covers(prefix, address)).toBe(expected);
  });

  test("families and endpoints are distinguished", () => {
    expect([familyOf("10.0.0.1"), familyOf("::1"), familyOf("10.0.0"), familyOf("1::2::3")]).toEqual([4, 6, null, null]);
    expect([endpoint("10.0.0.1", 1), endpoint("::1", 1)]).toEqual(["10.0.0.1:1", "[::1]:1"]);
  });

  test("the value is the address as one number, also with the last bits written as IPv4", () => {
    expect(parseAddress("10.0.1.2")?.value).toBe(0x0a000102n);
    expect(parseAddress("1::8")?.value).toBe((1n << 112n) + 8n);
    expect(parseAddress("::ffff:10.0.0.1")).toEqual(parseAddress("::ffff:a00:1"));
  });
});
