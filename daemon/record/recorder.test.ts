import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Input } from "#core/contract";
import { step } from "#core/step";
import { createCore } from "#core/world";
import { openStore, type Store } from "#daemon/store/database";
import type { EventRecord } from "#kernel/contract/control";
import type { CoreEvent } from "#kernel/contract/event";
import { chainEnd, verifies } from "./chain.ts";
import { RecordMark } from "./mark.ts";
import { Recorder } from "./recorder.ts";
import { FileSink } from "./sinks/file.ts";
import type { Sink } from "./sinks/sink.ts";

/** The hash before the first record of a node. */
const GENESIS = "0".repeat(64);

let folder: string;
let file: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-record-"));
  file = join(folder, "events.jsonl");
  store = openStore(folder);
});
afterEach(() => {
  vi.useRealTimers();
  try {
    store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("records form one chain, across a restart and after an incomplete line", async () => {
  await recordAndClose(["s-A", "s-B"]);
  appendFileSync(file, '{"schema":"jumping-vpn/event/v1","seq":3,"ti');
  await recordAndClose(["s-C"]);
  const records = kept();
  expect(records.map((record) => [record.seq, record.session])).toEqual([
    [1, "s-A"],
    [2, "s-B"],
    [4, "s-C"],
  ]);
  expect(records.map((record) => record.prev)).toEqual([GENESIS, records[0]?.hash, records[1]?.hash]);
  expect(records.every(verifies)).toBe(true);
});

test("a changed record does not verify", async () => {
  await recordAndClose(["s-A"]);
  const [record] = kept();
  expect(record && verifies({ ...record, session: "s-B" })).toBe(false);
});

test("A51: control characters in a text stay inside of their record", async () => {
  const recorder = open();
  const why = '\n{"seq":9}\r\n\u001b[2J\u0000';
  recorder.note("Diagnostic", { why });
  await recorder.close(1_000);
  const [line = "", ...after] = readFileSync(file, "utf8").split("\n");
  expect(after).toEqual([""]);
  expect([...line].filter((character) => character < " ")).toEqual([]);
  expect(kept().map(({ numbers }) => numbers)).toEqual([{ why }]);
});

test("records of any length and script, in any order, are the same in the chain, in memory and on disk", async () => {
  const recorder = open();
  const long = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`why${index}`, "€".repeat(250)]));
  for (const numbers of [{ why: "ü" }, long, { why: "\u2028𝄞" }, {}]) recorder.note("Diagnostic", numbers);
  const remembered = (await recorder.subscribe(0)?.take(1_000)) ?? [];
  await recorder.close(1_000);
  expect(kept()).toHaveLength(4);
  expect(kept().every(verifies)).toBe(true);
  expect(remembered).toEqual(kept());
});

test("no secret reaches the record, neither from the core nor from the daemon", async () => {
  const secret = `jvps1:${"Zz9-".repeat(10)}xyz`;
  const recorder = open();
  const fault: Input = { type: "Faulted", session: null, what: `key ${secret}`, why: "0f".repeat(32), thrown: false };
  const events = step(createCore("client"), fault, 1).flatMap((effect) => (effect.type === "Event" ? [effect.event] : []));
  for (const event of events) recorder.record(event);
  recorder.note("Diagnostic", { what: "unreadable", why: `cannot parse ${secret}` }, `operator:${secret}`);
  const read = (await recorder.subscribe(0)?.take(1_000)) ?? [];
  await recorder.close(1_000);
  for (const reader of [JSON.stringify(read), readFileSync(file, "utf8")]) {
    expect(reader.split("[redacted]")).toHaveLength(5);
    expect(reader).not.toMatch(/jvps1:|Zz9-|[0-9a-f]{64}(?<!"(prev|hash)":"[0-9a-f]{64})/);
  }
});

test("a reader gets the requested records, then new ones; records that are no longer in memory are a gap", async () => {
  const recorder = open();
  for (let index = 0; index < 5_000; index++) recorder.record(event("s-A"));
  const reader = recorder.subscribe(10);
  const first = (await reader?.take(1_000)) ?? [];
  expect(first[0]).toEqual({ schema: "jumping-vpn/gap/v1", first: 11, last: 904, count: 894 });
  expect(first.slice(1).map((item) => ("seq" in item ? item.seq : -1))).toEqual(
    Array.from({ length: 4_096 }, (_, index) => 905 + index),
  );
  recorder.record(event("s-B"));
  expect(await reader?.take(1_000)).toMatchObject([{ seq: 5_001, session: "s-B" }]);
  await recorder.close(1_000);
  expect(await reader?.take(1_000)).toBeNull();
});

test("a slow reader loses the oldest records and gets an exact gap", async () => {
  const recorder = open();
  const reader = recorder.subscribe(null);
  for (let index = 0; index < 4_097; index++) recorder.record(event("s-A"));
  recorder.timeline("s-A"); // passes all waiting records on
  const items = (await reader?.take(1_000)) ?? [];
  expect([items[0], items.length]).toEqual([{ schema: "jumping-vpn/gap/v1", first: 1, last: 1_024, count: 1_024 }, 1 + 3_073]);
  await recorder.close(1_000);
});

test("a core that makes records faster than they are chained loses none of them in the ring", async () => {
  const recorder = open();
  for (let turn = 0; turn < 50; turn++) {
    for (let index = 0; index < 2_000; index++) recorder.record(event("s-A"));
    await new Promise(setImmediate);
  }
  const newest = (await recorder.subscribe(0)?.take(1_000)) ?? [];
  expect(newest.filter((item) => "type" in item && item.type === "EventLoss" && item.numbers?.of === "ring")).toEqual([]);
  await recorder.close(1_000);
});

test("a file that cannot be written affects nothing else, and health degrades once", async () => {
  mkdirSync(file);
  const changes: string[] = [];
  const recorder = open(changes);
  recorder.record(event("s-A"));
  await expect.poll(() => recorder.health).toBe("degraded");
  expect([changes, recorder.timeline("s-A")?.events.length]).toEqual([["degraded"], 1]);
  await recorder.close(1_000);
});

test("the session that was quiet longest loses its records for another session, which starts empty", async () => {
  const recorder = open();
  for (let index = 0; index < 600; index++) recorder.record(event("s-0"));
  for (let index = 1; index <= 1_024; index++) recorder.record(event(`s-${index}`));
  expect(recorder.timeline("s-0")).toBeNull();
  expect(recorder.timeline("s-1024")).toMatchObject({ truncated: false, events: [{ session: "s-1024" }] });
  expect(recorder.timeline("s-1")).toMatchObject({ truncated: false, events: [{ session: "s-1" }] });
  await recorder.close(1_000);
});

test("a timeline keeps the newest 512 records of a session, and says if older ones were removed", async () => {
  const recorder = open();
  for (let index = 0; index < 600; index++) recorder.record(event("s-A"));
  const timeline = recorder.timeline("s-A");
  expect([timeline?.truncated, timeline?.events.length, timeline?.events[0]?.seq, recorder.timeline("s-B")]).toEqual([
    true,
    512,
    89,
    null,
  ]);
  await recorder.close(1_000);
});

test.each([
  ["cut off at its end", (text: string) => `${text.split("\n").slice(0, 1).join("\n")}\n`, 2],
  ["removed", () => "", 1],
])(
  "a record file that was %s between two runs is reported at the next start, and no number is used twice",
  async (_, spoil, first) => {
    await recordAndClose(["s-A", "s-B", "s-C"]);
    const hash = kept().at(-1)?.hash;
    writeFileSync(file, spoil(readFileSync(file, "utf8")));
    await recordAndClose([]);
    expect(kept().at(-1)).toMatchObject({
      seq: 4,
      type: "EventLoss",
      prev: hash,
      numbers: { of: "file", count: 4 - first, first, last: 3 },
    });
  },
);

test("a replaced last line of the record file is reported", async () => {
  await recordAndClose(["s-A"]);
  await recordAndClose(["s-B"]);
  const [first, second] = kept();
  writeFileSync(file, `${JSON.stringify(first)}\n${JSON.stringify({ ...second, hash: "0".repeat(64) })}\n`);
  await recordAndClose([]);
  expect(kept().at(-1)).toMatchObject({ seq: 3, type: "EventLoss", numbers: { first: 2, last: 2 } });
});

test("a complete file, a renamed one, and one that is ahead of the mark are no loss", async () => {
  await recordAndClose(["s-A"]);
  const mark = new RecordMark(store).read();
  await recordAndClose(["s-B"]);
  if (mark !== null) new RecordMark(store).write(mark);
  renameSync(file, `${file}.1`);
  await recordAndClose(["s-C"]);
  expect(kept().map(({ seq, type }) => [seq, type])).toEqual([[3, "SessionCreated"]]);
});

test("a store that works again ends the trouble within a second, without a record; after the close nothing is tried", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const refuse = "CREATE TRIGGER full BEFORE INSERT ON record_end BEGIN SELECT RAISE(ABORT, 'disk full'); END";
  store.exec(refuse);
  const recorder = open([], []);
  recorder.record(event("s-A"));
  recorder.timeline("s-A");
  vi.advanceTimersByTime(10_000);
  expect([recorder.health, recorder.status.trouble]).toEqual(["degraded", expect.stringContaining("disk full")]);
  const { lastSeq } = recorder.status;
  vi.advanceTimersByTime(3_000);
  store.exec("DROP TRIGGER full");
  vi.advanceTimersByTime(1_000);
  expect([recorder.health, recorder.status.trouble, recorder.status.lastSeq]).toEqual(["ok", null, lastSeq + 1]);
  store.exec(refuse);
  await recorder.close(1_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("a file without a chain starts a new one", () => {
  writeFileSync(file, "not a record\n");
  expect(chainEnd(file)).toEqual({ seq: 0, hash: GENESIS, torn: false });
});

function open(changes: string[] = [], sinks: readonly Sink[] = [new FileSink(file)]): Recorder {
  return new Recorder({
    node: "n",
    sinks,
    end: chainEnd(file),
    mark: new RecordMark(store),
    bootMs: () => 1,
    healthChanged: (health) => changes.push(health),
  });
}

async function recordAndClose(sessions: readonly string[]): Promise<void> {
  const recorder = open();
  for (const session of sessions) recorder.record(event(session));
  await recorder.close(1_000);
}

function event(session: string): CoreEvent {
  return { type: "SessionCreated", bootMs: 1, session, version: 0, actor: "core" };
}

function kept(): EventRecord[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as EventRecord];
      } catch {
        return [];
      }
    });
}
