/**
 *   client ── eth0, wlan0 ── router, which belongs to the attacker ── gateway
 *
 *  time ─►  the router holds back the answers to challenges on wlan0 │ it lets   │ the client    │ all that was seen is
 *           and gives the path ten new ports meanwhile               │ them pass │ starts again  │ sent again, to both
 *                                                                    │           │ under old INITs│ ends
 */
import { join } from "node:path";
import { inject } from "../attack.ts";
import { Capture } from "../measure.ts";
import { holdBack, masquerade, type Ports, rebindOnly, release } from "../router.ts";
import { elapse, type Stage, until } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

const PORTS: Ports = "20000-20999";
const STANDBY = { address: "10.2.0.2", uplink: "up1" } as const;
const REBINDINGS = 10;
/** Long enough for the standby to be probed from each port. */
const REBINDING_MS = 2_500;
/** Bytes of a sealed PATH_RESPONSE: DATA's header, the frame, the tag. */
const PATH_RESPONSE_BYTES = 16 + 23 + 16;
/** More than the handshakes of one key that may wait at the gateway. */
const RESTARTS = 10;
const OLD_INITS_PER_SECOND = 100;
const OLD_INITS_SECONDS = 15;
/** From the start of the client until it is ATTACHED, beside the flood of old INITs. */
const BACK_MS_MAX = 10_000;
/** Reasons and kinds that would blame an end. */
const BLAME = /security_failure|echo_never_issued/;

export const ATTACKS_REPLAY: Case = {
  id: "attacks-replay",
  title: "whoever only holds back, readdresses and repeats honest messages ends nothing and keeps nobody out",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 40,
    policy: policy(REALTIME),
    transferBytes: 2_000_000,
    transferMbit: 40,
    flowSeconds: 120,
    nat: (router) => masquerade(router, PORTS),
  },
  needs: [
    { command: "nft", package: "nftables" },
    { command: "conntrack", package: "conntrack" },
  ],
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const bytes = ledger.must((await stage.transfer.finish(30_000)).match, "the transfer differs");
    const { access: router, client } = stage.topology;

    let seen = await record(stage, "held");
    await holdBack(router, STANDBY.uplink, PATH_RESPONSE_BYTES);
    for (let turn = 0; turn < REBINDINGS; turn += 1) {
      await rebindOnly(router, STANDBY.address, `${30_000 + 1_000 * turn}-${30_999 + 1_000 * turn}`, PORTS);
      await elapse(REBINDING_MS);
    }
    await release(router);
    await seen.capture.stop();
    const held = { recording: seen.file, toward: "gateway", alter: null, count: 200, perSecond: 100 } as const;
    await inject(stage.scope, client, { ...held, length: PATH_RESPONSE_BYTES });
    await elapse(2_000);
    const survivor = await stage.session();
    let story = [
      ledger.must(survivor?.id === stage.sessionId && survivor.state === "ATTACHED", `the session is ${survivor?.state}`),
      unblamed(stage, ledger, "held-back answers"),
    ].every(Boolean);

    seen = await record(stage, "inits");
    for (let turn = 0; turn < RESTARTS; turn += 1) await restart(stage);
    await seen.capture.stop();
    await stage.client.kill();
    const old = { recording: seen.file, toward: "gateway", alter: "source", types: ["01"] } as const;
    const flood = inject(stage.scope, router, {
      ...old,
      count: OLD_INITS_PER_SECOND * OLD_INITS_SECONDS,
      perSecond: OLD_INITS_PER_SECOND,
    });
    await elapse(2_000);
    const began = performance.now();
    await stage.restartClient();
    await attached(stage, BACK_MS_MAX);
    const backMs = Math.round(performance.now() - began);
    await flood;

    seen = await record(stage, "all");
    await elapse(3_000);
    await seen.capture.stop();
    const before = await stage.session();
    const again = { recording: seen.file, alter: null, count: 20_000, perSecond: 4_000 } as const;
    await Promise.all([
      inject(stage.scope, client, { ...again, toward: "gateway" }),
      inject(stage.scope, router, { ...again, toward: "client", backward: true }),
    ]);
    const after = await stage.session();
    story = [
      story,
      ledger.must(
        after?.state === "ATTACHED" && after.version === before?.version,
        `${before?.version} became ${after?.version}`,
      ),
      unblamed(stage, ledger, "old INITs and replays"),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    const identity = ledger.must(after?.id === before?.id, `the session is ${after?.id}, but it was ${before?.id}`);
    return { bytes, timeMs: backMs, identity, story, problems: ledger.problems };
  },
};

async function record(stage: Stage, name: string): Promise<{ readonly capture: Capture; readonly file: string }> {
  const file = join(stage.plan.folder, `${name}.pcap`);
  return { capture: await Capture.start(stage.scope, stage.topology.client, ["eth0", "wlan0"], [], file), file };
}

async function restart(stage: Stage): Promise<void> {
  await stage.client.kill();
  await stage.restartClient();
  await attached(stage, 20_000);
}

function attached(stage: Stage, limitMs: number): Promise<true> {
  return until("the client is ATTACHED", limitMs, async () => ((await stage.session())?.state === "ATTACHED" ? true : undefined));
}

/** Neither end has blamed the other. */
function unblamed(stage: Stage, ledger: Ledger, after: string): boolean {
  const blames = [stage.gateway, stage.client]
    .flatMap((node) => node.events())
    .filter((event) => BLAME.test(JSON.stringify(event)));
  return ledger.must(blames.length === 0, `after ${after}: ${JSON.stringify(blames[0])}`);
}
