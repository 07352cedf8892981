import { expect, test } from "vitest";
import type { GatewayAddresses } from "#core/contract";
import { GatewayNames } from "./gateway-names.ts";

const GATEWAYS = [
  {
    name: "fra",
    key: "k",
    endpoints: [
      { host: "fra.example", port: 4774 },
      { host: "10.0.0.9", port: 99 },
    ],
  },
];

test("names are resolved to at most eight addresses, and configured addresses are used as they are", async () => {
  const seen: (readonly GatewayAddresses[])[] = [];
  const many = Array.from({ length: 12 }, (_, index) => `10.0.0.${index}`);
  const names = new GatewayNames(GATEWAYS, (resolved) => seen.push(resolved), { lookupName: async () => many });
  await names.start();
  names.stop();
  expect(seen.map((resolved) => resolved[0]?.addresses.length)).toEqual([8]);
  expect(seen[0]?.[0]?.addresses[0]).toEqual({ ip: "10.0.0.0", port: 4774 });
});

test("a name that cannot be resolved is reported, and the known addresses are used at once", async () => {
  const changes: unknown[] = [];
  const names = new GatewayNames(GATEWAYS, (resolved, unresolved) => changes.push([resolved[0]?.addresses, unresolved]), {
    lookupName: () => Promise.reject(new Error("SERVFAIL")),
  });
  await names.start();
  names.stop();
  expect(changes).toEqual([[[{ ip: "10.0.0.9", port: 99 }], ["fra.example"]]]);
});

test("after a reload without a resolver, the addresses that were found before stay in use", async () => {
  const changes: unknown[] = [];
  const names = new GatewayNames(GATEWAYS, (resolved, unresolved) => changes.push([resolved[0]?.addresses, unresolved]), {
    known: new Map([["fra.example", ["10.0.0.7"]]]),
    lookupName: () => Promise.reject(new Error("SERVFAIL")),
  });
  await names.start();
  names.stop();
  const addresses = [
    { ip: "10.0.0.7", port: 4774 },
    { ip: "10.0.0.9", port: 99 },
  ];
  expect(changes).toEqual([[addresses, []]]);
});
