import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "./database.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-store-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("only its owner may read the files of the database", () => {
  const store = openStore(folder);
  store.exec("INSERT INTO lease VALUES ('k', '10.80.0.2', NULL, 1)");
  expect(readdirSync(folder).sort()).toEqual(["state.db", "state.db-shm", "state.db-wal"]);
  expect(modes()).toEqual([0o600, 0o600, 0o600]);
  store.close();
});

test("the mode of a file that other users could read is corrected", () => {
  writeFileSync(join(folder, "state.db"), "");
  chmodSync(join(folder, "state.db"), 0o644);
  openStore(folder).close();
  expect(modes()).toEqual([0o600]);
});

const modes = () => readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
