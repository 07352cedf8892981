import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Lowest priority. */
const LEAST = 19;

/** Processor time of a process's main thread, ns: JavaScript and the functions that it calls. */
export function mainThreadNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]);
}

/** Processor time of all threads of a process whose names start with `name`, ns. */
export function threadNs(pid: number, name: string): number {
  const tasks = `/proc/${pid}/task`;
  const own = readdirSync(tasks).filter((task) => readFileSync(`${tasks}/${task}/comm`, "utf8").startsWith(name));
  const ns = own.map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
  return ns.reduce((sum, one) => sum + one, 0);
}

/**
 * Gives a process only the processor time that no other process wants. Its own priority is not enough: with `autogroup`
 * the kernel first divides processor time between process sessions, and every process of the lab has its own session.
 */
export async function yieldToAll(pid: number): Promise<void> {
  await execute("chrt", ["--all-tasks", "--idle", "--pid", "0", `${pid}`]);
  const group = `/proc/${pid}/autogroup`;
  if (existsSync(group)) writeFileSync(group, `${LEAST}`);
}
