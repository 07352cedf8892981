import type { Row } from "#domains/session/row";
import { TABLE } from "#domains/session/table";

/** Ids of all rows of the session's table. */
export const ROWS: readonly string[] = TABLE.map(({ id }) => id);

/** Records which rows were applied in this process. It detects this by a read of the row's `does`. */
export class Rows {
  readonly #hit = new Set<string>();

  constructor() {
    for (const row of TABLE as readonly Row[]) {
      const { does, id } = row;
      const hit = this.#hit;
      const get = (): Row["does"] => {
        hit.add(id);
        return does;
      };
      Object.defineProperty(row, "does", { get });
    }
  }

  get hit(): readonly string[] {
    return [...this.#hit];
  }
}
