/**
 *  time ─►  ATTACHED under load │ 60,000 recorded datagrams are sent again, both directions, │ the session
 *                               │ as fast as the link allows                                 │ is unchanged
 */
import { inject } from "../attack.ts";
import { elapse } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

const COUNT = 60_000;
const PER_SECOND = 10_000;

export const REPLAY_FLOOD: Case = {
  id: "iso-replay",
  title: "isolation: a flood of replays harms no session",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(REALTIME),
    transferBytes: 15_000_000,
    transferMbit: 10,
    flowSeconds: 60,
    record: true,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    await elapse(2_000);
    const counted = await stage.captured();
    const recording = await stage.recording();
    const mark = stage.mark();
    const before = await stage.session();
    const beganAt = await stage.nowUs();
    const flood = { recording, alter: null, count: COUNT, perSecond: PER_SECOND } as const;
    await Promise.all([
      inject(stage.scope, stage.topology.client, { ...flood, toward: "gateway" }),
      inject(stage.scope, stage.topology.gateway, { ...flood, toward: "client" }),
    ]);
    const seen = await stage.flowReport(beganAt, await stage.nowUs());
    const after = await stage.session();
    const story = [
      ledger.must(after?.version === before?.version, `version ${before?.version} became ${after?.version}`),
      ledger.must(!stage.eventsSince(mark).some(({ type }) => type === "TransportDead"), "a flooded path died"),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    ledger.must(seen.gapMs <= 300, `under the flood: a gap of ${seen.gapMs} ms`);
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const identity = [
      ledger.must(after?.id === stage.sessionId, `the session is ${after?.id}`),
      ledger.must(counted.handshakes === 1 && counted.connections === 1, `${counted.handshakes} handshakes`),
      ledger.must(counted.clear === 0, `${counted.clear} unencrypted packets left an uplink`),
    ].every(Boolean);
    return { bytes, timeMs: seen.gapMs, identity, story, problems: ledger.problems };
  },
};
