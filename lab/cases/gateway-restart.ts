/**
 *  time ─►  session A under load │ the gateway is killed (SIGKILL) │ the client ends A │ session B,
 *                                │ and starts again                │ with a reason     │ same inner address
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

export const GATEWAY_RESTART: Case = {
  id: "gateway-restart",
  title: "the gateway is killed and restarted: an explicit end, a new session, the same inner address",
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
    const inner = (await stage.session())?.inner;
    const mark = stage.mark();
    const killedAt = await stage.nowUs();
    await stage.gateway.kill();
    await stage.restartGateway();
    const next = await stage.nextSession(30_000);
    await elapse(1_000);
    const seen = await stage.flowReport(killedAt, await stage.nowUs());
    const story = [
      ledger.told(
        stage.lacksSince(mark, ["SessionTerminated session_lost", "SessionCreated", "BIRTH→ATTACHED"]),
        "gateway's restart",
      ),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const { connections, resets, clear } = await stage.captured();
    const identity = [
      ledger.must(next.predecessor === stage.sessionId, `the new session's predecessor is ${next.predecessor}`),
      ledger.must(next.inner?.v4 === inner?.v4, `the inner address is ${next.inner?.v4}, but it was ${inner?.v4}`),
      ledger.must(connections === 1 && resets === 0, `${connections} connections, ${resets} resets`),
      ledger.must(clear === 0, `${clear} unencrypted packets left an uplink`),
    ].every(Boolean);
    return { bytes, timeMs: seen.gapMs, identity, story, problems: ledger.problems };
  },
};
