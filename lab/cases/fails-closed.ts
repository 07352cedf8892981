/**
 *  time ─►  everything goes through the tunnel │ the client is killed │ it is back │ its session is terminated, …
 *                                              │ nothing leaves beside│            │ nothing leaves beside
 *           … │ stopped by SIGTERM, ended by its TTL: the same │ `jvpn down`: all traffic leaves beside the tunnel
 */
import { join } from "node:path";
import { command } from "../ip.ts";
import { Capture, Flow } from "../measure.ts";
import { CLI } from "../paths.ts";
import { elapse, type Stage, until } from "../stage.ts";
import { SERVER_V4, SERVER_V6 } from "../topology.ts";
import { type Case, Ledger, policy, REALTIME } from "./case.ts";

const TTL_MS = 4_000;
/** How long each gap is watched, ms. */
const WATCH_MS = 1_500;
const ALL: readonly string[] = ["0.0.0.0/0", "::/0"];
const FLOW = { size: 200, rate: 200 } as const;

export const FAILS_CLOSED: Case = {
  id: "fails-closed",
  title: "what was in the tunnel never leaves beside it, until the operator says so",
  setting: {
    uplinks: ["eth0"],
    rttMs: 10,
    policy: policy(`[session]\ntransport_lost_ttl = "${TTL_MS}ms"\n${REALTIME}`),
    transferBytes: 2_000_000,
    transferMbit: 40,
    flowSeconds: 5,
    routes: ALL,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const bytes = ledger.must((await stage.transfer.finish(30_000)).match, "the transfer differs");
    const { client, server } = stage.topology;
    // As most distributions have it. An answer of the gateway needs a way back, also while the tunnel is closed.
    await client.sysctl({ "net.ipv4.conf.all.rp_filter": "2" });
    // Whatever happens to the tunnel, programs go on sending.
    await Flow.start(stage.scope, client, server, SERVER_V4, 7_011, 120, FLOW);
    await Flow.start(stage.scope, client, server, SERVER_V6, 7_012, 120, FLOW);
    const beside = await Capture.start(stage.scope, client, ["eth0"], ["10.90.0.0/24", "10.80.0.0/16", "fd90::/64", "fd80::/64"]);
    const closed = async (after: string): Promise<boolean> => {
      await elapse(WATCH_MS);
      const { clear } = await beside.report();
      return ledger.must(clear === 0, `after ${after}: ${clear} packets left beside the tunnel`);
    };
    const shown = async (after: string): Promise<boolean> => {
      const { closed: networks } = (await stage.client.sdk.status()).tunnel;
      return ledger.must(`${networks}` === `${ALL}`, `after ${after}: status says that ${networks} is held back`);
    };

    const story: boolean[] = [];
    await stage.client.kill();
    story.push(await closed("the death of the client"));
    await stage.restartClient();
    const { id } = await attached(stage);
    story.push(ledger.must((await stage.client.sdk.status()).tunnel.closed.length === 0, "the tunnel is up and closed"));

    await stage.client.sdk.terminate(id, "lab");
    story.push(await closed("its termination"), await shown("its termination"));
    await stage.client.stop("SIGTERM");
    story.push(await closed("SIGTERM"));
    await stage.restartClient();
    await attached(stage);

    await stage.uplink("eth0").impair("both", { blackhole: true });
    await until("the session has ended", TTL_MS + 8_000, async () =>
      (await stage.session())?.state === "TERMINATED" ? true : undefined,
    );
    story.push(await closed("its TTL"), await shown("its TTL"));
    await stage.uplink("eth0").impair("both", { blackhole: false });
    await attached(stage);

    await stage.client.kill();
    const folder = join(stage.plan.folder, "client");
    const places = ["--config", join(folder, "client.toml"), "--state", join(folder, "state")];
    // It changes the machine, so it runs where the client ran.
    const down = client.inside(process.execPath, [CLI, "down", ...places]);
    const said = await command(down.file, down.args);
    story.push(ledger.must(said.includes(ALL.join(", ")), `down: ${said}`));
    await elapse(WATCH_MS);
    const { clear } = await beside.report();
    story.push(ledger.must(clear > 100, `after \`down\`: only ${clear} packets left beside the tunnel`));
    const left = await leftBehind(stage);
    story.push(ledger.must(left === "", `left behind: ${left}`));
    return { bytes, timeMs: 0, identity: true, story: story.every(Boolean), problems: ledger.problems };
  },
};

function attached(stage: Stage): Promise<{ readonly id: string }> {
  return until("a session is ATTACHED and its tunnel is set up", 20_000, async () => {
    const { tunnel } = await stage.client.sdk.status();
    const session = await stage.session();
    return session?.state === "ATTACHED" && tunnel.state === "configured" ? session : undefined;
  });
}

/** Rules and routes of the tunnel that are still there. */
async function leftBehind({ topology: { client } }: Stage): Promise<string> {
  const lists = ["-4 rule", "-6 rule", "-4 route show table all", "-6 route show table all"].map((words) => client.ip(words));
  const lines = (await Promise.all(lists)).join("\n").split("\n");
  return lines.filter((line) => /4774|1477|unreachable/.test(line)).join("; ");
}
