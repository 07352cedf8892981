import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "#daemon/store/database";
import type { EventRecord } from "#kernel/contract/control";
import { verifies } from "./chain.ts";
import { RecordMark } from "./mark.ts";
import type { OutletLimits } from "./outlet.ts";
import { Recorder } from "./recorder.ts";
import type { Batch, Sink } from "./sinks/sink.ts";

const CLOSE_MS = 50;

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-fanout-"));
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

test("two sinks get the same records, chained once", async () => {
  const sinks = [new Collecting("one"), new Collecting("two")];
  const recorder = open(sinks);
  note(recorder, 1_000);
  await recorder.close(1_000);
  expect(sinks[1]?.records).toEqual(sinks[0]?.records);
  expectWhole(sinks[0], 1_000);
  expect(recorder.status).toEqual({
    lastSeq: 1_000,
    lost: 0,
    trouble: null,
    sinks: ["one", "two"].map((name) => ({ name, trouble: null, keptTo: 1_000, lost: 0 })),
  });
});

test.each([
  ["throws", () => fail("it broke")],
  ["rejects", () => Promise.reject(new Error("it broke"))],
  ["never finishes", () => new Promise<void>(() => {})],
])("while one sink %s, the other gets every record, with the exact loss of the first", async (_, write) => {
  const good = new Collecting("good");
  const bad: Sink = { name: "bad", write, close: () => new Promise<void>(() => {}) };
  const recorder = open([bad, good]);
  note(recorder, 100);
  await recorder.close(CLOSE_MS);
  const last = good.records.at(-1);
  const records = good.records.length;
  expectWhole(good, records);
  expect(last).toMatchObject({ type: "EventLoss", numbers: { of: "bad", count: records - 1, first: 1, last: records - 1 } });
  expect(recorder.status.sinks).toMatchObject([
    { name: "bad", keptTo: 0 },
    { name: "good", keptTo: records, lost: 0, trouble: null },
  ]);
});

test("A50: a sink that is too slow loses what does not fit its queue; each record is either kept or lost", async () => {
  const good = new Collecting("good");
  const slow = new Collecting("slow", () => turns(20));
  const recorder = open([slow, good], { waitingBytesMax: 200_000 });
  for (let round = 0; round < 50; round++) {
    note(recorder, 200);
    await turns(2);
  }
  await recorder.close(5_000);
  const total = good.records.length;
  expectWhole(good, total);
  const kept = new Set(slow.records.map(({ seq }) => seq));
  const losses = good.records.filter(({ type }) => type === "EventLoss");
  expect(losses.length).toBeGreaterThan(0);
  expect(losses.every(({ numbers }) => numbers?.of === "slow")).toBe(true);
  expect(losses.reduce((sum, { numbers }) => sum + Number(numbers?.count), 0)).toBe(total - kept.size);
  for (const { seq } of good.records.filter((record) => !kept.has(record.seq)))
    expect(losses.some(({ numbers }) => Number(numbers?.first) <= seq && seq <= Number(numbers?.last))).toBe(true);
});

test("a sink that works again gets the record of its own loss, and health is ok when no trouble is left", async () => {
  const changes: string[] = [];
  let broken = true;
  const sink = new Collecting("sink", () => (broken ? fail("it broke") : Promise.resolve()));
  const recorder = open([sink, new Collecting("other")], { restMs: 1, waitingBytesMax: 4_096 }, changes);
  note(recorder, 3);
  await expect.poll(() => recorder.status.sinks[0]?.trouble).toBe("it broke");
  expect(recorder.status.trouble).toBe("sink: it broke");
  note(recorder, 100);
  await expect.poll(() => recorder.status.lost).toBeGreaterThan(0);
  broken = false;
  await expect.poll(() => recorder.health).toBe("ok");
  await recorder.close(1_000);
  const loss = sink.records.find(({ type, numbers }) => type === "EventLoss" && numbers?.of === "sink");
  const { lastSeq, sinks, trouble } = recorder.status;
  const lost = sinks[0]?.lost ?? 0;
  expect([sink.records.length, loss?.numbers?.count, trouble]).toEqual([lastSeq - lost, lost, null]);
  expect(changes).toEqual(["degraded sink: it broke", "ok "]);
});

function open(sinks: readonly Sink[], limits: Partial<OutletLimits> = {}, changes: string[] = []): Recorder {
  return new Recorder({
    node: "n",
    sinks,
    limits,
    end: { seq: 0, hash: "0".repeat(64), torn: false },
    mark: new RecordMark(store),
    bootMs: () => 1,
    healthChanged: (health, why) => changes.push(`${health} ${why}`),
  });
}

function note(recorder: Recorder, count: number): void {
  for (let index = 0; index < count; index++) recorder.note("Diagnostic", { index });
}

/** Checks that the records have the numbers 1 to `count`, each chained to the one before. */
function expectWhole(sink: Collecting | undefined, count: number): void {
  const records = sink?.records ?? [];
  expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  expect(records.every(verifies)).toBe(true);
  expect(records.slice(1).every(({ prev }, index) => prev === records[index]?.hash)).toBe(true);
}

/** Turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

function fail(why: string): never {
  throw new Error(why);
}

/** A sink that keeps each batch after `before` has resolved. */
class Collecting implements Sink {
  readonly name: string;
  readonly records: EventRecord[] = [];
  readonly #before: () => Promise<unknown>;

  constructor(name: string, before: () => Promise<unknown> = () => Promise.resolve()) {
    this.name = name;
    this.#before = before;
  }

  async write({ pieces }: Batch): Promise<void> {
    await this.#before();
    const lines = Buffer.concat(pieces).toString().split("\n").slice(0, -1);
    this.records.push(...lines.map((line) => JSON.parse(line) as EventRecord));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
