/**
 * A long-lived interactive connection, as a person at a remote shell makes it: a line, its echo, the next line. This file is both
 * ends' program: `serve ADDRESS PORT` echoes, `type ADDRESS PORT` types. The typist tells each second, and when its standard input
 * closes, what it saw; it ends at the first fault.
 */
import { createConnection, createServer } from "node:net";
import { createInterface } from "node:readline";

const PAUSE_MS = 50;
/** Neither end outlives this, whatever happens to the lab. */
const LIFE_MS = 15 * 60_000;

export interface Typed {
  readonly lines: number;
  readonly longestMs: number;
  /** What broke the conversation; `null` = nothing. */
  readonly fault: string | null;
}

function serve(address: string, port: number): void {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(port, address, () => process.stdout.write("{}\n"));
}

function type(address: string, port: number): void {
  const socket = createConnection(port, address);
  let lines = 0;
  let longestMs = 0;
  let sentAt = 0;
  const say = (fault: string | null): void => {
    process.stdout.write(`${JSON.stringify({ lines, longestMs, fault } satisfies Typed)}\n`);
  };
  const next = (): void => {
    sentAt = performance.now();
    socket.write(`line ${lines + 1}\n`);
  };
  const fail = (fault: string): void => {
    say(fault);
    process.exit(1);
  };
  socket.setNoDelay(true);
  socket.on("connect", next);
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail("the connection was closed"));
  createInterface({ input: socket }).on("line", (line) => {
    if (line !== `line ${lines + 1}`) fail(`“${line}” came back for line ${lines + 1}`);
    lines += 1;
    longestMs = Math.max(longestMs, performance.now() - sentAt);
    setTimeout(next, PAUSE_MS);
  });
  createInterface({ input: process.stdin }).on("line", () => say(null));
}

const [role, address = "", port = ""] = process.argv.slice(2);
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
setTimeout(() => process.exit(1), LIFE_MS).unref();
if (role === "serve") serve(address, Number(port));
else type(address, Number(port));
