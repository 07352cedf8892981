import { closeSync, existsSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const MODE = 0o644;

/**
 * Replaces the content of the file by `text`: a reader sees the old or the new text, also after a crash. Keeps the mode
 * of the file and follows a symbolic link. Throws if the file system refuses; the old text is then still there.
 */
export function replaceFile(file: string, text: string): void {
  const target = existsSync(file) ? realpathSync(file) : file;
  const mode = existsSync(target) ? statSync(target).mode & 0o777 : MODE;
  const fresh = `${target}.${process.pid}.new`;
  try {
    const descriptor = openSync(fresh, "w", mode);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(fresh, target);
  } finally {
    rmSync(fresh, { force: true });
  }
  const folder = openSync(dirname(target), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
