/**
 *  time ─►  eth0  ██████░░░░░░██████░░░░░░██████ …     █ works   ░ drops everything
 *           wlan0 ░░░░░░██████░░░░░░██████░░░░░░ …     one change a second; the budget is 4 switches a minute
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME, survived } from "./case.ts";

const MAX_PER_MIN = 4;
const ROUNDS = 12;

export const FLAPPING: Case = {
  id: "3",
  title: "two links alternate faster than the switch budget allows",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(`[switch]\nmax_per_min = ${MAX_PER_MIN}\n${REALTIME}`),
    transferBytes: 15_000_000,
    transferMbit: 20,
    flowSeconds: 120,
  },
  async play(stage) {
    const ledger = new Ledger();
    const [eth0, wlan0] = [stage.uplink("eth0"), stage.uplink("wlan0")];
    await stage.startTraffic();
    const mark = stage.mark();
    const beganAt = await stage.nowUs();
    for (let round = 0; round < ROUNDS; round++) {
      const first = round % 2 === 0;
      await Promise.all([eth0.impair("both", { blackhole: first }), wlan0.impair("both", { blackhole: !first })]);
      await elapse(1_000);
    }
    const overAt = await wlan0.impair("both", { blackhole: false });
    await eth0.impair("both", { blackhole: false });
    await stage.untilState("ATTACHED", 5_000);
    await elapse(1_000);
    const after = await stage.flowReport(overAt, await stage.nowUs());
    ledger.must(
      (after.gapOverMs ?? Number.POSITIVE_INFINITY) <= 2_000,
      `after the flapping: ${after.gapOverMs} ms to the first packet`,
    );

    const events = stage.eventsSince(mark);
    const switches = events.filter(({ type }) => type === "TransportSwitch").map(({ boot_ms }) => boot_ms);
    const busiest = Math.max(0, ...switches.map((at) => switches.filter((other) => other > at - 60_000 && other <= at).length));
    const story = [
      ledger.must(switches.length > 0, "there was no switch"),
      ledger.must(busiest <= MAX_PER_MIN, `${busiest} switches within a minute; ${MAX_PER_MIN} are allowed`),
      ledger.told(
        stage.lacksSince(mark, [
          "TransportDead",
          "TransportSwitch",
          "VOLATILE→DEGRADED",
          "TransportSwitchDenied switch_rate_limited",
        ]),
        "flapping",
      ),
      ledger.must(!events.some(({ type }) => type === "SessionTerminated"), "the session ended"),
    ].every(Boolean);
    const whole = await stage.flowReport(beganAt, overAt);
    return survived(stage, ledger, whole.gapMs, story, { finishMs: 90_000 });
  },
};
