/** The faults of the demo. Each returns the gap that the 1 kHz flows saw. */
import { elapse, type Stage, until } from "../stage.ts";
import type { Screen } from "./screen.ts";

export interface Jump {
  readonly cause: "link_down" | "silent_death" | "operator" | "blackout";
  /** Largest gap in the worse direction, ms. For the blackout it is counted from the links' return. */
  readonly gapMs: number;
  /** Packets of both flows that never arrived. Only present for jumps that may lose none. */
  readonly lost?: number;
  /** The gap of the same fault in the downlink only, ms. */
  readonly downlinkOnlyGapMs?: number;
  readonly reason: string;
  readonly limit: { readonly gapMs?: number; readonly lost?: number };
}

const LINK_DOWN_MAX_MS = 100;
const SILENT_MAX_MS = 300;
const BLACKOUT_MAX_MS = 300;
const BLACKOUT_MS = 5_000;
/** Observation time after a jump, so that a late gap is measured too. */
const AFTERMATH_MS = 700;

export async function linkDown(stage: Stage, screen: Screen): Promise<Jump> {
  screen.say(screen.paint("bold", "✂ eth0 goes down"));
  const mark = stage.mark();
  const eth0 = stage.uplink("eth0");
  const at = await eth0.unplug();
  const { gapMs } = await jumped(stage, "wlan0", at);
  const reason = reasonSince(stage, mark, "TransportDead");
  screen.say(`  gap ${screen.paint("green", `${gapMs} ms`)}`);
  await eth0.plug();
  await stage.untilWarm("eth0", 12_000);
  return { cause: "link_down", gapMs, reason, limit: { gapMs: LINK_DOWN_MAX_MS } };
}

export async function silentDeath(stage: Stage, screen: Screen): Promise<Jump> {
  const mark = stage.mark();
  screen.say(screen.paint("bold", "✂ wlan0 drops all packets, silently"));
  const both = await swallow(stage, "wlan0", "eth0", "both");
  screen.say(`  gap ${screen.paint("green", `${both} ms`)}`);
  const reason = reasonSince(stage, mark, "TransportDead");
  screen.say(screen.paint("bold", "✂ eth0 drops the downlink only"));
  const downlink = await swallow(stage, "eth0", "wlan0", "down");
  screen.say(`  gap ${screen.paint("green", `${downlink} ms`)}`);
  return {
    cause: "silent_death",
    gapMs: Math.max(both, downlink),
    downlinkOnlyGapMs: downlink,
    reason,
    limit: { gapMs: SILENT_MAX_MS },
  };
}

async function swallow(stage: Stage, victim: string, heir: string, direction: "both" | "down"): Promise<number> {
  const at = await stage.uplink(victim).impair(direction, { blackhole: true });
  const { gapMs } = await jumped(stage, heir, at);
  await stage.uplink(victim).impair(direction, { blackhole: false });
  await stage.untilWarm(victim, 12_000);
  return gapMs;
}

export async function operatorSwitch(stage: Stage, screen: Screen): Promise<Jump> {
  screen.say(screen.paint("bold", "☞ the operator requests eth0"));
  await until("the cooldown is over", 5_000, async () =>
    (await stage.session())?.budget.nextSwitchInMs === 0 ? true : undefined,
  );
  const mark = stage.mark();
  const at = await stage.nowUs();
  await stage.client.sdk.switch(stage.sessionId, "eth0/udp4");
  const { gapMs, lost } = await jumped(stage, "eth0", at);
  screen.say(`  ${screen.paint("green", `${lost} packets lost`)}, gap ${gapMs} ms`);
  return { cause: "operator", gapMs, lost, reason: reasonSince(stage, mark, "SessionStateChange"), limit: { lost: 0 } };
}

export async function blackout(stage: Stage, screen: Screen): Promise<Jump> {
  screen.say(screen.paint("bold", `✂ both links drop all packets for ${BLACKOUT_MS / 1000} s`));
  const mark = stage.mark();
  const { uplinks } = stage.topology;
  const set = async (blackhole: boolean): Promise<number> =>
    Math.max(...(await Promise.all(uplinks.map((link) => link.impair("both", { blackhole })))));
  await set(true);
  await elapse(BLACKOUT_MS);
  const backAt = await set(false);
  screen.say("  both links are back");
  await stage.untilState("ATTACHED", 5_000);
  await elapse(AFTERMATH_MS);
  const seen = await stage.flowReport(backAt, await stage.nowUs());
  const gapMs = seen.gapOverMs ?? Number.POSITIVE_INFINITY;
  screen.say(`  traffic continues ${screen.paint("green", `${gapMs} ms`)} after the links' return`);
  return { cause: "blackout", gapMs, reason: reasonSince(stage, mark, "TransportDead"), limit: { gapMs: BLACKOUT_MAX_MS } };
}

async function jumped(stage: Stage, heir: string, atUs: number): Promise<{ gapMs: number; lost: number }> {
  await stage.untilOn(heir, 6_000);
  await elapse(AFTERMATH_MS);
  return stage.flowReport(atUs, await stage.nowUs());
}

function reasonSince(stage: Stage, mark: number, type: string): string {
  return stage.eventsSince(mark).find((event) => event.type === type)?.reason ?? "none";
}
