/**
 *  time ─►  no loss │ both lose 25 %:     │ wlan0 has no loss:           │ both lossy again, longer than DEGRADED_MAX:
 *                   │ no link is stable   │ the same session moves there │ the session ends
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

/**
 * The clean link may be the one that the session uses. Then the session is VOLATILE for 4 s, and the link counts as
 * stable again after 3 s without loss.
 */
const DEGRADED_MAX_MS = 12_000;
const LOSSY = { loss: 0.25 };

export const LOSS_EVERYWHERE: Case = {
  id: "2.2",
  title: "loss on every link: a stable one appears; none does until DEGRADED_MAX",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(`[session]
transport_lost_ttl = "${DEGRADED_MAX_MS}ms"
degraded_max = "${DEGRADED_MAX_MS}ms"
[switch]
max_per_min = 3
${REALTIME}`),
    transferBytes: 15_000_000,
    transferMbit: 40,
    flowSeconds: 120,
  },
  async play(stage) {
    const ledger = new Ledger();
    const [eth0, wlan0] = [stage.uplink("eth0"), stage.uplink("wlan0")];
    await stage.startTraffic();

    let mark = stage.mark();
    await Promise.all([eth0.impair("both", LOSSY), wlan0.impair("both", LOSSY)]);
    await stage.untilState("DEGRADED", 20_000);
    await elapse(1_000);
    const cleanAt = await wlan0.impair("both", { loss: 0 });
    await eth0.impair("both", { blackhole: true });
    await stage.untilOn("wlan0", DEGRADED_MAX_MS);
    await elapse(1_000);
    const seen = await stage.flowReport(cleanAt, await stage.nowUs());
    let story = ledger.told(
      stage.lacksSince(mark, [
        "ATTACHED→VOLATILE loss_threshold_exceeded",
        "DEGRADED→RECOVERING candidate_available",
        "RECOVERING→ATTACHED reattach_validated",
      ]),
      "a stable link appears",
    );
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const before = await stage.captured();
    const identity = ledger.must(
      before.handshakes === 1 && before.connections === 1 && before.resets === 0 && before.clear === 0,
      `${before.handshakes} handshakes, ${before.connections} connections, ${before.resets} resets, ${before.clear} unencrypted packets`,
    );

    mark = stage.mark();
    await wlan0.impair("both", LOSSY);
    await stage.untilState("TERMINATED", DEGRADED_MAX_MS + 30_000);
    story = ledger.told(stage.lacksSince(mark, ["VOLATILE→DEGRADED", "SessionTerminated"]), "no stable link appears") && story;
    // Both ends run this timer. The end whose timer expires first closes the session with the other.
    const ends = [...stage.client.events(), ...stage.gateway.events()].filter(({ type }) => type === "SessionTerminated");
    story =
      ledger.must(
        ends.some(({ reason }) => reason === "degraded_ttl_exceeded"),
        `the session's end is ${ends.map(({ reason }) => reason).join(" and ")}`,
      ) && story;
    story = ledger.told(stage.chainBroken(), "chain of versions") && story;
    return { bytes, timeMs: seen.gapMs, identity, story, problems: ledger.problems };
  },
};
