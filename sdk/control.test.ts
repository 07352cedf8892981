import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Control } from "./index.ts";

const SESSIONS = Array.from({ length: 2_345 }, (_, index) => ({ handle: index + 1 }));

let folder: string;
let server: Server;
let asked: string[];
/** Number of sessions that end between two pages. */
let leaving = 0;

/** A daemon that only lists sessions, at most 1,000 per answer. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-sdk-"));
  asked = [];
  leaving = 0;
  server = createServer((question, answer) => {
    const { searchParams } = new URL(question.url ?? "", "http://daemon");
    const [limit, offset] = [Number(searchParams.get("limit")), Number(searchParams.get("offset"))];
    asked.push(`${limit} from ${offset}`);
    const here = SESSIONS.slice(0, SESSIONS.length - leaving * (asked.length - 1));
    answer.end(JSON.stringify({ total: here.length, sessions: here.slice(offset, offset + Math.min(limit, 1_000)) }));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test.each([
  [5_000, 2_345, ["1000 from 0", "1000 from 1000", "1000 from 2000"]],
  [1_500, 1_500, ["1000 from 0", "500 from 1000"]],
  [1_000, 1_000, ["1000 from 0"]],
  [7, 7, ["7 from 0"]],
])("at most %i sessions are requested in pages", async (limit, expected, pages) => {
  const { total, sessions } = await new Control({ socket: join(folder, "s") }).sessions(limit);
  expect([total, sessions.length, asked]).toEqual([2_345, expected, pages]);
  expect(sessions).toEqual(SESSIONS.slice(0, expected));
});

test("if sessions end between two pages, the list ends early and no further page is requested", async () => {
  leaving = 1_000;
  const { total, sessions } = await new Control({ socket: join(folder, "s") }).sessions();
  expect([total, sessions.length, asked.length]).toEqual([1_345, 1_345, 2]);
});
