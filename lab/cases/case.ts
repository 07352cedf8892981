import type { Setting, Stage } from "../stage.ts";

/** What a scenario found. Each of the four must hold; `problems` says in words what does not. */
export interface Findings {
  /** The transfer delivered every byte, once, unchanged. */
  readonly bytes: boolean;
  /** The worse direction's largest gap of the 1 kHz flows that the case is about, ms. */
  readonly timeMs: number;
  /** Same session id; one handshake and one TCP connection in the captures (or exactly the ones that the case demands). */
  readonly identity: boolean;
  /** The record tells what the failure matrix demands. */
  readonly story: boolean;
  readonly problems: readonly string[];
}

export interface Case {
  /** Id in the failure matrix. */
  readonly id: string;
  readonly title: string;
  readonly setting: Setting;
  /** Programs of the system that it needs beside iproute2. */
  readonly needs?: readonly Program[];
  /** Why `--all` leaves it out. */
  readonly alone?: string;
  readonly play: (stage: Stage) => Promise<Findings>;
}

/** A program of the system, and the Debian package that has it. */
export interface Program {
  readonly command: string;
  readonly package: string;
}

/** A policy in which everything is fast enough to watch: class realtime, short times to live. */
export function policy(lines: string): string {
  return `schema = "jumping-vpn/policy/v1"
name = "lab"
preset = "standard"
${lines}`;
}

export const REALTIME = `[volatile]
liveness = "realtime"
`;

/** Collects what does not hold. */
export class Ledger {
  readonly problems: string[] = [];

  /** Notes `problem` unless `holds`; returns `holds`. */
  must(holds: boolean, problem: string): boolean {
    if (!holds) this.problems.push(problem);
    return holds;
  }

  /** Notes a story's missing line; true when nothing is missing. */
  told(missing: string | null, chapter: string): boolean {
    return this.must(missing === null, `${chapter}: the record lacks “${missing}”`);
  }
}

/** The common close of a scenario in which the session must survive: bytes, captures, chain. */
export async function survived(
  stage: Stage,
  ledger: Ledger,
  timeMs: number,
  story: boolean,
  { finishMs = 60_000, connections = 1 }: { readonly finishMs?: number; readonly connections?: number } = {},
): Promise<Findings> {
  const { bytes: delivered, match } = await stage.transfer.finish(finishMs);
  const bytes = ledger.must(match, `the transfer differs: ${delivered} bytes`);
  const seen = await stage.captured();
  const session = await stage.session();
  const identity = [
    ledger.must(session?.id === stage.sessionId, `the session is ${session?.id}, it was ${stage.sessionId}`),
    ledger.must(seen.handshakes === 1, `${seen.handshakes} handshakes were captured`),
    ledger.must(seen.connections === connections, `${seen.connections} TCP connections were captured`),
    ledger.must(seen.resets === 0, `${seen.resets} TCP resets were captured`),
    ledger.must(seen.clear === 0, `${seen.clear} packets left an uplink in clear`),
    ledger.must(seen.complete, "the captures missed packets"),
  ].every(Boolean);
  const chain = ledger.told(stage.chainBroken(), "chain of versions");
  return { bytes, timeMs, identity, story: story && chain, problems: ledger.problems };
}
