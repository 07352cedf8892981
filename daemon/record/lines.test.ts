import { expect, test } from "vitest";
import { Lines } from "./lines.ts";

const line = (index: number): string => `${index} ${"ü".repeat((index * 37) % 300)}`;
const bytes = (text: string): Uint8Array => Buffer.from(`${text}\n`);
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => line(from + index));

test("the newest lines stay in order and whole while their memory is moved many times", () => {
  const lines = new Lines(100);
  for (let index = 0; index < 5_000; index++) {
    expect(lines.add(bytes(line(index)))).toBe(index >= 100);
    if (index % 611 === 0 || index === 4_999) expect(lines.all()).toEqual(range(Math.max(0, index - 99), index + 1));
  }
});

test("after `clear`, no earlier line is left", () => {
  const lines = new Lines(3);
  expect(lines.all()).toEqual([]);
  for (const size of [10, 100_000]) {
    for (let index = 0; index < 5; index++) lines.add(bytes(`${index}`.repeat(size)));
    lines.clear();
    expect(lines.all()).toEqual([]);
    expect(lines.add(bytes("a"))).toBe(false);
    expect(lines.all()).toEqual(["a"]);
    lines.clear();
  }
});
