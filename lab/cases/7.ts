/**
 *  time ─►  on eth0 │ switch to wlan0: │ at once to eth0:  │ the same, from    │ more than 2 of 4: │ to wwan0, which is
 *                   │ done             │ denied (cooldown) │ the gateway       │ denied (budget)   │ never used: denied
 */
import type { CliAnswer } from "../nodes.ts";
import { elapse, type Stage, until } from "../stage.ts";
import { type Case, Ledger, policy, REALTIME, survived } from "./case.ts";

const COOLDOWN_MS = 8_000;
/** Exit code from docs/reference/exit-codes.md. */
const DENIED = 7;

export const DENIED_SWITCHES: Case = {
  id: "7",
  title: "the operator requests switches during the cooldown, over the budget, against the policy",
  setting: {
    uplinks: ["eth0", "wlan0", "wwan0"],
    rttMs: 20,
    policy: policy(`[switch]\ncooldown = "${COOLDOWN_MS}ms"\nmax_per_min = 4\n${REALTIME}`),
    transferBytes: 30_000_000,
    transferMbit: 8,
    flowSeconds: 60,
    never: ["wwan0"],
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const beganAt = await stage.nowUs();
    const move = (to: string): Promise<CliAnswer> => stage.client.cli("switch", stage.sessionId, "--to", to, "--json");
    const denied = (what: string, answer: CliAnswer, reason: string): boolean =>
      ledger.must(
        answer.code === DENIED && `${answer.stdout}${answer.stderr}`.includes(reason),
        `${what}: exit code ${answer.code}, ${answer.stdout}${answer.stderr}`,
      );
    const mark = stage.mark();

    await moved(stage, "wlan0/udp4");
    let story = denied("during the cooldown", await move("eth0/udp4"), "cooldown_active");
    const eth0 = (await stage.session())?.paths.find((path) => path.label === "eth0/udp4")?.id;
    const asked = await stage.gateway.cli("switch", stage.sessionId, "--to", String(eth0), "--json");
    story = denied("asked by the gateway during the cooldown", asked, "cooldown_active") && story;
    await elapse(COOLDOWN_MS + 100);
    await moved(stage, "eth0/udp4");
    await elapse(COOLDOWN_MS + 100);
    story = denied("over the budget", await move("wlan0/udp4"), "switch_rate_limited") && story;
    story = denied("against the policy", await move("wwan0/udp4"), "policy_denied") && story;

    story =
      ledger.told(
        stage.lacksSince(mark, [
          "TransportSwitch",
          "TransportSwitchDenied cooldown_active",
          "TransportSwitchDenied cooldown_active",
          "TransportSwitch",
          "TransportSwitchDenied switch_rate_limited",
        ]),
        "denials",
      ) && story;
    story = ledger.must((await stage.activePath()) === "eth0/udp4", "a denial moved the session") && story;
    const whole = await stage.flowReport(beganAt, await stage.nowUs());
    ledger.must(whole.lost === 0, `${whole.lost} packets were lost in requested switches`);
    return survived(stage, ledger, whole.gapMs, story);
  },
};

/** Repeats the command until the switch is done: on a busy machine an attempt can be given up, without a switch. */
async function moved(stage: Stage, label: string): Promise<void> {
  await until(`the session is ATTACHED on ${label}`, 30_000, async () => {
    const session = await stage.session();
    const active = session?.paths.find(({ role }) => role === "active")?.label;
    if (session?.state === "ATTACHED" && active === label) return true;
    if (session?.state === "ATTACHED") await stage.client.cli("switch", stage.sessionId, "--to", label);
    return undefined;
  });
}
