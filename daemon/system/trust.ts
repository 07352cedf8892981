import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { errnoOf } from "#daemon/fault";
import { foldersOf } from "#kernel/files";

/** Why users other than root and this process's user could have written to the file, or `null`. */
function untrusted(stat: Stats): string | null {
  const self = process.geteuid?.() ?? 0;
  if (stat.uid !== 0 && stat.uid !== self) return `it belongs to user ${stat.uid}`;
  // A symbolic link has no mode of its own.
  return (stat.mode & 0o022) === 0
    ? null
    : `its mode ${(stat.mode & 0o7777).toString(8).padStart(4, "0")} lets other users write`;
}

/** Throws if the path is not a directory that only we can write to. A link to one is refused, too. */
export function requireOwnDirectory(path: string): void {
  const stat = lstatSync(path);
  const kind = stat.isSymbolicLink() ? "it is a symbolic link: name the directory itself" : "it is not a directory";
  const why = (stat.isDirectory() ? untrusted(stat) : kind) ?? replaceable(path);
  if (why !== null) throw new Error(why);
}

/** Whoever can write to a directory above can put another one in its place, unless the sticky bit is set. */
function replaceable(path: string): string | null {
  const STICKY = 0o1000;
  for (const parent of foldersOf(realpathSync(path)).slice(0, -1).toReversed()) {
    const stat = statSync(parent);
    const why = (stat.mode & STICKY) === 0 ? untrusted(stat) : null;
    if (why !== null) return `the directory above it, ${parent}, is not safe: ${why}`;
  }
  return null;
}

/**
 * The text of a regular file that no other user can write; `null` if there is none. Throws for any other file, links
 * included.
 */
export function readOwnFile(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return null;
    throw errnoOf(cause) === "ELOOP" ? new Error(`${path} is a symbolic link`, { cause }) : cause;
  }
  try {
    const stat = fstatSync(descriptor);
    const why = stat.isFile() ? untrusted(stat) : "it is not a regular file";
    if (why !== null) throw new Error(`${path} is not trusted: ${why}`);
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
