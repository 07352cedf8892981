/**
 *  time ─►  ATTACHED under load │ for 10 s two busy loops per processor touch memory; │ end
 *                               │ after 3 s eth0 goes down                            │
 */
import { availableParallelism, freemem } from "node:os";
import { press } from "../programs.ts";
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, survived } from "./case.ts";

const MEBIBYTES_MAX = 1_024;
const SECONDS = 10;

export const PRESSURE: Case = {
  id: "iso-pressure",
  title: "isolation: no processor and little memory to spare",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(`[volatile]\nliveness = "normal"\n`),
    transferBytes: 30_000_000,
    transferMbit: 20,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const beganAt = await stage.nowUs();
    const mebibytes = Math.min(MEBIBYTES_MAX, Math.floor(freemem() / 2 / 2 ** 20));
    const over = await press(stage.scope, stage.topology.server, {
      loops: availableParallelism() * 2,
      mebibytes,
      seconds: SECONDS,
    });
    await elapse(3_000);
    const mark = stage.mark();
    await stage.uplink("eth0").unplug();
    await stage.untilOn("wlan0", 10_000);
    await over();
    const seen = await stage.flowReport(beganAt, await stage.nowUs());
    ledger.must(seen.gapMs <= 3_000, `under pressure: a gap of ${seen.gapMs} ms`);
    const story = ledger.told(
      stage.lacksSince(mark, ["TransportDead", "TransportSwitch", "RECOVERING→ATTACHED reattach_validated"]),
      "a death under pressure",
    );
    return survived(stage, ledger, seen.gapMs, story, { finishMs: 90_000 });
  },
};
