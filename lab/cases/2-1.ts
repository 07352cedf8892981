/**
 *  time ─►  eth0 active │ eth0 loses 30 % for 3 s, in both directions │ eth0 clean
 *           wlan0 warm  │ wlan0 takes over, without a new handshake    │
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME, survived } from "./case.ts";

export const LOSS_SPIKE: Case = {
  id: "2.1",
  title: "temporary loss spike: 30 % for 3 s, backup available",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(REALTIME),
    transferBytes: 30_000_000,
    transferMbit: 40,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const mark = stage.mark();
    const eth0 = stage.uplink("eth0");
    const lossyAt = await eth0.impair("both", { loss: 0.3 });
    await elapse(3_000);
    await eth0.impair("both", { loss: 0 });
    await stage.untilOn("wlan0", 5_000);
    const seen = await stage.flowReport(lossyAt, await stage.nowUs());
    const story = ledger.told(
      stage.lacksSince(mark, [
        "ATTACHED→VOLATILE loss_threshold_exceeded",
        "VOLATILE→RECOVERING",
        "TransportSwitch",
        "RECOVERING→ATTACHED reattach_validated",
      ]),
      "loss spike",
    );
    ledger.must(seen.gapMs <= 300, `a gap of ${seen.gapMs} ms`);
    return survived(stage, ledger, seen.gapMs, story);
  },
};
