import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIELDS } from "#domains/policy/fields";
import type { Row } from "#domains/session/row";
import { TABLE } from "#domains/session/table";
import { REASONS } from "#kernel/contract/reason";
import { keyOf, MEANING } from "./policy.ts";

const ROOT = join(import.meta.dirname, "../..");
const source = (file: string): string => readFileSync(join(ROOT, file), "utf8");

describe("sources that must agree", () => {
  test("every policy key has a meaning, and every meaning a key", () => {
    expect(Object.keys(MEANING).toSorted()).toEqual(FIELDS.map(keyOf).toSorted());
  });

  test("every reason of the session table is registered", () => {
    const rows: readonly Row[] = TABLE;
    const used = rows.flatMap((row) => [
      ...row.to.map((hop) => hop.because),
      ...(row.refuses === undefined ? [] : [row.refuses]),
    ]);
    const unknown = used.filter((because) => !because.startsWith("$") && !Object.hasOwn(REASONS, because));
    expect(unknown).toEqual([]);
  });

  test("every reason fits the wire format", () => {
    const longest = numberOf(source("engine/proto/src/wire/text.rs"), "REASON_MAX");
    const unfit = Object.keys(REASONS).filter((reason) => reason.length > longest || !/^[a-z0-9_]+$/.test(reason));
    expect(unfit).toEqual([]);
  });
});

describe("the decision on chosen parts", () => {
  const page = source("docs/decisions/0001-chosen-parts.md");
  const missing = (names: readonly string[]) => names.filter((name) => !page.includes(`| \`${name}\` |`));

  test("lists every npm package of the product", () => {
    const { dependencies } = JSON.parse(source("package.json")) as { dependencies: Record<string, string> };
    expect(missing(Object.keys(dependencies))).toEqual([]);
  });

  test("lists every crate of the engine", () => {
    const crates = ["proto", "io", "node"].flatMap((name) => cratesOf(source(`engine/${name}/Cargo.toml`)));
    expect(crates.length).toBeGreaterThan(20);
    expect(missing(crates)).toEqual([]);
  });
});

describe("the guide for troubleshooting", () => {
  test("explains only registered reasons", () => {
    const tables = source("docs/guide/troubleshooting.md")
      .split("\n\n")
      .filter((part) => /^\| (last )?reason/.test(part));
    const firstCells = tables.flatMap((table) => table.split("\n").slice(2)).map((line) => line.split("|")[1] ?? "");
    const named = firstCells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, reason = ""]) => reason));
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter((reason) => !Object.hasOwn(REASONS, reason))).toEqual([]);
  });
});

describe("the specification of the wire", () => {
  const spec = source("docs/spec/wire.md");
  const constants = [...spec.matchAll(/^\| `([A-Z0-9_]+)` \| `([^`]+)` \| .* \| `([^`]+)` \|$/gm)];

  test("gives every constant the value that the code has", () => {
    const wrong = constants.filter(
      ([, name = "", value = "", file = ""]) => rightSideOf(source(`engine/proto/src/${file}`), name) !== value,
    );
    expect(constants.length).toBeGreaterThan(20);
    expect(wrong.map(([line]) => line)).toEqual([]);
  });

  test("contains every frame type of the code with its number", () => {
    const frames = [...source("engine/proto/src/frames/mod.rs").matchAll(/^const ([A-Z_]+): u8 = 0x([0-9a-f]{2});$/gm)];
    const missing = frames.filter(([, name, number]) => !spec.includes(`| ${number} | ${name} `));
    expect(frames.length).toBeGreaterThan(20);
    expect(missing.map(([line]) => line)).toEqual([]);
  });
});

/** Third-party crates of `[dependencies]`. */
function cratesOf(manifest: string): readonly string[] {
  const section = manifest.split("\n[").find((part) => part.startsWith("dependencies]")) ?? "";
  const lines = section.split("\n").filter((line) => line.includes("=") && !line.startsWith("#") && !line.includes("path ="));
  return lines.map((line) => line.slice(0, line.indexOf("=")).trim());
}

/** The right side of a Rust constant, as written; `undefined` if there is no such constant. */
function rightSideOf(rust: string, name: string): string | undefined {
  return new RegExp(`const ${name}: [^=]+ = ([^;]+);`).exec(rust)?.[1];
}

function numberOf(rust: string, name: string): number {
  return Number(rightSideOf(rust, name)?.replaceAll("_", ""));
}
