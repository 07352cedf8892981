/**
 *  eth0   AT&T LTE, driving    ▁▃▇▅▂  ▁▁▆▇▃ …     recorded opportunities to send, up and down;
 *  wlan0  Verizon LTE          ▅▇▇▂▁ ▃▇▅▅   ▂ …     in the gaps the link carries nothing
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TRACES } from "../paths.ts";
import { elapse, type Stage } from "../stage.ts";
import { type Case, Ledger, policy, survived } from "./case.ts";

const RECORDED = { eth0: "ATT-LTE-driving-2016", wlan0: "Verizon-LTE-short" } as const;
const SECONDS = 60;

export const CELLULAR: Case = {
  id: "traces",
  title: "recorded cellular links on both uplinks, for a minute",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 60,
    policy: policy(""),
    transferBytes: 3_000_000,
    transferMbit: 1,
    flowSeconds: 120,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const beganAt = await stage.nowUs();
    for (const name of ["eth0", "wlan0"] as const) {
      for (const direction of ["up", "down"] as const) {
        await stage.uplink(name).impair(direction, { trace: traceFor(stage, name, direction), queueMs: 500 });
      }
    }
    await elapse(SECONDS * 1_000);
    const overAt = await stage.nowUs();
    for (const uplink of stage.topology.uplinks) await uplink.impair("both", { trace: null });
    await stage.untilState("ATTACHED", 20_000);
    const seen = await stage.flowReport(beganAt, overAt);
    const events = stage.client.events();
    const story = ledger.must(!events.some(({ type }) => type === "SessionTerminated"), "the session ended");
    return survived(stage, ledger, seen.gapMs, story, { finishMs: 90_000 });
  },
};

/** The recording if it exists; otherwise a synthetic link with bursts of capacity and gaps of up to three seconds. */
function traceFor(stage: Stage, name: keyof typeof RECORDED, direction: "up" | "down"): string {
  const recorded = join(TRACES, `${RECORDED[name]}.${direction}`);
  if (existsSync(recorded)) return recorded;
  const made = join(stage.plan.folder, `${name}.${direction}.trace`);
  writeFileSync(made, madeUp(name === "eth0" ? 7 : 11));
  return made;
}

function madeUp(seed: number): string {
  const times: number[] = [];
  let state = seed;
  const draw = (below: number): number => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state % below;
  };
  for (let at = 1; at < SECONDS * 1_000; ) {
    const until = at + 500 + draw(6_000);
    const pauseMs = 1 + draw(4);
    for (; at < until; at += pauseMs) times.push(at);
    at += draw(8) === 0 ? draw(3_000) : draw(100);
  }
  return `${times.join("\n")}\n`;
}
