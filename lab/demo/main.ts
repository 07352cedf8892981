/**
 * Shows the product in a minute: one session carries a TCP transfer and two 1 kHz flows while its links fail.
 *
 *   client ═ eth0  (20 ms) ═ gateway ── server
 *          ═ wlan0 (20 ms) ═
 */
import { isGap } from "#sdk/index";
import { policy, REALTIME } from "../cases/case.ts";
import { namespacesWith } from "../ip.ts";
import { type Scope, withScope } from "../scope.ts";
import { PREFIX, type Setting, Stage } from "../stage.ts";
import { blackout, type Jump, linkDown, operatorSwitch, silentDeath } from "./faults.ts";
import { Screen } from "./screen.ts";

const TRANSFER_BYTES = 240_000_000;

const SETTING: Setting = {
  uplinks: ["eth0", "wlan0"],
  rttMs: 20,
  policy: policy(REALTIME),
  transferBytes: TRANSFER_BYTES,
  transferMbit: 64,
  flowSeconds: 180,
};

interface Verdict {
  readonly session: string;
  readonly identityUnchanged: boolean;
  readonly handshakes: number;
  readonly tcpConnections: number;
  readonly bytes: number;
  readonly sha256Match: boolean;
  readonly jumps: readonly Jump[];
  readonly clear: number;
}

async function perform(scope: Scope, screen: Screen): Promise<Verdict> {
  screen.say("creating a client with two links (20 ms each), a gateway, and a server behind it");
  const stage = await Stage.open(scope, "demo", SETTING);
  screen.say(`${screen.paint("green", "● ATTACHED")}  session ${stage.sessionId} on ${await stage.activePath()}`);
  const watching = new AbortController();
  scope.defer("watching the record", () => watching.abort());
  const watched = watch(stage, screen, watching.signal);
  await stage.startTraffic();
  screen.say(`one TCP transfer of ${TRANSFER_BYTES / 1e6} MB and a 1 kHz flow in each direction are running`);

  const jumps = [
    await linkDown(stage, screen),
    await silentDeath(stage, screen),
    await operatorSwitch(stage, screen),
    await blackout(stage, screen),
  ];

  screen.say("waiting for the transfer to end");
  const { bytes: delivered, match } = await stage.transfer.finish(120_000);
  const seen = await stage.captured();
  const session = await stage.session();
  watching.abort();
  await watched;
  return {
    session: stage.sessionId,
    identityUnchanged: session?.id === stage.sessionId && session.state === "ATTACHED",
    handshakes: seen.handshakes,
    tcpConnections: seen.connections,
    bytes: delivered,
    sha256Match: match,
    jumps,
    clear: seen.clear,
  };
}

/** Shows the client's events when they arrive. */
async function watch(stage: Stage, screen: Screen, signal: AbortSignal): Promise<void> {
  for await (const item of stage.client.sdk.events({ since: stage.mark(), signal })) {
    if (isGap(item)) screen.say(`(${item.count} records were not shown)`);
    else screen.event(item);
  }
}

function isWithinLimits({ gapMs, lost, limit }: Jump): boolean {
  return gapMs <= (limit.gapMs ?? Number.POSITIVE_INFINITY) && (lost ?? 0) <= (limit.lost ?? Number.POSITIVE_INFINITY);
}

function problemsOf(verdict: Verdict, leftovers: readonly string[]): string[] {
  const problems = verdict.jumps
    .filter((jump) => !isWithinLimits(jump))
    .map((jump) => `${jump.cause}: ${jump.gapMs} ms, ${jump.lost ?? 0} lost`);
  const must = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  must(verdict.identityUnchanged, "the session's identity changed");
  must(verdict.handshakes === 1, `${verdict.handshakes} handshakes were captured`);
  must(verdict.tcpConnections === 1, `${verdict.tcpConnections} TCP connections were captured`);
  must(verdict.sha256Match && verdict.bytes === TRANSFER_BYTES, `the transfer differs: ${verdict.bytes} bytes`);
  must(verdict.clear === 0, `${verdict.clear} unencrypted packets left a link`);
  return [...problems, ...leftovers.map((leftover) => `left behind: ${leftover}`)];
}

async function main(): Promise<number> {
  const json = process.argv.includes("--json");
  const screen = new Screen(json);
  const { value: verdict, leftovers } = await withScope((scope) => perform(scope, screen));
  const left = [...leftovers, ...(await namespacesWith(PREFIX))];
  const problems = problemsOf(verdict, left);
  const ok = problems.length === 0;
  screen.plain("");
  screen.plain(
    `  one session   ${verdict.session}, identity ${verdict.identityUnchanged ? "unchanged" : "CHANGED"}, ${verdict.handshakes} handshake on the wire`,
  );
  screen.plain(
    `  one transfer  ${verdict.bytes / 1e6} MB over ${verdict.tcpConnections} TCP connection, ${verdict.sha256Match ? "every byte as sent" : "DIFFERENT"}`,
  );
  for (const jump of verdict.jumps)
    screen.plain(
      `  ${jump.cause.padEnd(13)} ${`${jump.gapMs} ms`.padEnd(10)} ${jump.lost === undefined ? "" : `${jump.lost} lost  `}${jump.reason}`,
    );
  for (const problem of problems) screen.plain(`  ${screen.paint("red", "wrong:")} ${problem}`);
  screen.plain(
    ok ? screen.paint("green", "  ● the session survived all link failures") : screen.paint("red", "  ● the demo failed"),
  );
  if (json) {
    const jumps = verdict.jumps.map(({ limit, ...jump }) => jump);
    process.stdout.write(
      `${JSON.stringify({ schema: "jumping-vpn/demo/v1", ok, ...verdict, jumps, leftovers: left.length, problems })}\n`,
    );
  }
  return ok ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`the demo could not be played: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
