/**
 *  time ─►  eth0 active │ eight switches by hand, some of them denied │ the active link goes down beside a warm
 *                       │ with reason and time                        │ standby: the session moves at once
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME, survived } from "./case.ts";

const ASKED = 8;
/** Half of the limit of eight: the rest is the reserve. */
const ALLOWED = 4;
const DENIED = 7;
const COOLDOWN_MS = 1_500;

export const RESERVE: Case = {
  id: "reserve",
  title: "switches by hand leave a reserve: a death beside a standby does not wait",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(REALTIME),
    transferBytes: 20_000_000,
    transferMbit: 20,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const codes: number[] = [];
    let refusal = "";
    for (let n = 0; n < ASKED; n++) {
      const target = (await stage.activePath())?.startsWith("eth0") === true ? "wlan0" : "eth0";
      const { code, stderr } = await stage.client.cli("switch", stage.sessionId, "--to", `${target}/udp4`);
      codes.push(code);
      if (code === 0) await stage.untilOn(target, 3_000);
      else refusal = stderr;
      await elapse(COOLDOWN_MS + 100);
    }
    const moved = codes.filter((code) => code === 0).length;
    ledger.must(moved === ALLOWED, `${moved} of ${ASKED} switches were allowed, not ${ALLOWED}`);
    ledger.must(
      codes.slice(ALLOWED).every((code) => code === DENIED),
      `the switches ended with ${codes.join(", ")}`,
    );
    ledger.must(/switch_rate_limited.*next in \d+ s/.test(refusal), `the refusal says: ${refusal}`);

    const active = await stage.activePath();
    const [dies, lives] = active?.startsWith("eth0") === true ? ["eth0", "wlan0"] : ["wlan0", "eth0"];
    const mark = stage.mark();
    const diesAt = await stage.uplink(dies).unplug();
    await stage.untilOn(lives, 3_000);
    await elapse(1_000);
    const { gapOverMs } = await stage.flowReport(diesAt, await stage.nowUs());
    const timeMs = gapOverMs ?? Number.POSITIVE_INFINITY;
    ledger.must(timeMs <= 300, `${timeMs} ms from the death to the first packet`);
    const story = ledger.told(
      stage.lacksSince(mark, ["TransportDead", "VOLATILE→RECOVERING transport_dead", "RECOVERING→ATTACHED"]),
      "the death after the switches",
    );
    return survived(stage, ledger, timeMs, story);
  },
};
