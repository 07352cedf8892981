/**
 *  time ─►  session A ATTACHED under load │ SESSION_MAX_LIFETIME: A ends with a reason │ session B, predecessor A
 */
import { elapse, until } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

const LIFETIME_MS = 10_000;

export const LIFETIME: Case = {
  id: "5",
  title: "the session's lifetime ends under load",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(`[session]\nmax_lifetime = "${LIFETIME_MS}ms"\ntransport_lost_ttl = "5s"\ndegraded_max = "5s"\n${REALTIME}`),
    transferBytes: 20_000_000,
    transferMbit: 40,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    const mark = 0;
    await stage.startTraffic();
    const ended = await until("the first session is TERMINATED", LIFETIME_MS + 3_000, async () => {
      return stage.eventsSince(mark).find(({ type, session }) => type === "SessionTerminated" && session === stage.sessionId);
    });
    const next = await stage.nextSession(5_000);
    await elapse(1_000);
    const endedUs = ended.boot_ms * 1_000;
    const seen = await stage.flowReport(endedUs - 500_000, await stage.nowUs());
    const story = [
      ledger.told(
        stage.lacksSince(mark, [
          "ATTACHED→TERMINATED session_lifetime_exceeded",
          "SessionTerminated session_lifetime_exceeded",
          "SessionCreated",
          "BIRTH→ATTACHED",
        ]),
        "lifetime",
      ),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    const born = stage
      .eventsSince(mark)
      .find(({ type, session, to }) => type === "SessionStateChange" && session === stage.sessionId && to === "ATTACHED");
    const livedMs = ended.boot_ms - (born?.boot_ms ?? 0);
    ledger.must(Math.abs(livedMs - LIFETIME_MS) < 500, `the session lived ${livedMs} ms`);
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const { handshakes, clear } = await stage.captured();
    const identity = [
      ledger.must(handshakes === 2, `${handshakes} handshakes were captured; two sessions need two`),
      ledger.must(next.predecessor === stage.sessionId, `the new session's predecessor is ${next.predecessor}`),
      ledger.must(clear === 0, `${clear} unencrypted packets left an uplink`),
    ].every(Boolean);
    return { bytes, timeMs: seen.gapMs, identity, story, problems: ledger.problems };
  },
};
