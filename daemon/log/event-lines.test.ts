import { expect, test } from "vitest";
import type { Log } from "#daemon/log/log";
import { EventLines } from "./event-lines.ts";

test("the log repeats two hundred events per second, and a line in the next second counts those left out", () => {
  const written: [object, string][] = [];
  let now = 5_000;
  const log = { info: (details: object, what: string) => written.push([details, what]) } as unknown as Log;
  const lines = new EventLines(log, () => now);
  for (let index = 0; index < 1_000; index++) lines.repeat("TransportSwitch", () => ({ index }));
  expect(written.length).toBe(200);
  now = 6_000;
  lines.repeat("TransportSwitch", () => ({ index: 1_000 }));
  expect(written.slice(200)).toEqual([
    [{ count: 800 }, "events were left out of this log; the record has all of them"],
    [{ index: 1_000 }, "TransportSwitch"],
  ]);
});
