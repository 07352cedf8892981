/**
 *  time ─►  eth0 → wlan0 → eth0 → wlan0 → …   a thousand jumps, ten a second, each requested after the last is done
 *           TCP transfer ══════════════════════════════════════════════════════════════════ every byte, once
 *           remote shell ─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─·─· every line answered
 */
import { ControlError } from "#sdk/index";
import { OPENSSH, RemoteShell } from "../remote-shell.ts";
import { elapse, type Stage, until } from "../stage.ts";
import { type Case, Ledger, survived } from "./case.ts";

const JUMPS = 1_000;
const TRANSFER_BYTES = 400_000_000;
/** Preset `bench` allows 600 switches a minute. */
const PAUSE_MS = 110;
const SHOWN_EACH = 100;

export const THOUSAND_JUMPS: Case = {
  id: "soak-jumps",
  title: "a thousand jumps in a row under a transfer and a remote shell",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: 20,
    policy: `schema = "jumping-vpn/policy/v1"\nname = "lab"\npreset = "bench"\n`,
    transferBytes: TRANSFER_BYTES,
    transferMbit: 10,
    flowSeconds: 600,
  },
  needs: OPENSSH,
  alone: "it takes minutes: npm run lab -- run soak-jumps",
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const { server, client } = stage.topology;
    const shell = await RemoteShell.start(stage.scope, server, client, stage.server, stage.plan.folder);
    const mark = stage.mark();
    const beganAt = await stage.nowUs();
    for (let jump = 1; jump <= JUMPS; jump++) {
      const due = performance.now() + PAUSE_MS;
      await jumpTo(stage, jump % 2 === 1 ? "wlan0/udp4" : "eth0/udp4");
      if (jump % SHOWN_EACH === 0) process.stderr.write(`  ${jump} of ${JUMPS} jumps\n`);
      await elapse(Math.max(0, due - performance.now()));
    }
    const { lines, longestMs, fault } = shell.report();
    const arrived = await stage.transfer.progress();
    if (arrived >= TRANSFER_BYTES) throw new Error("the transfer ended before the last jump, so that the test is void");
    const whole = await stage.flowReport(beganAt, await stage.nowUs());
    process.stderr.write(`  ${lines} lines, slowest echo ${Math.round(longestMs)} ms; ${whole.lost} packets lost\n`);
    ledger.must(fault === null, `the remote shell: ${fault}`);
    ledger.must(whole.lost === 0, `${whole.lost} packets were lost in requested jumps`);
    const switches = stage.eventsSince(mark).filter(({ type }) => type === "TransportSwitch").length;
    const story = ledger.must(switches === JUMPS, `the record has ${switches} switches, not ${JUMPS}`);
    return survived(stage, ledger, whole.gapMs, story, { finishMs: 300_000, connections: 2 });
  },
};

/** Requests the jump again if an attempt was given up: on a busy machine an answer can be late. Only time is lost. */
async function jumpTo(stage: Stage, label: string): Promise<void> {
  await until(`the session is ATTACHED on ${label}`, 20_000, async () => {
    const session = await stage.session();
    const active = session?.paths.find(({ role }) => role === "active")?.label;
    if (session?.state === "ATTACHED" && active === label) return true;
    if (session?.state === "ATTACHED") await stage.client.sdk.switch(stage.sessionId, label).catch(deniedOnly);
    return undefined;
  });
}

/** Ignores a denial (a limit, or another attempt runs): the next request repeats it. Throws any other error. */
function deniedOnly(error: unknown): void {
  if (!(error instanceof ControlError)) throw error;
}
