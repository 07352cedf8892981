/**
 * `node --expose-gc build/sim/crowd/main.js <sessions>`: measures the gateway's core alone, in one process without an
 * engine. All sessions join, then all jump to another path. The cost is printed as one line of JSON.
 */
import type { Input } from "#core/contract";
import { step } from "#core/step";
import { createCore, type World } from "#core/world";
import type { Report } from "#kernel/contract/engine.generated";
import { presetPolicy } from "#transcripts/presets";
import { gatewayPath } from "#transcripts/scene";

/** Time of all joins. The jumps come much later, so that no time window of the policy affects the measurement. */
const BEGAN_MS = 1_000;
const JUMPED_MS = 600_000;

interface Cost {
  readonly sessions: number;
  /** JavaScript heap of the core for an idle session. */
  readonly bytesPerSession: number;
  /** Sessions that join in a second of processor time. `jumpsPerSecond`: sessions that jump in a second. */
  readonly joinsPerSecond: number;
  readonly jumpsPerSecond: number;
  /** Inputs of jumps in a second. Each jump has two. */
  readonly decisionsPerSecond: number;
}

function main(): void {
  const sessions = Number(process.argv[2]);
  if (!(Number.isInteger(sessions) && sessions >= 1 && sessions <= 131_072)) throw new Error("1 … 131072 sessions");
  warmUp();
  const world = gatewayOf(sessions);
  const before = heap();
  const joinMs = join(world, sessions);
  const bytesPerSession = Math.round((heap() - before) / sessions);
  const jumpMs = jump(world, sessions);
  const cost: Cost = {
    sessions,
    bytesPerSession,
    joinsPerSecond: Math.round((sessions * 1_000) / joinMs),
    jumpsPerSecond: Math.round((sessions * 1_000) / jumpMs),
    decisionsPerSecond: Math.round((2 * sessions * 1_000) / jumpMs),
  };
  process.stdout.write(`${JSON.stringify(cost)}\n`);
}

/** Runs all code once before the measurement, so that the JIT compiler has compiled it. */
function warmUp(): void {
  const world = gatewayOf(1_000);
  join(world, 1_000);
  jump(world, 1_000);
}

function gatewayOf(sessions: number): World {
  const world = createCore("gateway");
  const clients = Array.from({ length: sessions }, (_, index) => ({ name: `c${index}`, key: keyOf(index), group: null }));
  step(world, { type: "PolicyOffered", outcome: presetPolicy("standard") }, 0);
  step(world, { type: "Configured", config: { role: "gateway", node: "crowd", clients }, resumes: true }, 0);
  return world;
}

function join(world: World, sessions: number): number {
  return timed(sessions, (index) => {
    const report: Report = {
      type: "HandshakeConfirmed",
      session: index + 1,
      sessionId: `s-${index}`,
      clientKey: keyOf(index),
      path: 1,
      description: gatewayPath(addressOf(index, 1)),
      redundant: false,
    };
    work(world, { type: "Engine", report }, BEGAN_MS);
    const outcome = { is: "done", assignment: assignmentOf(index) } as const;
    work(world, { type: "StoreAnswered", token: index + 1, outcome }, BEGAN_MS);
  });
}

function jump(world: World, sessions: number): number {
  const ms = timed(sessions, (index) => {
    const session = index + 1;
    const description = gatewayPath(addressOf(index, 2));
    const validated: Report = { type: "PathValidated", session, path: 2, description, rttUs: 20_000 };
    work(world, { type: "Engine", report: validated }, JUMPED_MS);
    const reason = "transport_dead";
    const asked: Report = { type: "AttachRequested", session, path: 2, description, bindSeq: 2, kind: "reattach", reason };
    work(world, { type: "Engine", report: asked }, JUMPED_MS);
  });
  for (const { session } of world.sessions.values()) {
    if (session.state !== "ATTACHED" || session.active !== 2) throw new Error(`session ${session.handle} did not jump`);
  }
  return ms;
}

function work(world: World, input: Input, now: number): void {
  step(world, JSON.parse(JSON.stringify(input)) as Input, now);
}

/** Processor time, ms. Other processes on the machine do not count. */
function timed(sessions: number, each: (index: number) => void): number {
  const began = process.cpuUsage();
  for (let index = 0; index < sessions; index++) each(index);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
}

function heap(): number {
  if (globalThis.gc === undefined) throw new Error("node --expose-gc is needed");
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

const keyOf = (index: number): string => `jvpk1:${index.toString().padStart(43, "A")}`;

const addressOf = (index: number, path: number): string => `10.${127 + path}.${(index >> 8) & 255}.${index & 255}:4774`;

function assignmentOf(index: number) {
  const v4 = `10.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
  return { v4, v4Prefix: 14, v6: `fd80::${index.toString(16)}`, v6Prefix: 64, dns: [], mtu: 1_380 };
}

main();
