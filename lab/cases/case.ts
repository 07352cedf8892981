import type { Setting, Stage } from "../stage.ts";

/** Result of a scenario. Each of the four must hold; `problems` has one sentence for each that does not. */
export interface Findings {
  /** The transfer delivered every byte, once, unchanged. */
  readonly bytes: boolean;
  /** The largest gap of the 1 kHz flows that the case measures, in the worse direction, ms. */
  readonly timeMs: number;
  /** The session id is unchanged. The captures have one handshake and one TCP connection, or what the case demands. */
  readonly identity: boolean;
  /** The record contains the events that the failure matrix demands. */
  readonly story: boolean;
  readonly problems: readonly string[];
}

export interface Case {
  /** Id in the failure matrix. */
  readonly id: string;
  readonly title: string;
  readonly setting: Setting;
  /** System programs that it needs in addition to iproute2. */
  readonly needs?: readonly Program[];
  /** Why `--all` does not play it. */
  readonly alone?: string;
  readonly play: (stage: Stage) => Promise<Findings>;
}

/** A system program and the Debian package that contains it. */
export interface Program {
  readonly command: string;
  readonly package: string;
}

/** A policy for short scenarios: class realtime, short times to live. */
export function policy(lines: string): string {
  return `schema = "jumping-vpn/policy/v1"
name = "lab"
preset = "standard"
${lines}`;
}

export const REALTIME = `[volatile]
liveness = "realtime"
`;

/** Collects the problems of a scenario. */
export class Ledger {
  readonly problems: string[] = [];

  /** Adds `problem` unless `holds`; returns `holds`. */
  must(holds: boolean, problem: string): boolean {
    if (!holds) this.problems.push(problem);
    return holds;
  }

  /** Adds a problem if a line of the story is missing; returns true if none is. */
  told(missing: string | null, chapter: string): boolean {
    return this.must(missing === null, `${chapter}: the record lacks “${missing}”`);
  }
}

/** Checks at the end of a scenario that the session survived: bytes, captures, chain of versions. */
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
    ledger.must(session?.id === stage.sessionId, `the session is ${session?.id}, but it was ${stage.sessionId}`),
    ledger.must(seen.handshakes === 1, `${seen.handshakes} handshakes were captured`),
    ledger.must(seen.connections === connections, `${seen.connections} TCP connections were captured`),
    ledger.must(seen.resets === 0, `${seen.resets} TCP resets were captured`),
    ledger.must(seen.clear === 0, `${seen.clear} unencrypted packets left an uplink`),
    ledger.must(seen.complete, "the captures missed packets"),
  ].every(Boolean);
  const chain = ledger.told(stage.chainBroken(), "chain of versions");
  return { bytes, timeMs, identity, story: story && chain, problems: ledger.problems };
}
