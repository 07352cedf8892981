/**
 *  time ─►  both links work │ both drop all    │ back:        │ both drop all packets   │ back:
 *                           │ packets for 3 s  │ same session │ for longer than the TTL │ new session
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

const TTL_MS = 6_000;

export const BLACKOUT: Case = {
  id: "6",
  title: "complete blackout, shorter and longer than the TTL",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(`[session]\ntransport_lost_ttl = "${TTL_MS}ms"\n${REALTIME}`),
    transferBytes: 20_000_000,
    transferMbit: 40,
    flowSeconds: 90,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const { uplinks } = stage.topology;
    const blackout = async (blackhole: boolean): Promise<number> =>
      Math.max(...(await Promise.all(uplinks.map((link) => link.impair("both", { blackhole })))));

    let mark = stage.mark();
    await blackout(true);
    await elapse(3_000);
    const backAt = await blackout(false);
    await stage.untilState("ATTACHED", 3_000);
    await elapse(1_000);
    const seen = await stage.flowReport(backAt, await stage.nowUs());
    const timeMs = seen.gapOverMs ?? Number.POSITIVE_INFINITY;
    ledger.must(timeMs <= 300, `${timeMs} ms from the links' return to the first packet`);
    let story = ledger.told(
      stage.lacksSince(mark, [
        "TransportDead",
        "ATTACHED→VOLATILE",
        "VOLATILE→DEGRADED",
        "DEGRADED→RECOVERING candidate_available",
        "RECOVERING→ATTACHED reattach_validated",
      ]),
      "shorter than the TTL",
    );
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const before = await stage.captured();
    let identity = ledger.must(
      before.handshakes === 1 && before.connections === 1 && (await stage.session())?.id === stage.sessionId,
      `shorter than the TTL: ${before.handshakes} handshakes, ${before.connections} connections`,
    );

    mark = stage.mark();
    await blackout(true);
    await stage.untilState("TERMINATED", TTL_MS + 6_000);
    story =
      ledger.told(
        stage.lacksSince(mark, ["VOLATILE→DEGRADED", "SessionTerminated transport_lost_ttl_exceeded"]),
        "longer than the TTL",
      ) && story;
    await blackout(false);
    const next = await stage.nextSession(15_000);
    identity =
      ledger.must(next.predecessor === stage.sessionId, `the new session's predecessor is ${next.predecessor}`) && identity;
    story = ledger.told(stage.chainBroken(), "chain of versions") && story;
    return { bytes, timeMs, identity, story, problems: ledger.problems };
  },
};
