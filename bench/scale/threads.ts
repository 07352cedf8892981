import { readdirSync, readFileSync } from "node:fs";

/** Nanoseconds of processor time of the thread that a process began with: JavaScript, and what it calls. */
export function mainThreadNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]);
}

/** Nanoseconds of processor time of the threads of a process with this name. */
export function threadNs(pid: number, name: string): number {
  const tasks = `/proc/${pid}/task`;
  const own = readdirSync(tasks).filter((task) => readFileSync(`${tasks}/${task}/comm`, "utf8").trim() === name);
  const ns = own.map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
  return ns.reduce((sum, one) => sum + one, 0);
}
