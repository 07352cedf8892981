import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { request } from "node:http";
import { dirname } from "node:path";
import { causeText, errnoOf, StartFailure } from "#daemon/fault";
import { EXIT } from "#kernel/contract/exit-code";
import { fileAdvice, foldersOf } from "#kernel/files";

const ASK_MS = 2_000;
/** `sun_path` of a unix socket has 108 bytes, including the final zero. */
const PATH_BYTES_MAX = 107;
const GROUP = "jvpn";

/**
 * Prepares the path for listening: removes the socket file of a daemon that has ended. Throws a `StartFailure` if a
 * daemon answers there, or if the file is not a socket.
 */
export async function claimSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    const why = `it has ${Buffer.byteLength(path)} bytes; the path of a unix socket may have at most ${PATH_BYTES_MAX}`;
    throw refusal(`the control socket cannot be ${path}`, why, "name a shorter path with --socket");
  }
  try {
    for (const folder of foldersOf(dirname(path)).filter((folder) => !existsSync(folder))) mkdirSync(folder, { mode: 0o755 });
    if (!existsSync(path)) return;
    if (!lstatSync(path).isSocket())
      throw refusal(
        `the control socket cannot be ${path}`,
        "there is a file that is not a socket",
        "remove it, or name another path with --socket",
      );
    const holder = await holderOf(path);
    if (holder !== null)
      throw refusal(
        `already running (pid ${holder})`,
        `a daemon answers at ${path}`,
        "stop it with `jvpn down`, or start this one with its own --socket and --state",
      );
    rmSync(path, { force: true });
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause;
    const advice = fileAdvice(errnoOf(cause), dirname(path));
    const hint = "run as root, or name a path in a writable folder with --socket";
    throw refusal(`the control socket cannot be ${path}`, advice?.why ?? causeText(cause), advice?.hint ?? hint, cause);
  }
}

/** Listens with mode 0660 and the group `jvpn`, if it exists, so that its members need not be root. */
export function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const before = process.umask(0o117);
    server.once("error", (cause) => {
      process.umask(before);
      reject(
        refusal(
          `cannot listen at ${path}`,
          causeText(cause),
          "run as root, or name a path in a writable folder with --socket",
          cause,
        ),
      );
    });
    server.listen(path, () => {
      process.umask(before);
      giveToGroup(path);
      resolve();
    });
  });
}

function refusal(what: string, why: string, hint: string, cause?: unknown): StartFailure {
  return new StartFailure([{ what, why, hint }], EXIT.failed, { cause });
}

/**
 * The pid of the process that answers there; `null` = no process listens. A listener that does not answer in time is
 * `unknown`.
 */
function holderOf(path: string): Promise<number | "unknown" | null> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: path, path: "/v1/version", agent: false, timeout: ASK_MS }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text = (text + chunk).slice(0, 4_096);
      });
      answer.on("end", () => resolve(pidIn(text)));
      answer.on("error", () => resolve("unknown"));
    });
    asking.on("timeout", () => {
      resolve("unknown");
      asking.destroy();
    });
    asking.on("error", (cause) => {
      const errno = errnoOf(cause);
      if (errno === "ECONNREFUSED" || errno === "ENOENT") resolve(null);
      else if (errno === "ECONNRESET" || errno === "EPIPE") resolve("unknown");
      else reject(cause);
    });
    asking.end();
  });
}

function pidIn(text: string): number | "unknown" {
  try {
    const { pid } = JSON.parse(text) as { pid?: unknown };
    return typeof pid === "number" ? pid : "unknown";
  } catch {
    return "unknown";
  }
}

/** Without CAP_CHOWN the socket keeps its own group, which gives fewer users access, not more. */
function giveToGroup(path: string): void {
  const group = groupId();
  if (group === null || process.getuid?.() !== 0) return;
  try {
    chownSync(path, 0, group);
  } catch (cause) {
    if (errnoOf(cause) !== "EPERM") throw cause;
  }
}

function groupId(): number | null {
  try {
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((entry) => entry.startsWith(`${GROUP}:`));
    return line === undefined ? null : Number(line.split(":")[2]);
  } catch {
    return null;
  }
}
