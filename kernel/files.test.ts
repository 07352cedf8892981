import { expect, test } from "vitest";
import { fileAdvice, foldersOf } from "./files.ts";

test("each error of the system about a file has its own why and do, which name the place", () => {
  expect(fileAdvice("EROFS", "/x")).toEqual({
    why: "its file system is mounted read-only",
    hint: "choose another place, or mount it writable",
  });
  expect(fileAdvice("ENOSPC", "/var/x")?.hint).toBe("free some space: `df /var/x` shows how much there is");
  expect([fileAdvice("ECONNREFUSED", "/x"), fileAdvice(undefined, "/x")]).toEqual([undefined, undefined]);
});

test("a folder is made with its parents, one after another", () => {
  expect(foldersOf("/a/b/c")).toEqual(["/a", "/a/b", "/a/b/c"]);
  expect(foldersOf("/")).toEqual([]);
});
