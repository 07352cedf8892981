import type { Store } from "#daemon/store/database";
import type { PolicyOrigin } from "#kernel/contract/policy";

/** Versions that are kept; older ones are forgotten, their numbers never used again. */
export const VERSIONS_MAX = 1_000;

/** A policy that was in force, as the store keeps it. */
export interface StoredPolicy {
  readonly version: number;
  readonly name: string;
  readonly digest: string;
  readonly origin: PolicyOrigin;
  readonly actor: string;
  readonly wallMs: number;
  /** Where the text came from, for the messages about it. */
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
   * What the policy file held when an operator's policy took its place: as long as it holds the same, the operator's
   * stays in force. `null` = the file has the word.
   */
  get overridden(): string | null {
    const row = this.#store.prepare("SELECT mark FROM policy_overridden WHERE id = 1").get() as { mark: string } | undefined;
    return row?.mark ?? null;
  }

  /** The file has the word again. */
  returnToFile(): void {
    this.#store.exec("DELETE FROM policy_overridden");
  }

  /**
   * Adds the next version, all or nothing: it is on disk when this returns, together with `overridden` and whatever
   * `alongside` does; if that throws, nothing was added. Returns the version.
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

  /** The same for the version that is the newest already. */
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
      // a full disk may have ended the transaction already
    }
  }
}
