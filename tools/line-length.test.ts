import { describe, expect, test } from "vitest";
import { longLines } from "./line-length.ts";

const LONG = "word ".repeat(30);

describe("a line is too long", () => {
  test("where a comment goes beyond 120 columns", () => {
    const rust = `//! ${LONG}\n/// short\nfn f() {} // a line of code is the formatter's\n    // ${LONG}`;
    expect(longLines("a.rs", rust).map(({ line }) => line)).toEqual([1, 4]);
    expect(longLines("a.ts", `/**\n * ${LONG}\n */\nconst text = "${LONG}";`).map(({ line }) => line)).toEqual([2]);
  });

  test("where prose of a document does, but neither its tables nor its blocks of code", () => {
    const document = `${LONG}\n| ${LONG} |\n\`\`\`\n${LONG}\n\`\`\`\n- ${LONG}`;
    expect(longLines("a.md", document).map(({ line }) => line)).toEqual([1, 6]);
  });

  test("by its characters, not by its bytes, and never where it cannot be broken", () => {
    expect(longLines("a.rs", `// ${"é ".repeat(58)}`)).toEqual([]);
    expect(longLines("a.ts", `// https://example.org/${"x".repeat(200)}`)).toEqual([]);
  });
});
