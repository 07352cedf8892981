import { expect, test } from "vitest";
import type { Io } from "../io.ts";
import { cut, paint } from "./text.ts";

function ioOf(terminal: boolean, columns: number): Io {
  return { line: () => {}, json: () => {}, progress: () => {}, color: true, terminal, columns };
}

test("a terminal gets what fits, without a colour that would not end, and a pipe gets all", () => {
  const text = `${paint(ioOf(true, 10), "red", "0123456789")}ab`;
  expect(cut(ioOf(true, 12), text)).toBe(text);
  expect(cut(ioOf(true, 10), text)).toBe("012345678…");
  expect(cut(ioOf(true, 10), text, 12)).toBe(text);
  expect(cut(ioOf(false, 10), text)).toBe(text);
});
