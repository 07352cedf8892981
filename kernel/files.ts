/** What the system says about files and folders, for people. Pure: it is given the error and touches no file. */

interface Advice {
  readonly why: string;
  /** What to do; `PATH` stands for the file or folder. */
  readonly hint: string;
}

const ADVICE: Readonly<Record<string, Advice>> = {
  ENOENT: { why: "it does not exist, or its folder does not", hint: "check the path PATH" },
  EACCES: { why: "this user may not use it", hint: "run the command as root (sudo), or choose a place that this user may use" },
  EPERM: {
    why: "the system does not permit it",
    hint: "run the command as root (sudo); else look at the attributes of PATH (lsattr)",
  },
  EROFS: { why: "its file system is mounted read-only", hint: "choose another place, or mount it writable" },
  ENOTDIR: { why: "a part of the path is a file, not a folder", hint: "check the path PATH" },
  EISDIR: { why: "it is a folder", hint: "name a file" },
  EEXIST: { why: "there is something else at that place", hint: "look at PATH, and choose another name or remove it" },
  ELOOP: {
    why: "it is a symbolic link where none is permitted, or links lead in a circle",
    hint: "name the place itself, without a link",
  },
  ENAMETOOLONG: { why: "the path is too long", hint: "choose a shorter path" },
  ENOSPC: { why: "the file system is full", hint: "free some space: `df PATH` shows how much there is" },
  EDQUOT: { why: "this user's quota is used up", hint: "free some space, or raise the quota" },
  EMFILE: { why: "this process has too many open files", hint: "raise the limit (ulimit -n)" },
  ENFILE: { why: "the machine has too many open files", hint: "end programs, or raise fs.file-max" },
  EIO: { why: "the disk reports an error", hint: "look at the kernel's messages (dmesg), and check the disk" },
  EBUSY: { why: "another program uses it", hint: "find out which: `fuser PATH`" },
  ETXTBSY: { why: "it is a program that runs", hint: "check the path PATH" },
  EFBIG: { why: "it would be larger than permitted", hint: "raise the limit (ulimit -f)" },
  ENXIO: { why: "it is a device or a FIFO that nobody serves", hint: "name a regular file" },
  ENODEV: { why: "it is a device that does not exist", hint: "name a regular file" },
};

/** Why the system refused a file or folder, and what to do; `undefined` for an error that does not come from there. */
export function fileAdvice(errno: string | undefined, path: string): Advice | undefined {
  const advice = ADVICE[errno ?? ""];
  return advice === undefined ? undefined : { why: advice.why, hint: advice.hint.replace("PATH", path) };
}

/**
 * `/a`, `/a/b`, `/a/b/c` for `/a/b/c`: the folders to make, one after another. The system's own recursive call never
 * ends where the kernel permits no folder, such as in `/proc`.
 */
export function foldersOf(absolute: string): readonly string[] {
  const parts = absolute.split("/").filter((part) => part !== "");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}
