import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Niceness of those who come last. */
const LEAST = 19;

/** Nanoseconds of processor time of the thread that a process began with: JavaScript, and what it calls. */
export function mainThreadNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]);
}

/** Nanoseconds of processor time of all threads of a process whose names begin so. */
export function threadNs(pid: number, name: string): number {
  const tasks = `/proc/${pid}/task`;
  const own = readdirSync(tasks).filter((task) => readFileSync(`${tasks}/${task}/comm`, "utf8").startsWith(name));
  const ns = own.map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
  return ns.reduce((sum, one) => sum + one, 0);
}

/**
 * From here on a process gets the processors that nobody else wants. Its class alone does not say that: where the kernel groups
 * processes by session (`autogroup`), processors are shared between sessions first, and every process of the lab has a session.
 */
export async function yieldToAll(pid: number): Promise<void> {
  await execute("chrt", ["--all-tasks", "--idle", "--pid", "0", `${pid}`]);
  const group = `/proc/${pid}/autogroup`;
  if (existsSync(group)) writeFileSync(group, `${LEAST}`);
}
