import { describe, expect, test } from "vitest";
import { exportFaults } from "./exports.ts";

describe("an export", () => {
  test("that only tests import is reported with its line", () => {
    const files = {
      "core/a.ts": "\nexport function dead(): void {}",
      "core/a.test.ts": 'import { dead } from "./a.ts";',
    };
    expect(faults(files)).toEqual(["core/a.ts:2 exports dead, which only tests import"]);
  });

  test("that only its own file uses is reported, whatever kind of declaration it has", () => {
    const declarations = [
      "function f() {}",
      "class C {}",
      "interface I {}",
      "type T = 1;",
      "enum E {}",
      "const { c, d: [e] } = x;",
    ];
    const text = [...declarations.map((each) => `export ${each}`), "const local = f; export { local as renamed };"].join("\n");
    const names = faults({ "core/a.ts": text }).map((fault) => /exports (\w+), which nothing imports/.exec(fault)?.[1]);
    expect(names).toEqual(["f", "C", "I", "T", "E", "c", "e", "renamed"]);
  });

  test.each([
    ["by its name", 'import { a } from "./a.ts";'],
    ["by another name", 'import { a as b } from "#core/a";'],
    ["as a type", 'import type { a } from "#core/a";'],
    ["and re-exports it", 'export { a } from "./a.ts"; import "./b.ts";'],
    ["and re-exports everything", 'export * from "./a.ts";'],
    ["by import()", 'const a = await import("#core/a");'],
    ["by import() as a type", 'type A = import("./a.ts").a;'],
    ["as a member of a namespace", 'import * as all from "./a.ts"; all.a();'],
    ["as a member of a namespace that is passed on whole", 'import * as all from "./a.ts"; f(all);'],
  ])("is read by a file that imports it %s", (_how, text) => {
    expect(
      faults({ "core/a.ts": "export const a = 1;", "core/b.ts": text }).filter((fault) => fault.startsWith("core/a.ts")),
    ).toEqual([]);
  });

  test("is not read by a file that uses another member of the namespace, or that has an own name like it", () => {
    const files = {
      "core/a.ts": "export const a = 1;\nexport const b = 1;",
      "core/c.ts": 'import * as all from "./a.ts"; all.b(a.all);',
    };
    expect(faults(files)).toEqual(["core/a.ts:1 exports a, which nothing imports"]);
  });

  test("that is re-exported needs a reader there as well", () => {
    const files = { "core/a.ts": "export const a = 1;", "core/b.ts": 'export { a } from "./a.ts";' };
    expect(faults(files)).toEqual(["core/b.ts:1 exports a, which nothing imports"]);
  });

  test("of the SDK's index or of a generated file needs no reader", () => {
    expect(faults({ "sdk/index.ts": "export const a = 1;", "kernel/x.generated.ts": "export type B = 1;" })).toEqual([]);
  });

  test("may stay with a reason while it has no reader", () => {
    const files = {
      "core/a.ts": "export const a = 1;",
      "core/b.ts": 'import { c } from "./c.ts";',
      "core/c.ts": "export const c = 1;",
    };
    expect(faults(files, { "core/a.ts#a": "a reason", "core/c.ts#c": "a reason" })).toEqual([
      "core/c.ts#c is on the list of exports without a reader, but it has a reader or does not exist",
    ]);
  });
});

function faults(files: Readonly<Record<string, string>>, kept: Readonly<Record<string, string>> = {}): readonly string[] {
  return exportFaults(new Map(Object.entries(files)), kept);
}
