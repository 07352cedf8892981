import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GatewayAddresses } from "#core/contract";
import { openStore, type Store } from "#daemon/store/database";
import type { UnresolvedName } from "#kernel/contract/control";
import { GatewayNames, type Resolver } from "./gateway-names.ts";
import { KnownNames } from "./known-names.ts";
import { systemResolver } from "./system-resolver.ts";

const LITERAL = { ip: "10.0.0.9", port: 99 };
const GATEWAYS = [
  {
    name: "fra",
    key: "k",
    endpoints: [
      { host: "fra.example", port: 4774 },
      { host: LITERAL.ip, port: LITERAL.port },
    ],
  },
];

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-names-"));
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

test("configured addresses are used at once, names when they are resolved, to at most eight addresses", async () => {
  const many = Array.from({ length: 12 }, (_, index) => `10.0.0.${index}`);
  const { addresses } = await firstRound({ lookUp: async () => many, explain: async () => "" });
  expect([addresses[0], addresses[1]?.length, addresses[1]?.[0]]).toEqual([[LITERAL], 8, { ip: "10.0.0.0", port: 4774 }]);
});

test("a look-up that never ends keeps nothing waiting, and there is only one of it", async () => {
  let begun = 0;
  const addresses: unknown[] = [];
  const lookUp = () => {
    begun += 1;
    return new Promise<never>(() => {});
  };
  const names = namesOf({ lookUp, explain: async () => "" }, { resolved: ([gateway]) => addresses.push(gateway?.addresses) });
  void names.start();
  void names.start();
  expect([addresses, begun]).toEqual([[[LITERAL]], 1]);
  names.stop();
});

test("a name that cannot be resolved is named with the reason, and keeps its last addresses across restarts", async () => {
  const works: Resolver = { lookUp: async () => ["10.0.0.7"], explain: async () => "" };
  const fails: Resolver = { lookUp: () => Promise.reject(new Error("try again")), explain: async () => "resolver r is silent" };
  const never = await firstRound(fails);
  expect(never.unresolved).toEqual([{ name: "fra.example", why: "try again; resolver r is silent", inUse: [] }]);
  await firstRound(works);
  store.close();
  store = openStore(folder);
  const { addresses, unresolved } = await firstRound(fails);
  expect(addresses).toEqual([[{ ip: "10.0.0.7", port: 4774 }, LITERAL]]);
  expect(unresolved).toEqual([{ name: "fra.example", why: "try again; resolver r is silent", inUse: ["10.0.0.7"] }]);
});

test.each([
  ["says that the name does not exist", 3],
  ["answers SERVFAIL", 2],
  ["refuses to answer", 5],
  ["has no address for the name", 0],
])("a resolver that %s is quoted", async (says, code) => {
  const server = createSocket("udp4");
  // A DNS answer without records: the question comes back as a response with this code.
  server.on("message", (question, from) => {
    const answer = Buffer.from(question);
    answer[2] = 0x81;
    answer[3] = 0x80 | code;
    server.send(answer, from.port, from.address);
  });
  const at = await bound(server);
  expect(await systemResolver([at]).explain("gw.example")).toBe(`resolver ${at} ${says}`);
  server.close();
});

test("a resolver that is silent, or not there, is quoted as well", async () => {
  const silent = createSocket("udp4");
  const at = await bound(silent);
  expect(await systemResolver([at]).explain("gw.example")).toBe(`resolver ${at} does not answer`);
  silent.close();
  await once(silent, "close");
  expect(await systemResolver([at]).explain("gw.example")).toBe(`resolver ${at} cannot be reached`);
});

test("the system's own look-up finds this machine, and says in its words that a name does not exist", async () => {
  const resolver = systemResolver();
  expect(await resolver.lookUp("localhost")).toContain("127.0.0.1");
  await expect(resolver.lookUp("no such name.invalid")).rejects.toThrow(/\w/);
});

function namesOf(resolver: Resolver, news: Partial<ConstructorParameters<typeof GatewayNames>[1]>): GatewayNames {
  const known = new KnownNames(store, (why) => {
    throw new Error(why);
  });
  return new GatewayNames(GATEWAYS, { resolved: () => {}, unresolved: () => {}, ...news }, resolver, known);
}

/** What is published until the first round of look-ups is over: addresses of the gateway, and the names that failed. */
async function firstRound(resolver: Resolver): Promise<{
  readonly addresses: readonly GatewayAddresses["addresses"][];
  readonly unresolved: readonly UnresolvedName[];
}> {
  const addresses: GatewayAddresses["addresses"][] = [];
  const names = namesOf(resolver, { resolved: ([gateway]) => addresses.push(gateway?.addresses ?? []) });
  await names.start();
  names.stop();
  return { addresses, unresolved: names.unresolved };
}

async function bound(server: ReturnType<typeof createSocket>): Promise<string> {
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
