/**
 * `npm run generate`: writes the reference pages and the engine's types from the code. With `--check` it writes nothing
 * and lists stale pages, with exit code 1. The engine's types are checked by `cargo test` instead.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { events } from "./generate/events.ts";
import { exitCodes } from "./generate/exit-codes.ts";
import type { Page } from "./generate/markdown.ts";
import { policy } from "./generate/policy.ts";
import { reasons } from "./generate/reasons.ts";
import { securityEvents } from "./generate/security-events.ts";
import { transitions } from "./generate/transitions.ts";
import { ROOT, run } from "./shell.ts";

const REFERENCE = join("docs", "reference");

function main(args: readonly string[]): void {
  const check = args.length === 1 && args[0] === "--check";
  if (args.length > 0 && !check) {
    fail(`unknown argument: ${args.join(" ")}\n  why: only --check is known\n  do:  npm run generate [-- --check]`);
    return;
  }
  const pages = [transitions(), reasons(), events(), securityEvents(), policy(), exitCodes()];
  const stale = pages.filter((page) => contentOf(pathOf(page)) !== page.text);
  const leftover = leftovers(pages);
  if (check) judge([...stale.map(pathOf), ...leftover]);
  else renew(stale, leftover);
}

function judge(files: readonly string[]): void {
  if (files.length > 0) fail(`${files.map((file) => `stale: ${file}`).join("\n")}\n  do:  npm run generate`);
}

function renew(stale: readonly Page[], leftover: readonly string[]): void {
  for (const page of stale) write(pathOf(page), page.text);
  for (const file of leftover) rmSync(join(ROOT, file));
  generateEngineTypes();
}

function generateEngineTypes(): void {
  const { ok, output } = run(
    "env",
    ["JVPN_WRITE_TYPES=1", "cargo", "test", "--quiet", "--locked", "-p", "jvpn-proto", "--test", "engine_types"],
    join(ROOT, "engine"),
  );
  if (!ok) fail(`kernel/contract/engine.generated.ts was not generated\n${output.trimEnd()}`);
}

const pathOf = (page: Page): string => join(REFERENCE, page.name);

/** Files that no generator writes: their source was removed, or they were written by hand in the wrong folder. */
function leftovers(pages: readonly Page[]): string[] {
  const files = readdirSync(join(ROOT, REFERENCE), { withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => entry.name)
    .filter((name) => !pages.some((page) => page.name === name))
    .map((name) => join(REFERENCE, name));
}

/** `undefined` if the file does not exist. */
function contentOf(file: string): string | undefined {
  try {
    return readFileSync(join(ROOT, file), "utf8");
  } catch {
    return undefined;
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(ROOT, file)), { recursive: true });
  writeFileSync(join(ROOT, file), text);
}

function fail(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2));
