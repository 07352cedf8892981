import { expect, test } from "vitest";
import { journalLine, plainLine } from "./lines.ts";

const line = (fields: object) => JSON.stringify({ level: 30, time: Date.UTC(2026, 0, 2, 14, 3, 5), pid: 7, ...fields });

test("a line for a terminal has time, level, message and details; what could move the cursor is quoted", () => {
  expect(plainLine(line({ msg: "ready", role: "client", why: "no route", bad: "a\u001b[2J\n", list: [1] }))).toBe(
    '14:03:05.000 info ready role=client why=no route bad="a\\u001b[2J\\n" list=[1]',
  );
});

test("a line for journald has a priority, and no time of its own", () => {
  const levels = [60, 50, 40, 30, 20, 10].map((level) => journalLine(line({ level, msg: "m", n: 1 })));
  expect(levels).toEqual(["<2>m n=1", "<3>m n=1", "<4>m n=1", "<6>m n=1", "<7>m n=1", "<7>m n=1"]);
});
