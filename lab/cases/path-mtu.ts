/**
 *  Largest packet that passes, in both directions, bytes. Longer packets are dropped silently.
 *
 *  eth0   1400 from the start ─│ 1300 during the transfer │ ──────────────────── │ down       │ down
 *  wlan0  unplugged ───────────│ ──────────────────────── │ 1400, later 1290     │ takes over │ 1200: below the
 *                              │                          │ (as a standby)       │            │ minimum of IPv6
 */
import type { Netns } from "../ip.ts";
import { Flow } from "../measure.ts";
import { CLIENT_INNER_V4, CLIENT_INNER_V6 } from "../nodes.ts";
import { elapse, type Stage, until } from "../stage.ts";
import { SERVER_V4, SERVER_V6 } from "../topology.ts";
import { type Case, Ledger, policy, survived } from "./case.ts";

/** The search ends when the sizes that pass and that do not pass are this close, bytes. */
const STEP = 8;
/** Longest permitted stall of the transfer. */
const STALL_MS_MAX = 5_000;
/** Longest permitted gap in small packets. Only the jump affects them; case 1.1 has the exact limit for it. */
const GAP_MS_MAX = 2_000;
/** More than was in flight when the black hole began. */
const MOVING_BYTES = 500_000;
/** Longer than the paths carry from the start, but within the tunnel's MTU. */
const LONG = { size: 1_340, rate: 100 } as const;

export const PATH_MTU: Case = {
  id: "path-mtu",
  title: "long packets are dropped: from the start, during a transfer, after a jump, below 1280",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    mtu: 1_400,
    policy: policy(`[volatile]\nliveness = "normal"\n`),
    transferBytes: 80_000_000,
    transferMbit: 20,
    flowSeconds: 90,
  },
  async play(stage) {
    const ledger = new Ledger();
    const [eth0, wlan0] = [stage.uplink("eth0"), stage.uplink("wlan0")];
    await wlan0.unplug();
    await stage.startTraffic();
    const beganAt = await stage.nowUs();
    const long = await longFlows(stage);
    await untilMtu(stage, "eth0", 1_400);
    await arriving(stage, ledger, long, "a hole at 1400");

    const mark = stage.mark();
    await eth0.impair("both", { mtu: 1_300 });
    await moves(stage, ledger, "a hole at 1300 in the middle of a transfer");
    await untilMtu(stage, "eth0", 1_300);
    await arriving(stage, ledger, long, "a hole at 1300");

    await wlan0.plug();
    await stage.untilWarm("wlan0", 10_000);
    await untilMtu(stage, "wlan0", 1_400);
    await wlan0.impair("both", { mtu: 1_290 });
    await eth0.unplug();
    await stage.untilOn("wlan0", 5_000);
    await moves(stage, ledger, "a jump to a path that became smaller");
    await untilMtu(stage, "wlan0", 1_290);

    await wlan0.impair("both", { mtu: 1_200 });
    await moves(stage, ledger, "a path below 1280");
    await untilMtu(stage, "wlan0", 1_200);
    await arriving(stage, ledger, long, "a path below 1280");

    const device = await stage.topology.client.ip("addr show dev jvpn0");
    ledger.must(Number(/mtu (\d+)/.exec(device)?.[1]) >= 1_280, `the tunnel's device: ${device}`);
    ledger.must(device.includes(CLIENT_INNER_V6), "the tunnel's device lost its IPv6 address");
    const seen = await stage.flowReport(beganAt, await stage.nowUs());
    ledger.must(seen.gapMs <= GAP_MS_MAX, `a gap of ${seen.gapMs} ms in small packets`);
    const holes = stage.eventsSince(mark).filter(({ type, numbers }) => type === "PathMtu" && numbers?.blackHole === true);
    const story = ledger.must(holes.length > 0, "the client's record has no black hole");
    return survived(stage, ledger, seen.gapMs, story, { finishMs: 90_000 });
  },
};

/** Long datagrams in both directions and families, because each end measures the size for its own direction. */
async function longFlows(stage: Stage): Promise<ReadonlyMap<string, Flow>> {
  const { client, server } = stage.topology;
  const flow = (from: Netns, to: Netns, address: string, port: number): Promise<Flow> =>
    Flow.start(stage.scope, from, to, address, port, 80, LONG);
  return new Map([
    ["to the client over IPv4", await flow(server, client, CLIENT_INNER_V4, 7_003)],
    ["to the client over IPv6", await flow(server, client, CLIENT_INNER_V6, 7_004)],
    ["to the server over IPv4", await flow(client, server, SERVER_V4, 7_005)],
    ["to the server over IPv6", await flow(client, server, SERVER_V6, 7_006)],
  ]);
}

/** Waits until both ends have found the largest packet that the path carries from them. */
async function untilMtu(stage: Stage, name: string, size: number): Promise<void> {
  const found = (mtu: number | null): boolean => mtu !== null && mtu <= size && size - mtu < STEP;
  await until(`both ends know that ${name} carries ${size} bytes`, 15_000, async () => {
    const own = (await stage.session())?.paths.find(({ label }) => label.startsWith(`${name}/`));
    const { sessions } = (await stage.gateway.sdk.status()).view;
    const theirs = sessions.flatMap(({ paths }) => paths).find(({ id }) => id === own?.id);
    return own !== undefined && theirs !== undefined && found(own.mtu) && found(theirs.mtu) ? true : undefined;
  });
}

/** Checks that the transfer continues, and how long it stalled. */
async function moves(stage: Stage, ledger: Ledger, chapter: string): Promise<void> {
  const from = await stage.transfer.progress();
  const began = performance.now();
  await until(`${chapter}: the transfer continues`, 30_000, async () =>
    (await stage.transfer.progress()) > from + MOVING_BYTES ? true : undefined,
  );
  const stallMs = performance.now() - began;
  ledger.must(stallMs <= STALL_MS_MAX, `${chapter}: the transfer stalled for ${Math.round(stallMs)} ms`);
}

/** Checks that hardly any long datagram of the next second is lost. */
async function arriving(stage: Stage, ledger: Ledger, flows: ReadonlyMap<string, Flow>, chapter: string): Promise<void> {
  const from = await stage.nowUs();
  await elapse(1_000);
  const to = await stage.nowUs();
  for (const [where, flow] of flows) {
    const { received, lost } = await flow.report(from, to);
    ledger.must(
      received >= LONG.rate / 2 && lost <= LONG.rate / 10,
      `${chapter}: ${received} long datagrams arrived ${where}, ${lost} did not`,
    );
  }
}
