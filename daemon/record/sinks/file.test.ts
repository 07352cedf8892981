import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileSink } from "./file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-sink-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const LIMITS = { waitingBytesMax: 1_000, fileBytesMax: 20, filesKept: 2 };

test("lines arrive in order, in one file that is appended to", async () => {
  for (const line of ["a\n", "b\n"]) {
    const sink = new FileSink(join(folder, "events.jsonl"), { health: () => {} });
    push(sink, line);
    await sink.close(1_000);
  }
  expect(readFileSync(join(folder, "events.jsonl"), "utf8")).toBe("a\nb\n");
});

test("a full file is put aside, and the oldest goes", async () => {
  const sink = new FileSink(join(folder, "events.jsonl"), { health: () => {} }, LIMITS);
  for (let index = 0; index < 5; index++) {
    push(sink, `${index} is longer than twenty bytes\n`);
    await sink.close(1_000);
  }
  const kept = readdirSync(folder)
    .toSorted()
    .map((name) => [name, readFileSync(join(folder, name), "utf8")[0]]);
  expect(kept).toEqual([
    ["events.jsonl", "4"],
    ["events.jsonl.1", "3"],
    ["events.jsonl.2", "2"],
  ]);
});

test("what cannot be kept is counted, told once, and told again when the sink works", async () => {
  const news: unknown[] = [];
  mkdirSync(join(folder, "events.jsonl"));
  const sink = new FileSink(join(folder, "events.jsonl"), { health: (ok, _why, lost) => news.push([ok, lost]) }, LIMITS);
  push(sink, "a\n");
  push(sink, "b\n");
  await sink.close(1_000);
  expect(news).toEqual([[false, 0]]);
  rmSync(join(folder, "events.jsonl"), { recursive: true });
  push(sink, "c\n");
  await sink.close(1_000);
  expect(news).toEqual([
    [false, 0],
    [true, 1],
  ]);
  expect(readFileSync(join(folder, "events.jsonl"), "utf8")).toBe("b\nc\n");
});

test("a line that does not fit the queue is refused, not waited for", () => {
  const news: boolean[] = [];
  const sink = new FileSink(join(folder, "events.jsonl"), { health: (ok) => news.push(ok) }, LIMITS);
  push(sink, "x".repeat(2_000));
  expect(news).toEqual([false]);
});

test("many lines, long and short, arrive whole and in order, also where memory is used again", async () => {
  const sink = new FileSink(join(folder, "events.jsonl"), { health: () => {} });
  const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${"ü".repeat(index % 7 === 0 ? 20_000 : index % 400)}\n`);
  for (const half of [lines.slice(0, 1_500), lines.slice(1_500)]) {
    for (const line of half) push(sink, line);
    await sink.close(10_000);
  }
  expect(readFileSync(join(folder, "events.jsonl"), "utf8") === lines.join("")).toBe(true);
});

test("a disk that takes a part of a write leaves no half line, and what is lost is counted exactly", async () => {
  const news: unknown[] = [];
  const sink = new FileSink(join(folder, "events.jsonl"), { health: (ok, _why, lost) => news.push([ok, lost]) });
  limitFiles("5050");
  try {
    // The first line is written alone; 5,050 bytes end in the midst of another.
    for (let index = 0; index < 100; index++) push(sink, `${`${index}`.padStart(99, "-")}\n`);
    await sink.close(1_000);
  } finally {
    limitFiles("unlimited");
  }
  push(sink, "after\n");
  await sink.close(1_000);
  expect(readFileSync(join(folder, "events.jsonl"), "utf8")).toBe(`${"0".padStart(99, "-")}\nafter\n`);
  expect(news).toEqual([
    [false, 0],
    [true, 99],
  ]);
});

function push(sink: FileSink, line: string): void {
  sink.push(Buffer.from(line));
}

/** The greatest file that this process may write from here on, bytes. */
function limitFiles(bytes: string): void {
  execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${bytes}:`]);
}
