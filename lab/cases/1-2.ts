/**
 *  time ─►  eth0 active │ down for 2 s │ back: same session │ down longer than TRANSPORT_LOST_TTL: │ back: new session
 *                       │              │                    │ the session ends with a reason       │
 */
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

const TTL_MS = 5_000;

export const SINGLE_DEATH_WITHOUT_BACKUP: Case = {
  id: "1.2",
  title: "single transport death, no backup: back within the TTL, and beyond it",
  setting: {
    uplinks: ["eth0"],
    rttMs: 20,
    policy: policy(`[session]\ntransport_lost_ttl = "${TTL_MS}ms"\n${REALTIME}`),
    transferBytes: 15_000_000,
    transferMbit: 40,
    flowSeconds: 60,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const eth0 = stage.uplink("eth0");

    let mark = stage.mark();
    await eth0.unplug();
    await stage.untilState("DEGRADED", 3_000);
    await elapse(2_000);
    const backAt = await eth0.plug();
    await stage.untilOn("eth0", 3_000);
    await elapse(1_000);
    const within = await stage.flowReport(backAt, await stage.nowUs());
    const timeMs = within.gapOverMs ?? Number.POSITIVE_INFINITY;
    ledger.must(timeMs <= 300, `within the TTL: ${timeMs} ms from the link's return to the first packet`);
    let story = ledger.told(
      stage.lacksSince(mark, [
        "TransportDead",
        "ATTACHED→VOLATILE transport_dead",
        "VOLATILE→DEGRADED no_candidate",
        "DEGRADED→RECOVERING candidate_available",
        "RECOVERING→ATTACHED reattach_validated",
      ]),
      "within the TTL",
    );
    const { bytes: delivered, match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, `the transfer differs: ${delivered} bytes`);
    const before = await stage.captured();
    let identity = ledger.must(
      before.handshakes === 1 && before.connections === 1 && (await stage.session())?.id === stage.sessionId,
      `within the TTL: ${before.handshakes} handshakes, ${before.connections} connections`,
    );

    mark = stage.mark();
    await eth0.unplug();
    await stage.untilState("TERMINATED", TTL_MS + 3_000);
    story =
      ledger.told(
        stage.lacksSince(mark, [
          "TransportDead",
          "ATTACHED→VOLATILE",
          "VOLATILE→DEGRADED",
          "DEGRADED→TERMINATED transport_lost_ttl_exceeded",
          "SessionTerminated transport_lost_ttl_exceeded",
        ]),
        "beyond the TTL",
      ) && story;
    await eth0.plug();
    const next = await stage.nextSession(10_000);
    identity =
      ledger.must(next.predecessor === stage.sessionId, `the new session's predecessor is ${next.predecessor}`) && identity;
    story = ledger.told(stage.chainBroken(), "chain of versions") && story;
    return { bytes, timeMs, identity, story, problems: ledger.problems };
  },
};
