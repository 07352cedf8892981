/**
 *  time ─►  eth0 active      │ the active link drops all packets │ eth0 back │ wlan0 down,   │ wlan0 back
 *           wlan0 companion  │ silently; wlan0 takes over        │           │ reported by   │
 *                            │                                   │           │ the kernel    │
 *           Every packet of both flows is sent on both links; none may be lost.
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME, survived } from "./case.ts";

const RTT_MS = 20;

const JUMP = [
  "TransportDead",
  "ATTACHED→VOLATILE transport_dead",
  "VOLATILE→RECOVERING",
  "TransportSwitch",
  "RECOVERING→ATTACHED reattach_validated",
];

export const REDUNDANT: Case = {
  id: "redundant",
  title: "redundant mode: a link dies silently, then by link down; no packet is lost",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: RTT_MS,
    policy: policy(`${REALTIME}[switch]\nmode = "redundant"\n`),
    transferBytes: 30_000_000,
    transferMbit: 20,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    let story = true;
    for (const { sdk } of [stage.client, stage.gateway]) {
      const session = (await sdk.status()).view.sessions.find(({ id }) => id === stage.sessionId);
      story = ledger.must(session?.sending.mode === "redundant", `the session sends as ${session?.sending.mode}`) && story;
    }
    await stage.startTraffic();

    let worstMs = 0;
    const death = async (name: string, heir: string, strike: () => Promise<number>) => {
      const mark = stage.mark();
      const diedAt = await strike();
      await stage.untilOn(heir, 5_000);
      await elapse(1_000);
      // The window ends early, because packets that are still in flight are not lost.
      const seen = await stage.flowReport(diedAt - RTT_MS * 500, (await stage.nowUs()) - 200_000);
      worstMs = Math.max(worstMs, seen.gapMs);
      ledger.must(seen.lost === 0, `${name}: ${seen.lost} packets were lost`);
      story = ledger.told(stage.lacksSince(mark, JUMP), name) && story;
    };

    const eth0 = stage.uplink("eth0");
    await death("silent death", "wlan0", () => eth0.impair("both", { blackhole: true }));
    await eth0.impair("both", { blackhole: false });
    await stage.untilWarm("eth0", 10_000);
    await elapse(1_000);

    const wlan0 = stage.uplink("wlan0");
    await death("link down", "eth0", () => wlan0.unplug());
    await wlan0.plug();
    await stage.untilWarm("wlan0", 10_000);
    return survived(stage, ledger, worstMs, story);
  },
};
