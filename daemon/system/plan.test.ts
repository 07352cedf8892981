import { expect, test } from "vitest";
import type { ClientSettings } from "#daemon/config/client";
import type { GatewaySettings } from "#daemon/config/gateway";
import { parsePrefix } from "#daemon/net/address";
import { assignmentFault, clientPlan, gatewayPlan, holdingPlan, type MachineFacts } from "./plan.ts";

const FACTS: MachineFacts = { networks: [], ipv6: true, routerAdvertised: [], reversePathStrict: [] };
const COMMON = {
  identity: "/k",
  interface: "jvpn0",
  mtu: 1420,
  mark: 0x4a56,
  daemon: { socket: null, state: null, events: null, policy: null, node: null, log: null },
  engine: { disable: [], rekeyAfterS: 120, rejectAfterS: 180, rekeyAfterPackets: 1 },
} as const;
const CLIENT: ClientSettings = { ...COMMON, role: "client", reconnect: true, gateways: [], routes: null, paths: [] };
const GATEWAY: GatewaySettings = {
  ...COMMON,
  role: "gateway",
  listen: [],
  pools: { v4: parsePrefix("10.80.0.0/16") ?? null, v6: parsePrefix("fd80::/64") ?? null },
  masquerade: false,
  workers: 1,
  dns: [],
  clients: [],
};
const ASSIGNED = { v4: "10.80.0.14", v4Prefix: 16, v6: "fd80::e", v6Prefix: 64, dns: [], mtu: 1380 };

test("without configured routes a client routes the networks of its inner addresses", () => {
  const plan = clientPlan(CLIENT, ASSIGNED, FACTS);
  expect([plan.addresses, plan.routes, plan.mtu]).toEqual([
    ["10.80.0.14/32", "fd80::e/128"],
    ["10.80.0.0/16", "fd80::/64"],
    1380,
  ]);
  expect(lines(plan)).toContain("-4 route add 10.80.0.0/16 dev jvpn0");
});

test.each([
  ["a default route", { v4Prefix: 0 }, "10.80.0.14/0 is wider than /8"],
  ["half of all addresses", { v4Prefix: 1 }, "10.80.0.14/1 is wider than /8"],
  ["all of IPv6", { v6Prefix: 3 }, "fd80::e/3 is wider than /32"],
])("a gateway that assigns %s is not followed, unless routes are configured", (_, prefix, why) => {
  expect(assignmentFault(CLIENT, { ...ASSIGNED, ...prefix })).toContain(why);
  expect(assignmentFault({ routes: ["0.0.0.0/0"] }, { ...ASSIGNED, ...prefix })).toBeNull();
});

test("an assignment within bounds is accepted, and one without an address has no network", () => {
  expect(assignmentFault(CLIENT, { ...ASSIGNED, v4Prefix: 8, v6Prefix: 32 })).toBeNull();
  expect(assignmentFault(CLIENT, { ...ASSIGNED, v6: null, v6Prefix: 0 })).toBeNull();
});

test("A46: all traffic goes through a separate table, except the marked outer packets", () => {
  const plan = clientPlan({ ...CLIENT, routes: ["0.0.0.0/0"] }, ASSIGNED, FACTS);
  expect(lines(plan)).toContain("-4 route add default table 4774 dev jvpn0");
  expect(closing(plan)).toEqual([
    "-4 route add unreachable default table 4774 metric 4294967295",
    "-4 rule add pref 14773 lookup main suppress_prefixlength 0",
    "-4 rule add pref 14774 not fwmark 0x4a56 lookup 4774",
  ]);
});

test("a route of last resort lies under each route, also of a family that the tunnel cannot carry", () => {
  const routes = ["10.1.0.0/16", "fd01::/48"];
  const plan = clientPlan({ ...CLIENT, routes }, { ...ASSIGNED, v6: null, v6Prefix: 0 }, FACTS);
  expect([plan.routes, plan.warnings]).toEqual([
    ["10.1.0.0/16"],
    ["traffic for fd01::/48 is held back: the tunnel has no address of that family"],
  ]);
  expect(closing(plan)).toEqual([
    "-4 route add unreachable 10.1.0.0/16 metric 4294967295",
    "-6 route add unreachable fd01::/48 metric 4294967295",
  ]);
  expect(closing(clientPlan({ ...CLIENT, routes }, ASSIGNED, { ...FACTS, ipv6: false }))).toHaveLength(1);
});

test("every change that outlives the device has an undo", () => {
  const plan = clientPlan({ ...CLIENT, routes: ["0.0.0.0/0", "::/0", "10.1.0.0/16"] }, ASSIGNED, FACTS);
  const lasting = [...(plan.backstop ?? []), ...plan.changes].filter(
    (change) => change.kind === "ip" && change.args.includes("add"),
  );
  expect(lasting.map((change) => change.kind === "ip" && change.undo?.join(" "))).toEqual(
    lasting.map(
      (change) =>
        change.kind === "ip" &&
        change.args
          .filter((word) => word !== "nodad")
          .join(" ")
          .replace(" add ", " del "),
    ),
  );
});

test("if IPv6 is disabled, the tunnel has no IPv6 address and a warning says so", () => {
  const plan = clientPlan(CLIENT, ASSIGNED, { ...FACTS, ipv6: false });
  expect([plan.addresses, plan.routes, plan.changes.some((change) => change.kind === "ip" && change.family === 6)]).toEqual([
    ["10.80.0.14/32"],
    ["10.80.0.0/16"],
    false,
  ]);
  expect(plan.warnings[0]).toMatch(/IPv6 is disabled/);
});

test("the tunnel's MTU is never lower than IPv6 requires", () => {
  expect(clientPlan(CLIENT, { ...ASSIGNED, mtu: 600 }, FACTS).mtu).toBe(1280);
});

test("a gateway has the first hosts of its pools, forwards, and still accepts router advertisements", () => {
  const plan = gatewayPlan(GATEWAY, { ...FACTS, routerAdvertised: ["eth0"] });
  expect(plan.addresses).toEqual(["10.80.0.1/16", "fd80::1/64"]);
  expect(lines(plan).slice(-3)).toEqual([
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.eth0.accept_ra=2",
    "net.ipv6.conf.all.forwarding=1",
  ]);
});

test("masquerading uses a separate table for each family", () => {
  const scripts = gatewayPlan({ ...GATEWAY, masquerade: true, interface: "jvpn.0" }, FACTS).changes.flatMap((change) =>
    change.kind === "nft" ? [change.undo] : [],
  );
  expect(scripts).toEqual(["delete table ip jvpn_jvpn_0\n", "delete table ip6 jvpn_jvpn_0\n"]);
});

test("without a session the closed networks lead into the device, so that the way back of the gateway's answers is open", () => {
  const plan = holdingPlan({ ...CLIENT, mtu: 1400 }, ["0.0.0.0/0", "10.1.0.0/16", "fd01::/48"], FACTS);
  expect(lines(plan)).toEqual([
    "-4 link set dev jvpn0 mtu 1400 up",
    "-4 route add default table 4774 dev jvpn0",
    "-4 route add 10.1.0.0/16 dev jvpn0",
    "-6 link set dev jvpn0 addrgenmode none",
    "-6 address flush dev jvpn0 scope link",
    "-6 route add fd01::/48 dev jvpn0",
  ]);
});

function closing({ backstop }: ReturnType<typeof clientPlan>): string[] {
  return (backstop ?? []).map(({ family, args }) => `-${family} ${args.join(" ")}`);
}

function lines(plan: ReturnType<typeof clientPlan>): string[] {
  return plan.changes.map((change) => {
    if (change.kind === "ip") return `-${change.family} ${change.args.join(" ")}`;
    return change.kind === "sysctl" ? `${change.key}=${change.value}` : "nft";
  });
}
