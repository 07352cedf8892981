import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { causeText, errnoOf, StartFailure } from "#daemon/fault";
import { requireOwnDirectory } from "#daemon/system/trust";
import { EXIT } from "#kernel/contract/exit-code";
import { fileAdvice, foldersOf } from "#kernel/files";

/** The claim on a state directory. Two daemons with the same directory would undo each other's changes. */
export interface Claim {
  release(): void;
}

/**
 * Creates the directory (0700) and claims it with `daemon.pid`. The claim of a process that has ended, by any means, is
 * taken over. The file names the process by id and start time, because ids are reused. Throws a `StartFailure` if
 * another daemon has the claim, or if other users can write to the directory, because its undo journal is run as root.
 */
export function claimState(stateDir: string): Claim {
  const file = join(stateDir, "daemon.pid");
  const own = `${process.pid} ${startTime(process.pid) ?? 0}\n`;
  const candidate = `${file}.${process.pid}`;
  try {
    for (const folder of foldersOf(stateDir).filter((folder) => !existsSync(folder))) mkdirSync(folder, { mode: 0o700 });
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
    const advice = fileAdvice(errnoOf(cause), stateDir);
    const hint = advice?.hint ?? "name with --state a directory of its own (mode 0700) that only this user can write to";
    throw new StartFailure(
      [{ what: `the state directory ${stateDir} cannot be used`, why: advice?.why ?? causeText(cause), hint }],
      EXIT.failed,
      { cause },
    );
  } finally {
    rmSync(candidate, { force: true });
  }
  return { release: () => rmSync(file, { force: true }) };
}

/** Creating a hard link is atomic: if two daemons start at once, only one succeeds. */
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
        why: `another daemon (pid ${pid}) uses it`,
        hint: "stop that daemon, or give each daemon its own directory with --state",
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
    return null; // the file was removed meanwhile
  }
  const [pid, started] = text.trim().split(" ").map(Number);
  return pid !== undefined && started !== undefined && started !== 0 && startTime(pid) === started ? pid : null;
}

/**
 * Start time of the process, in clock ticks since boot; `null` = there is no such process, or it is a zombie (ended,
 * but not yet collected by its parent) whose threads have all ended.
 */
function startTime(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // Starts with field 3 of proc_pid_stat(5): state, …, number of threads (20), …, start time (22).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isZombie = "ZXx".includes(fields[0] ?? "") && Number(fields[17]) <= 1;
  return isZombie ? null : Number(fields[19]);
}
