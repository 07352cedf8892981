/**
 *   client ── eth0, wlan0 ── router (masquerade) ── gateway
 *
 *  time ─►  ports 20000… │ the router forgets all flows and maps to 30000… │ the same session goes on from its new address
 */
import { masquerade, rebind } from "../router.ts";
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME, survived } from "./case.ts";

export const NAT_REBINDING: Case = {
  id: "iso-nat",
  title: "isolation: a NAT gives every path a new port",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(REALTIME),
    transferBytes: 30_000_000,
    transferMbit: 20,
    flowSeconds: 90,
    nat: (router) => masquerade(router, "20000-20999"),
  },
  needs: [
    { command: "nft", package: "nftables" },
    { command: "conntrack", package: "conntrack" },
  ],
  async play(stage) {
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
    const ports = remote?.paths.filter(({ role }) => role === "active").map((path) => Number(path.remote?.split(":").at(-1)));
    const story = ledger.must(
      ports?.every((port) => port >= 30_000) === true,
      `the gateway's active path is at port ${ports?.join(", ")}, not at one of the new ones`,
    );
    return survived(stage, ledger, seen.gapMs, story, { finishMs: 90_000 });
  },
};
