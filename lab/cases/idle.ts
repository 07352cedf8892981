/**
 *  time ─►  idle session │ the client is killed: the gateway │ a new client is idle │ its link goes silent: the
 *                        │ misses two keepalives             │                      │ client misses its answer
 */
import { elapse, type Stage, until } from "../stage.ts";
import { type Case, Ledger } from "./case.ts";

const KEEPALIVE_MS = 5_000;
/** Three probes, each unanswered for a PTO, over at least a second; and time for the verdict to be recorded. */
const ROUND_MS = 3_000;
const GATEWAY_MS_MAX = 2 * KEEPALIVE_MS + ROUND_MS;
const CLIENT_MS_MAX = KEEPALIVE_MS + ROUND_MS;

export const IDLE: Case = {
  id: "idle",
  title: "an idle session whose other end is gone does not stay ATTACHED, at both ends",
  setting: {
    uplinks: ["eth0"],
    rttMs: 20,
    policy: `schema = "jumping-vpn/policy/v1"\nname = "lab"\npreset = "standard"\nkeepalive = "${KEEPALIVE_MS}ms"\n`,
    transferBytes: 2_000_000,
    transferMbit: 40,
    flowSeconds: 5,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const { match } = await stage.transfer.finish(30_000);
    const bytes = ledger.must(match, "the transfer before idling differs");
    // Traffic ends, and several keepalives pass: what the status says of the last message must follow them.
    await elapse(4 * KEEPALIVE_MS);
    const heardMs = await worstHeard(stage);
    ledger.must(heardMs <= KEEPALIVE_MS + 1_000, `an idle session was last heard ${heardMs} ms ago`);
    const attached = (await stage.session())?.state === "ATTACHED";
    ledger.must(attached, "the idle session is not ATTACHED");

    let began = performance.now();
    await stage.client.kill();
    await until("the gateway has noticed", GATEWAY_MS_MAX + 2_000, async () => ((await atGateway(stage)) ? undefined : true));
    const gatewayMs = performance.now() - began;

    await stage.restartClient();
    const next = await stage.nextSession(15_000);
    await elapse(2 * KEEPALIVE_MS);
    began = performance.now();
    await stage.uplink("eth0").impair("both", { blackhole: true });
    await until("the client has noticed", CLIENT_MS_MAX + 2_000, async () =>
      (await stage.session())?.state === "ATTACHED" ? undefined : true,
    );
    const clientMs = performance.now() - began;
    await stage.uplink("eth0").impair("both", { blackhole: false });
    await until("the session is ATTACHED again", 10_000, async () =>
      (await stage.session())?.state === "ATTACHED" ? true : undefined,
    );

    const after = await stage.session();
    const identity = ledger.must(after?.id === next.id, `the session is ${after?.id}, but it was ${next.id}`);
    const gone = stage.gateway.events().find(({ type, session }) => type === "TransportDead" && session === stage.sessionId);
    const story = [
      ledger.must(gone?.reason === "silent_timeout", `the gateway's verdict is ${gone?.reason}`),
      ledger.must(gatewayMs <= GATEWAY_MS_MAX, `the gateway noticed after ${gatewayMs} ms, not ${GATEWAY_MS_MAX}`),
      ledger.must(clientMs <= CLIENT_MS_MAX, `the client noticed after ${clientMs} ms, not ${CLIENT_MS_MAX}`),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    return { bytes, timeMs: Math.round(Math.max(gatewayMs, clientMs)), identity, story, problems: ledger.problems };
  },
};

/** The larger of what both ends say about the time since they last heard of each other. */
async function worstHeard(stage: Stage): Promise<number> {
  const views = [stage.client, stage.gateway].map(async ({ sdk }) => (await sdk.status()).view.sessions);
  const heard = (await Promise.all(views)).flat().filter(({ id }) => id === stage.sessionId);
  return Math.max(...heard.map(({ heardMsAgo }) => heardMsAgo ?? Number.POSITIVE_INFINITY));
}

/** Whether the gateway calls the first session ATTACHED. */
async function atGateway(stage: Stage): Promise<boolean> {
  const { sessions } = (await stage.gateway.sdk.status()).view;
  return sessions.some(({ id, state }) => id === stage.sessionId && state === "ATTACHED");
}
