/**
 *  time ─►  eth0 active │ eth0 down, reported by the kernel │ eth0 back  │ the active link drops all packets silently │
 *           wlan0 warm  │ wlan0 takes over                  │ warm again │ the other link takes over                  │
 */
import { elapse, type Setting, type Stage } from "../stage.ts";
import { type Case, type Findings, Ledger, policy, REALTIME, survived } from "./case.ts";

/** The failure matrix demands these events and these three transitions, in this order. */
const JUMP = [
  "TransportDead",
  "ATTACHED→VOLATILE transport_dead",
  "VOLATILE→RECOVERING",
  "TransportSwitch",
  "RECOVERING→ATTACHED reattach_validated",
];

const SETTING: Setting = {
  uplinks: ["eth0", "wlan0"],
  rttMs: 20,
  policy: policy(REALTIME),
  transferBytes: 40_000_000,
  transferMbit: 40,
  flowSeconds: 60,
};

export const SINGLE_DEATH_WITH_BACKUP: Case = {
  id: "1.1",
  title: "single transport death, backup available: link down, then a silent black hole",
  setting: SETTING,
  play,
};

/** The same case under other conditions: IPv6, no offloads, more packet threads, another cipher. */
export const VARIANTS: readonly Case[] = [
  { id: "ipv6", title: "case 1.1 over IPv6, outside and inside", setting: { ...SETTING, family: 6 }, play },
  {
    id: "no-offload",
    title: "case 1.1 without any offload of the kernel",
    setting: { ...SETTING, disable: ["tun_offload", "udp_gso", "udp_gro"] },
    play,
  },
  { id: "workers", title: "case 1.1 with three workers at the gateway", setting: { ...SETTING, workers: 3 }, play },
  { id: "chacha", title: "case 1.1 with ChaCha20-Poly1305", setting: { ...SETTING, disable: ["aes_gcm"] }, play },
];

async function play(stage: Stage): Promise<Findings> {
  const ledger = new Ledger();
  await stage.startTraffic();

  let mark = stage.mark();
  const eth0 = stage.uplink("eth0");
  const downAt = await eth0.unplug();
  await stage.untilOn("wlan0", 5_000);
  await elapse(1_000);
  const signalled = await stage.flowReport(downAt, await stage.nowUs());
  let story = ledger.told(stage.lacksSince(mark, JUMP), "link down");
  ledger.must(signalled.gapMs <= 100, `link down: a gap of ${signalled.gapMs} ms`);

  await eth0.plug();
  await stage.untilWarm("eth0", 10_000);

  mark = stage.mark();
  const wlan0 = stage.uplink("wlan0");
  const silentAt = await wlan0.impair("both", { blackhole: true });
  await stage.untilOn("eth0", 5_000);
  await elapse(1_000);
  const silent = await stage.flowReport(silentAt, await stage.nowUs());
  story = ledger.told(stage.lacksSince(mark, JUMP), "silent death") && story;
  ledger.must(silent.gapMs <= 300, `silent death: a gap of ${silent.gapMs} ms`);
  await wlan0.impair("both", { blackhole: false });

  return survived(stage, ledger, Math.max(signalled.gapMs, silent.gapMs), story);
}
