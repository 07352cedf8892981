import { expect, test } from "vitest";
import type { Io } from "../io.ts";
import { cut, paint } from "./text.ts";

function ioOf(terminal: boolean, columns: number): Io {
  return { line: () => {}, json: () => {}, progress: () => {}, color: true, terminal, columns };
}

test("a text is cut to the width of a terminal and leaves no colour open; for a pipe it is not cut", () => {
  const text = `${paint(ioOf(true, 10), "red", "0123456789")}ab`;
  expect(cut(ioOf(true, 12), text)).toBe(text);
  expect(cut(ioOf(true, 10), text)).toBe("012345678…");
  expect(cut(ioOf(true, 10), text, 12)).toBe(text);
  expect(cut(ioOf(false, 10), text)).toBe(text);
});
