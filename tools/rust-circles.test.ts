import { describe, expect, test } from "vitest";
import { importsOf } from "./rust/modules.ts";
import { circlesOf } from "./rust-circles.ts";

describe("the imports of a file", () => {
  test("are the files whose modules or items its `use` declarations name, in groups, by another name and as a glob", () => {
    const uses =
      "use crate::{wire::{self as bytes, header::{Header, LENGTH}}, path::*};\npub(in crate::path) use self::state::State;";
    expect(importsFrom("session", "use crate::{\n  path,\n};")).toEqual(["src/path.rs"]);
    expect(importsFrom("session", uses)).toEqual([
      "src/path.rs",
      "src/session/state.rs",
      "src/wire/header.rs",
      "src/wire/mod.rs",
    ]);
  });

  test("are the files that its paths name from the crate, the parent, itself, a child or an imported module", () => {
    expect(importsFrom("session", "fn f() { crate::path::probe(super::path::X); }")).toEqual(["src/path.rs"]);
    expect(importsFrom("session", "fn f() -> state::State { self::state::State::New }")).toEqual(["src/session/state.rs"]);
    expect(importsFrom("session", "fn f() { use super::wire as w; w::header::read(); }")).toContain("src/wire/header.rs");
    expect(importsFrom("session", "use super::*; fn f() { path::probe(); }")).toEqual(["src/lib.rs", "src/path.rs"]);
  });

  test("do not include modules of other crates, or paths in a comment, a string or a visibility", () => {
    const source = `
      use std::path::Path; use ::path::A; use quinn::{path, wire::header};
      // crate::path::probe()
      /* outer /* crate::path::probe() */ crate::path::probe() */
      pub(in crate::path) fn f<'a>(text: &'a str) { say("crate::path \\" crate::path", r#" " crate::path "#, '"', b'\\'', '\\u{1F600}') }
      fn g() -> impl Iterator + use<'_> { ::wire::header::f() }`;
    expect(importsFrom("session", source)).toEqual([]);
  });

  test("do not include code that is only compiled for tests", () => {
    const source = `
      #[cfg(test)] #[allow(unused)] use crate::{path, wire};
      #[cfg(test)] pub(crate) fn f<A, B>(a: A) { crate::path::probe() }
      #[cfg(all(test, unix))] mod tests { use crate::path; }
      struct S { #[cfg(test)] probe: crate::path::Probe<A, B>, kept: crate::wire::Length }
      #[cfg(not(test))] use crate::wire::header;`;
    expect(importsFrom("session", source)).toEqual(["src/wire/header.rs", "src/wire/mod.rs"]);
    expect(importsFrom("session", "#![cfg(test)] use crate::path;")).toEqual([]);
  });

  test("of an inline module are those of its file, and its `super` is the file's own module", () => {
    const source = "mod inner { use super::state::State; use super::super::path::Probe; }";
    expect(importsFrom("session", source)).toEqual(["src/path.rs", "src/session/state.rs"]);
  });

  test("exist only for files that a declared module has, wherever `path` puts it; files of tests are none", () => {
    const crate = new Map([
      ["src/main.rs", '#[path = "elsewhere.rs"] mod named; #[cfg(test)] mod tests; use named::X; mod inline { mod deep; }'],
      ["src/elsewhere.rs", ""],
      ["src/tests.rs", "use crate::named;"],
      ["src/inline/deep.rs", "use super::super::named::X;"],
    ]);
    expect(Object.fromEntries([...importsOf(crate)].map(([file, into]) => [file, [...into]]))).toEqual({
      "src/main.rs": ["src/elsewhere.rs"],
      "src/elsewhere.rs": [],
      "src/inline/deep.rs": ["src/elsewhere.rs"],
    });
  });
});

describe("circles", () => {
  test("of three files are reported with one example", () => {
    expect(circlesAmong({ a: "use crate::b::B;", b: "use crate::c::C;", c: "fn f() { super::a::f() }" })).toEqual([
      { files: ["src/a.rs", "src/b.rs", "src/c.rs"], example: ["src/a.rs", "src/b.rs", "src/c.rs", "src/a.rs"] },
    ]);
  });

  test("of two files are permitted", () => {
    expect(circlesAmong({ a: "use crate::b::B;", b: "use crate::{a::A, c::C};", c: "" })).toEqual([]);
  });

  test("of two pairs that share a file are one circle, whose example visits the shared file twice", () => {
    expect(circlesAmong({ a: "use crate::b::B;", b: "use crate::{a::A, c::C};", c: "use crate::b::B;" })).toEqual([
      { files: ["src/a.rs", "src/b.rs", "src/c.rs"], example: ["src/a.rs", "src/b.rs", "src/c.rs", "src/b.rs", "src/a.rs"] },
    ]);
  });

  test("are reported with their shortest example, the circle of most files first", () => {
    const long = { d: "use crate::e;", e: "use crate::f;", f: "use crate::{d, g};", g: "use crate::d;" };
    const found = circlesAmong({ a: "use crate::b;", b: "use crate::c;", c: "use crate::a;", ...long });
    expect(found.map(({ files, example }) => [files.length, example.length])).toEqual([
      [4, 4],
      [3, 4],
    ]);
  });
});

/** The sorted imports of `source` as the text of `src/<name>.rs`, in a crate of a few modules. */
function importsFrom(name: string, source: string): readonly string[] {
  const crate = new Map([
    ["src/lib.rs", "mod path; mod session; mod wire;"],
    ["src/path.rs", "pub fn probe() {}"],
    ["src/session.rs", ""],
    ["src/session/state.rs", "pub enum State { New }"],
    ["src/wire/mod.rs", "pub mod header;"],
    ["src/wire/header.rs", ""],
    [`src/${name}.rs`, `${source}\n#[allow(dead_code)] mod state;`],
  ]);
  return [...(importsOf(crate).get(`src/${name}.rs`) ?? [])].sort();
}

function circlesAmong(files: Readonly<Record<string, string>>): ReturnType<typeof circlesOf> {
  const names = Object.keys(files);
  const root = names.map((name) => `mod ${name};`).join(" ");
  return circlesOf(new Map([["src/lib.rs", root], ...names.map((name) => [`src/${name}.rs`, files[name] ?? ""] as const)]));
}
