import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventClass } from "#kernel/contract/event";
import { type EventLoss, EventRing } from "./ring.ts";

type Entry<T> = Parameters<EventRing<T>["push"]>[0];

describe("the ring", () => {
  test("returns records in the order of their numbers, across classes", () => {
    const ring = new EventRing<string>();
    for (const [seq, name] of (["info", "transition", "security", "info"] as const).entries()) ring.push(entry(seq, name));
    expect(ring.drain(3).map(({ seq }) => seq)).toEqual([0, 1, 2]);
    expect(ring.drain(9).map(({ seq }) => seq)).toEqual([3]);
    expect(ring.drain(9)).toEqual([]);
  });

  test("information never fills the reserve", () => {
    const ring = new EventRing<string>({ records: 8, bytes: 1_000_000 });
    for (let seq = 0; seq < 10; seq++) ring.push(entry(seq, "info"));
    expect(ring.size).toBe(6);
    expect(ring.takeLosses()).toEqual([{ class: "info", count: 4, first: 0, last: 3 }]);
    expect(ring.hasLosses).toBe(false);
  });

  test("when full, the oldest of the lowest class is dropped first, transitions last", () => {
    const ring = new EventRing<string>({ records: 4, bytes: 1_000_000 });
    const classes: readonly EventClass[] = ["info", "security", "transition", "info", "transition", "security", "transition"];
    for (const [seq, name] of classes.entries()) ring.push(entry(seq, name));
    expect(ring.takeLosses()).toEqual([
      { class: "info", count: 2, first: 0, last: 3 },
      { class: "security", count: 1, first: 1, last: 1 },
    ]);
    expect(ring.drain(9).map(({ seq }) => seq)).toEqual([2, 4, 5, 6]);
  });

  test("a new record of a lower class than all others is dropped itself", () => {
    const ring = new EventRing<string>({ records: 2, bytes: 1_000_000 });
    for (const [seq, name] of (["transition", "transition", "security"] as const).entries()) ring.push(entry(seq, name));
    expect(ring.takeLosses()).toEqual([{ class: "security", count: 1, first: 2, last: 2 }]);
  });

  test("bytes are bounded as well, and a record larger than the limit is dropped alone", () => {
    const ring = new EventRing<string>({ records: 100, bytes: 1_000 });
    for (let seq = 0; seq < 10; seq++) ring.push(entry(seq, "transition", 300));
    expect(ring.size).toBe(3);
    ring.push(entry(10, "transition", 5_000));
    expect(ring.size).toBe(0);
    expect(ring.takeLosses()).toEqual([{ class: "transition", count: 11, first: 0, last: 10 }]);
  });
});

test("for any load: bounded, ordered, and every record is delivered or counted in its class, exactly once", () => {
  const limits = { records: 12, bytes: 400 };
  const acts = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ class: fc.constantFrom<EventClass>("info", "security", "transition"), bytes: fc.nat(120) }),
    },
    { weight: 1, arbitrary: fc.record({ drain: fc.nat(6) }) },
  );
  fc.assert(
    fc.property(fc.array(acts, { maxLength: 200 }), (sequence) => {
      const ring = new EventRing<number>(limits);
      const pushed = { info: 0, security: 0, transition: 0 };
      const delivered: Entry<number>[] = [];
      let seq = 0;
      for (const act of sequence) {
        if ("drain" in act) {
          delivered.push(...ring.drain(act.drain));
          continue;
        }
        ring.push({ seq, class: act.class, bytes: act.bytes, record: seq });
        pushed[act.class] += 1;
        seq += 1;
        expect(ring.size).toBeLessThanOrEqual(limits.records);
      }
      const rest = ring.drain(1_000);
      expect(rest.filter((each) => each.class === "info").length).toBeLessThanOrEqual(limits.records * 0.75);
      expect(rest.reduce((sum, each) => sum + each.bytes, 0)).toBeLessThanOrEqual(limits.bytes);
      delivered.push(...rest);
      const numbers = delivered.map((each) => each.seq);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      const losses = ring.takeLosses();
      for (const name of ["info", "security", "transition"] as const) {
        const arrived = delivered.filter((each) => each.class === name).length;
        expect(arrived + lost(losses, name)).toBe(pushed[name]);
      }
    }),
  );
});

test("at its real size a flood of information fills exactly all but the reserve", () => {
  const ring = new EventRing<null>();
  for (let seq = 0; seq < 200_000; seq++) ring.push({ seq, class: "info", bytes: 10, record: null });
  expect(ring.size).toBe(49_152);
  expect(ring.takeLosses()).toEqual([{ class: "info", count: 200_000 - ring.size, first: 0, last: 200_000 - ring.size - 1 }]);
});

function entry(seq: number, name: EventClass, bytes = 10): Entry<string> {
  return { seq, class: name, bytes, record: `record ${seq}` };
}

function lost(losses: readonly EventLoss[], name: EventClass): number {
  return losses.find((loss) => loss.class === name)?.count ?? 0;
}
