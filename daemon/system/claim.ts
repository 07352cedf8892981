import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { causeText, errnoOf, StartFailure } from "#daemon/fault";
import { requireOwnDirectory } from "#daemon/system/trust";
import { EXIT } from "#kernel/contract/exit-code";

/** Held by the process that uses a state directory; two daemons in one would undo each other's changes. */
export interface Claim {
  release(): void;
}

/**
 * Creates the directory (0700) and claims it by `daemon.pid`. A claim whose process has ended, by any means, is taken
 * over: the file names the process by id and start time, because ids are reused. Throws a `StartFailure` where it is
 * held, and where others can write to the directory: what it holds is done as root.
 */
export function claimState(stateDir: string): Claim {
  const file = join(stateDir, "daemon.pid");
  const own = `${process.pid} ${startTime(process.pid) ?? 0}\n`;
  const candidate = `${file}.${process.pid}`;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    requireOwnDirectory(stateDir);
    rmSync(candidate, { force: true });
    writeFileSync(candidate, own, { mode: 0o600, flag: "wx" });
    if (!linked(candidate, file)) {
      const holder = livingHolder(file);
      if (holder !== null) throw held(stateDir, holder);
      rmSync(file, { force: true });
      if (!linked(candidate, file)) throw held(stateDir, livingHolder(file) ?? 0);
    }
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause;
    const hint = "run as root, or name with --state a directory of its own (mode 0700) that only this user can write";
    throw new StartFailure(
      [{ what: `the state directory ${stateDir} cannot be used`, why: causeText(cause), hint }],
      EXIT.failed,
      { cause },
    );
  } finally {
    rmSync(candidate, { force: true });
  }
  return { release: () => rmSync(file, { force: true }) };
}

/** Hard links are created whole or not at all: of two daemons that start at once, one wins. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (cause) {
    if (errnoOf(cause) === "EEXIST") return false;
    throw cause;
  }
}

function held(stateDir: string, pid: number): StartFailure {
  const what = `the state directory ${stateDir} is in use`;
  return new StartFailure(
    [
      {
        what,
        why: `another daemon (pid ${pid}) holds it`,
        hint: "stop that daemon, or give each its own directory with --state",
      },
    ],
    EXIT.failed,
  );
}

function livingHolder(file: string): number | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null; // it went away meanwhile
  }
  const [pid, started] = text.trim().split(" ").map(Number);
  return pid !== undefined && started !== undefined && started !== 0 && startTime(pid) === started ? pid : null;
}

/**
 * Clock ticks since boot at which the process began; `null` = there is no such process, or it has ended and its parent
 * has not collected it yet. Such a zombie holds nothing, once the last of its threads is gone.
 */
function startTime(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // From field 3 of proc_pid_stat(5): state, …, number of threads (20), …, start time (22).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isZombie = "ZXx".includes(fields[0] ?? "") && Number(fields[17]) <= 1;
  return isZombie ? null : Number(fields[19]);
}
