import { isIP } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { familyOf, parseAddress } from "#kernel/ip";
import { contains, formatAddress, formatPrefix, parseEndpoint, parsePrefix } from "./address.ts";

test("every address is unchanged after formatting and parsing", () => {
  const v4 = fc.record({ family: fc.constant(4 as const), value: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }) });
  const v6 = fc.record({ family: fc.constant(6 as const), value: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }) });
  fc.assert(
    fc.property(fc.oneof(v4, v6), (address) => {
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});

test.each([
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["fd80:0:0:0:0:0:0:e", "fd80::e"],
  ["::", "::"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["::ffff:10.0.0.1", "::ffff:a00:1"],
])("%s is written %s (RFC 5952)", (text, canonical) => {
  const address = parseAddress(text);
  expect(address && formatAddress(address)).toBe(canonical);
});

test.each(["10.80.0.0/33", "10.80.0.1/16", "10.80.0.0", "fd80::/129", "x/8", "10.80.0.0/16/2", "10.80.0.0/-1"])(
  "%s is no prefix",
  (text) => expect(parsePrefix(text)).toBeUndefined(),
);

test("a prefix contains its own addresses and no others", () => {
  const pool = parsePrefix("10.80.0.0/16");
  expect(pool && formatPrefix(pool)).toBe("10.80.0.0/16");
  const inside = (text: string) => pool !== undefined && contains(pool, parseAddress(text) ?? { family: 4, value: 0n });
  expect(["10.80.255.255", "10.81.0.0", "fd80::1"].map(inside)).toEqual([true, false, false]);
});

test("endpoints accept names, addresses of both families and a default port", () => {
  expect(
    ["fra-2.example:4774", "10.0.0.1", "[fd80::1]:99", "fd80::1", "[10.0.0.1]:1", "a:0", "a:70000"].map((text) =>
      parseEndpoint(text, 4774),
    ),
  ).toEqual([
    { host: "fra-2.example", port: 4774 },
    { host: "10.0.0.1", port: 4774 },
    { host: "fd80::1", port: 99 },
    { host: "fd80::1", port: 4774 },
    undefined,
    undefined,
    undefined,
  ]);
});

test("the parser agrees with the system on what is an address and of which family, also for near misses", () => {
  const piece = fc.constantFrom("0", "1", "01", "10", "255", "256", "db8", "FFFF", "12345", "", ":", "::", ".", ":", ".", "g");
  const near = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), near, fc.ipV6().map(spoilt)), (text) => {
      expect([text, familyOf(text) ?? 0]).toEqual([text, isIP(text)]);
    }),
    { numRuns: 5_000 },
  );
});

/** A near miss: an address without one of its characters. */
const spoilt = (text: string): string => text.slice(0, text.length >> 1) + text.slice((text.length >> 1) + 1);
