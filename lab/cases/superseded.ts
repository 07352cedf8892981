/**
 *  time ─►  session A under load │ the client is killed (SIGKILL) │ session B, same inner address;
 *                                │ and starts again               │ the gateway ends A
 */
import { elapse, until } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

export const SUPERSEDED: Case = {
  id: "superseded",
  title: "the client is killed and restarted: the gateway ends the old session, the inner address stays",
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
    const killedAt = await stage.nowUs();
    await stage.client.kill();
    await stage.restartClient();
    const next = await stage.nextSession(15_000);
    const ended = await until("the gateway has ended the old session", 10_000, async () =>
      stage.gateway.events().find(({ type, session }) => type === "SessionTerminated" && session === stage.sessionId),
    );
    await elapse(1_000);
    const seen = await stage.flowReport(killedAt, await stage.nowUs());
    const story = [
      ledger.must(ended.reason === "superseded", `the old session's reason is ${ended.reason}`),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const { handshakes, connections, resets, clear } = await stage.captured();
    const identity = [
      ledger.must(next.inner?.v4 === inner?.v4, `the inner address is ${next.inner?.v4}, but it was ${inner?.v4}`),
      ledger.must(handshakes === 2, `${handshakes} handshakes were captured; two sessions need two`),
      ledger.must(connections === 1 && resets === 0, `${connections} connections, ${resets} resets`),
      ledger.must(clear === 0, `${clear} unencrypted packets left an uplink`),
    ].every(Boolean);
    return { bytes, timeMs: seen.gapMs, identity, story, problems: ledger.problems };
  },
};
