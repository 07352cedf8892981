import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { causeText, errnoOf } from "#daemon/fault";
import { fileAdvice } from "#kernel/files";

type Read =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly missing: boolean; readonly why: string; readonly hint: string };

/**
 * The text of a regular file of at most `bytesMax` bytes. A FIFO, a device or a folder is refused: it may have no end.
 */
export function readTextFile(file: string, bytesMax: number): Read {
  let descriptor: number | null = null;
  try {
    // Without O_NONBLOCK, opening a FIFO would wait until somebody writes to it.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const info = fstatSync(descriptor);
    if (!info.isFile()) return refused("it is not a regular file", "name a file, no folder, device or FIFO");
    if (info.size <= bytesMax) return { ok: true, text: readFileSync(descriptor, "utf8") };
    return refused(`it has ${info.size} bytes; at most ${bytesMax} are permitted`, "check that this is the right file");
  } catch (cause) {
    const { why, hint } = fileAdvice(errnoOf(cause), file) ?? {
      why: causeText(cause),
      hint: "check the path and the file system",
    };
    return { ...refused(why, hint), missing: errnoOf(cause) === "ENOENT" };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function refused(why: string, hint: string): Extract<Read, { ok: false }> {
  return { ok: false, missing: false, why, hint };
}
