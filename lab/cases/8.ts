/**
 *  time ─►  ATTACHED under load │ operator: terminate │ TERMINATED on both ends, keys deleted, no new dial
 */
import { elapse, until } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

export const OPERATOR_TERMINATION: Case = {
  id: "8",
  title: "an operator terminates under load",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(REALTIME),
    transferBytes: 5_000_000,
    transferMbit: 40,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const { match } = await stage.transfer.finish(30_000);
    const bytes = ledger.must(match, "the transfer before the end differs");
    const mark = stage.mark();
    const began = performance.now();
    await stage.client.sdk.terminate(stage.sessionId, "lab: case 8");
    await stage.untilState("TERMINATED", 3_000);
    const closed = await until("the gateway's session is TERMINATED", 3_000, async () => {
      return stage.gateway.events().find(({ type, session }) => type === "SessionTerminated" && session === stage.sessionId);
    });
    const timeMs = performance.now() - began;
    const story = [
      ledger.told(
        stage.lacksSince(mark, ["ATTACHED→TERMINATED operator_terminated", "SessionTerminated operator_terminated"]),
        "client",
      ),
      ledger.must(closed.reason === "peer_closed", `the gateway's reason is ${closed.reason}`),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    const endedUs = await stage.nowUs();
    await elapse(1_000);
    const after = await stage.flowReport(endedUs, await stage.nowUs());
    const seen = await stage.captured();
    const identity = [
      ledger.must(seen.handshakes === 1, `${seen.handshakes} handshakes were captured`),
      ledger.must(seen.clear === 0, `${seen.clear} unencrypted packets left an uplink`),
      ledger.must(after.received === 0, `${after.received} packets arrived after the end`),
    ].every(Boolean);
    return { bytes, timeMs: Math.round(timeMs), identity, story, problems: ledger.problems };
  },
};
