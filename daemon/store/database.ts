import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { DatabaseSyncInstance } from "@photostructure/sqlite";
import { causeText, StartFailure } from "#daemon/fault";
import { EXIT } from "#kernel/contract/exit-code";

/** The data that a daemon keeps across restarts: `state.db` in its state directory. */
export type Store = DatabaseSyncInstance;

/** Only the daemon's user may read the addresses of clients and the history of the policy. */
const MODE = 0o600;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS lease (key TEXT PRIMARY KEY, v4 TEXT UNIQUE, v6 TEXT UNIQUE, made_at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS policy_version (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, origin TEXT NOT NULL, actor TEXT NOT NULL,
    wall_ms INTEGER NOT NULL, file TEXT NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS record_end (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS gateway_name (name TEXT PRIMARY KEY, addresses TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS policy_overridden (id INTEGER PRIMARY KEY CHECK (id = 1), mark TEXT NOT NULL) STRICT;
`;

/** Opens the store in a directory that this process has claimed. Throws a `StartFailure` if it cannot be used. */
export function openStore(stateDir: string): Store {
  const file = join(stateDir, "state.db");
  try {
    // SQLite gives the files beside it (-wal, -shm) the mode of the database.
    for (const path of [file, `${file}-wal`, `${file}-shm`].filter((path) => path === file || existsSync(path))) {
      closeSync(openSync(path, "a", MODE));
      chmodSync(path, MODE);
    }
    const store = new (databaseClass())(file);
    store.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    store.exec(SCHEMA);
    return store;
  } catch (cause) {
    const hint = "check the disk; if the file is damaged, remove it: then addresses are assigned anew";
    throw new StartFailure([{ what: `${file} cannot be used`, why: causeText(cause), hint }], EXIT.failed, { cause });
  }
}

/** Node's own SQLite if it is present, else the package with the same interface. */
function databaseClass(): new (path: string) => DatabaseSyncInstance {
  const builtin = process.getBuiltinModule?.("node:sqlite") as unknown as
    | { DatabaseSync?: new (path: string) => DatabaseSyncInstance }
    | undefined;
  return (
    builtin?.DatabaseSync ??
    (createRequire(import.meta.url)("@photostructure/sqlite") as { DatabaseSync: new (path: string) => DatabaseSyncInstance })
      .DatabaseSync
  );
}
