import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileSink } from "./file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-sink-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const LIMITS = { bytesMax: 20, kept: 2 };

test("lines are appended to one file, in order", async () => {
  for (const line of ["a\n", "b\n"]) {
    const sink = new FileSink(join(folder, "events.jsonl"));
    await write(sink, [line]);
    await sink.close();
  }
  expect(readFileSync(join(folder, "events.jsonl"), "utf8")).toBe("a\nb\n");
});

test("a line that was cut off stays alone on its line", async () => {
  writeFileSync(join(folder, "events.jsonl"), 'a\n{"seq":');
  const sink = new FileSink(join(folder, "events.jsonl"));
  await write(sink, ["b\n"]);
  await sink.close();
  expect(readFileSync(join(folder, "events.jsonl"), "utf8")).toBe('a\n{"seq":\nb\n');
});

test("a full file is renamed, and the oldest is removed", async () => {
  const sink = new FileSink(join(folder, "events.jsonl"), LIMITS);
  for (let index = 0; index < 5; index++) await write(sink, [`${index} is longer than twenty bytes\n`]);
  await sink.close();
  const kept = readdirSync(folder)
    .toSorted()
    .map((name) => [name, readFileSync(join(folder, name), "utf8")[0]]);
  expect(kept).toEqual([
    ["events.jsonl", "4"],
    ["events.jsonl.1", "3"],
    ["events.jsonl.2", "2"],
  ]);
});

test("a batch is refused with the reason if the file cannot be opened, and a later one is kept", async () => {
  mkdirSync(join(folder, "events.jsonl"));
  const sink = new FileSink(join(folder, "events.jsonl"));
  await expect(write(sink, ["a\n"])).rejects.toThrow("EISDIR");
  rmSync(join(folder, "events.jsonl"), { recursive: true });
  await write(sink, ["b\n"]);
  await sink.close();
  expect(readFileSync(join(folder, "events.jsonl"), "utf8")).toBe("b\n");
});

test("a batch that the disk only writes in part is removed, and no half line is left", async () => {
  const sink = new FileSink(join(folder, "events.jsonl"));
  await write(sink, ["before\n"]);
  limitFiles("5050");
  try {
    // The limit of 5,050 bytes is in the middle of a line.
    const lines = Array.from({ length: 100 }, (_, index) => `${`${index}`.padStart(99, "-")}\n`);
    await expect(write(sink, lines)).rejects.toThrow("EFBIG");
  } finally {
    limitFiles("unlimited");
  }
  await write(sink, ["after\n"]);
  await sink.close();
  expect(readFileSync(join(folder, "events.jsonl"), "utf8")).toBe("before\nafter\n");
});

function write(sink: FileSink, lines: readonly string[]): Promise<void> {
  const pieces = lines.map((line) => Buffer.from(line));
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return sink.write({ first: 1, last: lines.length, count: lines.length, bytes, pieces });
}

/** Sets the largest size of a file that this process may write from now on, bytes. */
function limitFiles(bytes: string): void {
  execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${bytes}:`]);
}
