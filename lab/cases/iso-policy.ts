/**
 *  time ─►  session A │ invalid policy, SIGHUP: │ the client restarts:   │ valid policy:
 *                     │ A continues and jumps   │ denied, policy_invalid │ session B
 */
import { writePolicy } from "../nodes.ts";
import { elapse, until } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

export const INVALID_POLICY: Case = {
  id: "iso-policy",
  title: "isolation: an invalid policy denies new sessions and does not affect the old ones",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(REALTIME),
    transferBytes: 15_000_000,
    transferMbit: 20,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    const { gateway } = stage;
    await stage.startTraffic();
    const mark = gateway.events().at(-1)?.seq ?? 0;
    const news = (type: string) => gateway.events().find((event) => event.seq > mark && event.type === type);
    const beganAt = await stage.nowUs();
    writePolicy(stage.plan, policy("[session]\nmax_lifetime = -1\n"));
    gateway.reload();
    await until("the gateway refuses the policy", 5_000, async () => news("ConfigFailure"));
    const downAt = await stage.uplink("eth0").unplug();
    await stage.untilOn("wlan0", 5_000);
    await elapse(500);
    const jump = await stage.flowReport(downAt, await stage.nowUs());
    ledger.must(jump.gapMs <= 300, `under an invalid policy: a jump had a gap of ${jump.gapMs} ms`);
    await stage.uplink("eth0").plug();
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const whole = await stage.flowReport(beganAt, await stage.nowUs());
    const before = await stage.captured();
    const identity = ledger.must(
      before.handshakes === 1 && before.connections === 1 && before.resets === 0 && before.clear === 0,
      `${before.handshakes} handshakes, ${before.connections} connections, ${before.resets} resets, ${before.clear} unencrypted packets`,
    );

    await stage.client.stop();
    await stage.restartClient();
    const denied = await until("a new session is denied", 15_000, async () => {
      return gateway.events().find(({ seq, type, session }) => {
        return seq > mark && type === "SessionTerminated" && session !== stage.sessionId;
      });
    });
    writePolicy(stage.plan, stage.plan.policy);
    gateway.reload();
    await stage.nextSession(30_000);
    const story = [
      ledger.must(denied.reason === "policy_invalid", `the new session's end is ${denied.reason}`),
      ledger.must(news("PolicyApplied") !== undefined, "the valid policy did not come into force"),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    return { bytes, timeMs: Math.max(jump.gapMs, whole.gapMs), identity, story, problems: ledger.problems };
  },
};
