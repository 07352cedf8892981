import { describe, expect, test } from "vitest";
import { Outlet, type OutletLimits } from "./outlet.ts";
import type { Batch, Sink } from "./sinks/sink.ts";

describe("an outlet", () => {
  test("passes on lines whole and in order, long and short, also when memory is reused", async () => {
    const life = new Life();
    const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${"ü".repeat(index % 7 === 0 ? 20_000 : index % 400)}`);
    for (const half of [lines.slice(0, 1_500), lines.slice(1_500)]) {
      for (const line of half) life.push(line);
      await life.flush();
    }
    expect(life.kept === lines.map((line) => `${line}\n`).join("")).toBe(true);
    expect(life.outlet).toMatchObject({ keptTo: 3_000, lost: 0, trouble: null, isDone: true });
  });

  test("whose sink refuses a batch keeps it, reports why once, and passes it on with what came later", async () => {
    const life = new Life({ restMs: 60_000 });
    life.sink.answer = () => Promise.reject(new Error("no space"));
    for (const line of ["a", "b", "c"]) life.push(line);
    await life.flush();
    for (const line of ["d", "e"]) life.push(line);
    await life.flush();
    expect(life.changes).toEqual(["no space"]);
    expect(life.outlet).toMatchObject({ keptTo: 0, lost: 0, isDone: false });
    life.sink.answer = () => Promise.resolve();
    await life.flush();
    expect(life.changes).toEqual(["no space", null]);
    expect([life.outlet.takeLoss(), life.kept, life.outlet.keptTo]).toEqual([null, "a\nb\nc\nd\ne\n", 5]);
  });

  test("whose sink refuses for long counts what does not fit, and the sink then gets the oldest records", async () => {
    const life = new Life({ restMs: 60_000, waitingBytesMax: 4 });
    life.sink.answer = () => Promise.reject(new Error("no space"));
    life.push("a");
    await life.flush();
    for (const line of ["b", "c", "d"]) life.push(line);
    expect(life.outlet).toMatchObject({ keptTo: 0, lost: 2, trouble: "no space" });
    life.sink.answer = () => Promise.resolve();
    await life.flush();
    expect([life.outlet.takeLoss(), life.kept]).toEqual([{ count: 2, first: 3, last: 4 }, "a\nb\n"]);
    expect(life.changes).toEqual(["no space", null]);
  });

  test("recovers by itself, without a further record, however often its sink refused", async () => {
    const life = new Life({ restMs: 1 });
    let refusals = 0;
    life.sink.answer = () => {
      if (++refusals <= 3) throw new Error("thrown, not rejected");
      return Promise.resolve();
    };
    life.push("a");
    life.outlet.start();
    await expect.poll(() => life.kept).toBe("a\n");
    expect(life.outlet).toMatchObject({ lost: 0, keptTo: 1, trouble: null });
  });

  test("whose sink does not answer reports it, refuses what does not fit, and continues after the answer", async () => {
    const life = new Life({ waitingBytesMax: 10, writeMsMax: 1 });
    const answers: (() => void)[] = [];
    life.sink.answer = () => new Promise<void>((resolve) => answers.push(resolve));
    life.push("1234");
    life.outlet.start();
    await expect.poll(() => life.changes).toEqual(["it does not answer"]);
    for (const line of ["5678", "x", "y"]) life.push(line);
    expect(life.outlet).toMatchObject({ lost: 2, keptTo: 0 });
    life.sink.answer = () => Promise.resolve();
    answers[0]?.();
    await life.flush();
    expect([life.kept, life.outlet.trouble, life.outlet.takeLoss()]).toEqual([
      "1234\n5678\n",
      null,
      { count: 2, first: 3, last: 4 },
    ]);
  });

  test("that is abandoned counts each record once, however the sink answers later", async () => {
    const life = new Life();
    const answers: ((cause: Error) => void)[] = [];
    life.sink.answer = () => new Promise<void>((_, reject) => answers.push(reject));
    life.push("a");
    life.outlet.start();
    life.push("b");
    life.outlet.abandon();
    answers[0]?.(new Error("too late"));
    await new Promise(setImmediate);
    life.push("c");
    expect(life.outlet.takeLoss()).toEqual({ count: 3, first: 1, last: 3 });
    expect(life.outlet).toMatchObject({ lost: 3, keptTo: 0 });
  });

  test("closes within its time, even if the sink does not", async () => {
    const life = new Life();
    life.sink.close = () => new Promise(() => {});
    await life.outlet.close(new Promise(setImmediate));
    life.sink.close = () => Promise.reject(new Error("cannot close"));
    await life.outlet.close(new Promise(() => {}));
  });
});

/** An outlet with its sink, and what the sink kept and reported. */
class Life {
  readonly changes: (string | null)[] = [];
  readonly outlet: Outlet;
  kept = "";
  #seq = 0;
  readonly sink: Sink & { answer: () => Promise<void> } = {
    name: "test",
    answer: () => Promise.resolve(),
    write: async (batch: Batch) => {
      const text = Buffer.concat(batch.pieces).toString();
      expect([Buffer.byteLength(text), text.split("\n").length - 1]).toEqual([batch.bytes, batch.count]);
      await this.sink.answer();
      this.kept += text;
    },
    close: () => Promise.resolve(),
  };

  constructor(limits: Partial<OutletLimits> = {}) {
    this.outlet = new Outlet(this.sink, ({ trouble }) => this.changes.push(trouble), limits);
  }

  push(line: string): void {
    this.outlet.push(++this.#seq, Buffer.from(`${line}\n`));
  }

  flush(): Promise<void> {
    return this.outlet.flush(new Promise(() => {}));
  }
}
