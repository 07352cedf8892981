import type { Store } from "#daemon/store/database";
import type { PolicyOrigin } from "#kernel/contract/policy";

/** Versions that are kept; older ones are deleted, and their numbers are never used again. */
export const VERSIONS_MAX = 1_000;

/** A policy that was in force, as the store has it. */
export interface StoredPolicy {
  readonly version: number;
  readonly name: string;
  readonly digest: string;
  readonly origin: PolicyOrigin;
  readonly actor: string;
  readonly wallMs: number;
  /** The origin of the text, for messages about it. */
  readonly file: string;
  readonly text: string;
}

const COLUMNS = "version, name, digest, origin, actor, wall_ms AS wallMs, file, text";

/** Every policy that was in force, numbered from 1 without a gap, in the daemon's store. */
export class PolicyHistory {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get newest(): StoredPolicy | null {
    const row = this.#store.prepare(`SELECT ${COLUMNS} FROM policy_version ORDER BY version DESC LIMIT 1`).get();
    return (row as unknown as StoredPolicy | undefined) ?? null;
  }

  get total(): number {
    return (this.#store.prepare("SELECT count(*) AS n FROM policy_version").get() as { n: number }).n;
  }

  find(version: number): StoredPolicy | null {
    const row = this.#store.prepare(`SELECT ${COLUMNS} FROM policy_version WHERE version = ?`).get(version);
    return (row as unknown as StoredPolicy | undefined) ?? null;
  }

  /** Newest first. */
  list(limit: number): readonly StoredPolicy[] {
    const rows = this.#store.prepare(`SELECT ${COLUMNS} FROM policy_version ORDER BY version DESC LIMIT ?`).all(limit);
    return rows as unknown as readonly StoredPolicy[];
  }

  /**
   * Identifies the content that the policy file had when an operator's policy replaced it. The operator's policy stays
   * in force while the file has this content. `null` = the file's policy is in force.
   */
  get overridden(): string | null {
    const row = this.#store.prepare("SELECT mark FROM policy_overridden WHERE id = 1").get() as { mark: string } | undefined;
    return row?.mark ?? null;
  }

  /** From now on, the file decides again. */
  returnToFile(): void {
    this.#store.exec("DELETE FROM policy_overridden");
  }

  /**
   * Adds the next version and returns its number. When this returns, the version, `overridden` and the work of
   * `alongside` are on disk. If `alongside` or the store throws, nothing was added.
   */
  add(policy: Omit<StoredPolicy, "version">, overridden: string | null, alongside: () => void): number {
    return this.#together(() => {
      const version = (this.newest?.version ?? 0) + 1;
      const { name, digest, origin, actor, wallMs, file, text } = policy;
      this.#store
        .prepare(
          "INSERT INTO policy_version (version, name, digest, origin, actor, wall_ms, file, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .run(version, name, digest, origin, actor, wallMs, file, text);
      this.#store.prepare("DELETE FROM policy_version WHERE version <= ?").run(version - VERSIONS_MAX);
      this.#override(overridden);
      alongside();
      return version;
    });
  }

  /** Like `add`, but for the version that is already the newest. */
  keep(overridden: string | null, alongside: () => void): void {
    this.#together(() => {
      this.#override(overridden);
      alongside();
    });
  }

  #override(mark: string | null): void {
    this.returnToFile();
    if (mark !== null) this.#store.prepare("INSERT INTO policy_overridden (id, mark) VALUES (1, ?)").run(mark);
  }

  #together<T>(work: () => T): T {
    this.#store.exec("BEGIN IMMEDIATE");
    try {
      const value = work();
      this.#store.exec("COMMIT");
      return value;
    } catch (cause) {
      this.#abandon();
      throw cause;
    }
  }

  #abandon(): void {
    try {
      this.#store.exec("ROLLBACK");
    } catch {
      // a full disk may already have ended the transaction
    }
  }
}
