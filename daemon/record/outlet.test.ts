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

  test("whose sink refuses a batch counts it, reports why once, and has the loss ready afterwards", async () => {
    const life = new Life({ restMs: 1 });
    life.sink.answer = () => Promise.reject(new Error("no space"));
    for (const line of ["a", "b", "c"]) life.push(line);
    await life.flush();
    for (const line of ["d", "e"]) life.push(line);
    await life.flush();
    expect(life.changes).toEqual(["no space"]);
    expect(life.outlet).toMatchObject({ keptTo: 0, lost: 5 });
    life.sink.answer = () => Promise.resolve();
    life.push("f");
    await life.flush();
    expect(life.changes).toEqual(["no space", null]);
    expect([life.outlet.takeLoss(), life.outlet.takeLoss()]).toEqual([{ count: 5, first: 1, last: 5 }, null]);
    expect([life.kept, life.outlet.keptTo]).toEqual(["f\n", 6]);
  });

  test("retries by itself, without a further record", async () => {
    const life = new Life({ restMs: 1 });
    life.sink.answer = () => {
      life.push("b");
      life.sink.answer = () => Promise.resolve();
      throw new Error("thrown, not rejected");
    };
    life.push("a");
    life.outlet.start();
    await expect.poll(() => life.kept).toBe("b\n");
    expect(life.outlet).toMatchObject({ lost: 1, keptTo: 2, trouble: null });
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
