/**
 *  time ─►  ATTACHED under load │ replays, forged proofs, replayed handshakes, │ the operator     │ all replayed again:
 *                               │ both directions: nothing changes             │ ends the session │ no session starts
 *
 *  The attacker has all packets that passed the uplinks. It sends with the true source addresses and has no key.
 */
import { inject } from "../attack.ts";
import { elapse, type Stage } from "../stage.ts";
import { type Case, type Findings, Ledger, policy, REALTIME } from "./case.ts";

const PER_SECOND = 2_000;
const COUNT = 4_000;

const ATTACKS = [
  { name: "replays", alter: null, backward: false },
  { name: "replays, backwards", alter: null, backward: true },
  { name: "a bit flipped", alter: "bit", backward: false },
  { name: "another body", alter: "body", backward: false },
  { name: "a counter far ahead", alter: "counter", backward: false },
] as const;

export const WRONG_PROOFS: Case = {
  id: "4",
  title: "wrong proofs, replays and an expired session",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: policy(REALTIME),
    transferBytes: 10_000_000,
    transferMbit: 4,
    flowSeconds: 60,
    record: true,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    await elapse(1_000);
    const counted = await stage.captured();
    const recording = await stage.recording();
    const before = await stage.session();
    const mark = stage.mark();
    const gatewayMark = stage.gateway.events().at(-1)?.seq ?? 0;
    const beganAt = await stage.nowUs();
    for (const attack of ATTACKS) await fromBothSides(stage, recording, attack);
    const handshakes = { recording, toward: "gateway", alter: null, types: ["01"], count: 500, perSecond: 500 } as const;
    await inject(stage.scope, stage.topology.client, handshakes);
    const whole = await stage.flowReport(beganAt, await stage.nowUs());
    const after = await stage.session();

    const moved = [...stage.eventsSince(mark), ...stage.gateway.events().filter(({ seq }) => seq > gatewayMark)].filter(
      ({ type }) => type === "SessionStateChange" || type === "SessionCreated" || type === "TransportSwitch",
    );
    let story = [
      ledger.must(
        moved.length === 0,
        `the attacks had an effect: ${moved.map(({ type, reason }) => `${type} ${reason}`).join(", ")}`,
      ),
      ledger.must(after?.version === before?.version, `version ${before?.version} became ${after?.version}`),
      ledger.must(
        stage.gateway.events().some(({ seq, type }) => seq > gatewayMark && type === "SecurityEvent"),
        "the gateway's record has no SecurityEvent",
      ),
    ].every(Boolean);
    ledger.must(whole.gapMs <= 300, `under attack: a gap of ${whole.gapMs} ms`);
    const { match } = await stage.transfer.finish(60_000);
    const bytes = ledger.must(match, "the transfer differs");
    const identity = [
      ledger.must(after?.id === stage.sessionId, `the session is ${after?.id}`),
      ledger.must(
        counted.handshakes === 1 && counted.clear === 0,
        `${counted.handshakes} handshakes, ${counted.clear} unencrypted packets`,
      ),
    ].every(Boolean);
    story = (await staysDead(stage, recording, ledger)) && story;
    return { bytes, timeMs: whole.gapMs, identity, story, problems: ledger.problems } satisfies Findings;
  },
};

async function fromBothSides(
  stage: Stage,
  recording: string,
  { alter, backward }: Pick<(typeof ATTACKS)[number], "alter" | "backward">,
): Promise<void> {
  const common = { recording, alter, backward, count: COUNT, perSecond: PER_SECOND };
  await Promise.all([
    inject(stage.scope, stage.topology.client, { ...common, toward: "gateway" }),
    inject(stage.scope, stage.topology.gateway, { ...common, toward: "client" }),
  ]);
}

/** After a session's end, replaying its packets (with the handshake) must not create or revive a session. */
async function staysDead(stage: Stage, recording: string, ledger: Ledger): Promise<boolean> {
  await stage.client.sdk.terminate(stage.sessionId, "lab: case 4");
  await stage.untilState("TERMINATED", 3_000);
  const mark = stage.gateway.events().at(-1)?.seq ?? 0;
  await fromBothSides(stage, recording, { alter: null, backward: false });
  const reborn = stage.gateway
    .events()
    .filter(({ seq, type, to }) => seq > mark && type === "SessionStateChange" && to === "ATTACHED");
  const live = (await stage.gateway.sdk.status()).view.sessions.filter(({ state }) => state !== "TERMINATED");
  return [
    ledger.must(reborn.length === 0, `a replay made ${reborn.length} sessions ATTACHED`),
    ledger.must(live.length === 0, `the gateway still has ${live.length} sessions after the end`),
    ledger.told(stage.chainBroken(), "chain of versions"),
  ].every(Boolean);
}
