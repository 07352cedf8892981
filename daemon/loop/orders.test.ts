import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EngineBusy, type EnginePort } from "#daemon/ports/engine";
import type { Command } from "#kernel/contract/engine.generated";
import { Orders } from "./orders.ts";

let engine: PickyEngine;
let orders: Orders;
let refused: number[];
let stuck: string | null;

beforeEach(() => {
  vi.useFakeTimers();
  engine = new PickyEngine();
  refused = [];
  stuck = null;
  orders = new Orders(engine, {
    refused: (command) => refused.push("session" in command ? command.session : 0),
    stuck: (why) => {
      stuck = why;
    },
  });
});
afterEach(() => vi.useRealTimers());

test("many commands are sent in chunks of at most 4,096, in order", () => {
  orders.give(Array.from({ length: 70_000 }, (_, index) => forget(index)));
  expect(Math.max(...engine.calls)).toBe(4_096);
  expect(engine.taken).toEqual(Array.from({ length: 70_000 }, (_, index) => index));
});

test("a command that the engine cannot read affects no other", () => {
  engine.bad = new Set([3, 4_999]);
  orders.give(Array.from({ length: 5_000 }, (_, index) => forget(index)));
  expect(refused).toEqual([3, 4_999]);
  expect(engine.taken).toEqual(Array.from({ length: 5_000 }, (_, index) => index).filter((index) => !engine.bad.has(index)));
});

test("commands that a busy engine does not accept wait, and later ones stay behind them", () => {
  engine.busy = true;
  orders.give([forget(1)]);
  orders.give([forget(2)]);
  engine.busy = false;
  orders.give([forget(3)]);
  expect(engine.taken).toEqual([]);
  vi.advanceTimersByTime(10);
  expect(engine.taken).toEqual([1, 2, 3]);
  expect(refused).toEqual([]);
});

test("an engine that accepts nothing for ten seconds is reported as stuck, once", () => {
  engine.busy = true;
  orders.give([forget(1)]);
  vi.advanceTimersByTime(9_900);
  expect(stuck).toBeNull();
  vi.advanceTimersByTime(200);
  expect(stuck).toContain("accepts no commands");
  expect(vi.getTimerCount()).toBe(0);
});

const forget = (session: number): Command => ({ type: "ForgetSession", session });

class PickyEngine implements EnginePort {
  bad = new Set<number>();
  busy = false;
  readonly taken: number[] = [];
  readonly calls: number[] = [];

  apply(commands: readonly Command[]): void {
    if (this.busy) throw new EngineBusy("65,536 commands wait");
    const sessions = commands.flatMap((command) => ("session" in command ? [command.session] : []));
    if (sessions.some((session) => this.bad.has(session))) throw new Error("expected u64");
    this.calls.push(commands.length);
    this.taken.push(...sessions);
  }

  drain() {
    return { reports: [], lost: 0, waiting: 0 };
  }

  stop(): void {}
}
