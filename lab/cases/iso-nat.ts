/**
 *   client ── eth0, wlan0 ── router (masquerade) ── gateway
 *
 *  time ─►  ports 20000… │ the router forgets all flows and maps to 30000… │ the session continues from its new address
 */
import type { PathView } from "#kernel/contract/view";
import { masquerade, rebind } from "../router.ts";
import { elapse, type Setting, type Stage } from "../stage.ts";
import { type Case, type Findings, Ledger, policy, REALTIME, survived } from "./case.ts";

const SETTING: Setting = {
  uplinks: ["eth0", "wlan0"],
  rttMs: 20,
  policy: policy(REALTIME),
  transferBytes: 30_000_000,
  transferMbit: 20,
  flowSeconds: 90,
  nat: (router) => masquerade(router, "20000-20999"),
};

const NEEDS: Case["needs"] = [
  { command: "nft", package: "nftables" },
  { command: "conntrack", package: "conntrack" },
];

export const NAT_REBINDING: Case = {
  id: "iso-nat",
  title: "isolation: a NAT gives every path a new port",
  setting: SETTING,
  needs: NEEDS,
  play: (stage) => play(stage, ["active"]),
};

export const NAT_REBINDING_REDUNDANT: Case = {
  id: "iso-nat-redundant",
  title: "isolation: a NAT gives every path a new port, in redundant mode",
  setting: { ...SETTING, policy: policy(`${REALTIME}[switch]\nmode = "redundant"\n`) },
  needs: NEEDS,
  // Both paths carry every packet, so the gateway learns both new ports at once.
  play: (stage) => play(stage, ["active", "warm"]),
};

async function play(stage: Stage, roles: readonly PathView["role"][]): Promise<Findings> {
  const ledger = new Ledger();
  await stage.startTraffic();
  const reboundAt = await stage.nowUs();
  await rebind(stage.topology.access, "30000-30999");
  await elapse(5_000);
  await stage.untilState("ATTACHED", 10_000);
  await elapse(1_000);
  const seen = await stage.flowReport(reboundAt, await stage.nowUs());
  const timeMs = seen.gapOverMs ?? Number.POSITIVE_INFINITY;
  ledger.must(timeMs <= 10_000, `${timeMs} ms from the rebinding to the end of the gap`);
  const remote = (await stage.gateway.sdk.status()).view.sessions.find(({ id }) => id === stage.sessionId);
  const used = remote?.paths.filter(({ role }) => roles.includes(role)) ?? [];
  const ports = used.map((path) => Number(path.remote?.split(":").at(-1)));
  const story = ledger.must(
    ports.length === roles.length && ports.every((port) => port >= 30_000),
    `the gateway's paths are at the ports ${ports.join(", ")}, not at ${roles.length} of the new ones`,
  );
  return survived(stage, ledger, seen.gapMs, story, { finishMs: 90_000 });
}
