import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { DatabaseSyncInstance } from "@photostructure/sqlite";
import { causeText, EXIT, StartFailure } from "#daemon/fault";

/** What a daemon keeps across restarts: `state.db` in its state directory. One process at a time. */
export type Store = DatabaseSyncInstance;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS lease (key TEXT PRIMARY KEY, v4 TEXT UNIQUE, v6 TEXT UNIQUE, made_at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS policy (version INTEGER PRIMARY KEY, digest TEXT NOT NULL) STRICT;
`;

/** Throws a `StartFailure` where the directory cannot be used or another daemon holds it. */
export function openStore(stateDir: string): Store {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const store = new (databaseClass())(join(stateDir, "state.db"));
    store.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    store.exec(SCHEMA);
    return store;
  } catch (cause) {
    const locked = causeText(cause).includes("locked");
    const why = locked ? "another daemon is using it" : causeText(cause);
    const hint = locked ? "give each daemon its own directory with --state" : "run as root, or name a writable directory with --state";
    throw new StartFailure([{ what: `the state directory ${stateDir} cannot be used`, why, hint }], EXIT.failed, { cause });
  }
}

/** Node's own SQLite where it is present, else the package with the same interface. */
function databaseClass(): new (path: string) => DatabaseSyncInstance {
  const builtin = process.getBuiltinModule?.("node:sqlite") as unknown as { DatabaseSync?: new (path: string) => DatabaseSyncInstance } | undefined;
  return builtin?.DatabaseSync ?? (createRequire(import.meta.url)("@photostructure/sqlite") as { DatabaseSync: new (path: string) => DatabaseSyncInstance }).DatabaseSync;
}

/** The version of a policy: the same digest as last time keeps its number, another one gets the next. From 1. */
export function policyVersion(store: Store, digest: string): number {
  const last = store.prepare("SELECT version, digest FROM policy ORDER BY version DESC LIMIT 1").get() as { version: number; digest: string } | undefined;
  if (last?.digest === digest) return last.version;
  const version = (last?.version ?? 0) + 1;
  store.prepare("INSERT INTO policy (version, digest) VALUES (?, ?)").run(version, digest);
  store.prepare("DELETE FROM policy WHERE version < ?").run(version - 1_000);
  return version;
}
