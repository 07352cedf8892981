import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a result as JSON. Each field and each row of the raw data has its own line, so that diffs are readable. */
export function keep(result: { readonly raw: readonly unknown[] }, file: string): void {
  const { raw, ...rest } = result;
  const fields = Object.entries(rest).map(([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const rows = raw.map((row) => `  ${JSON.stringify(row)}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `{\n${[...fields, ` "raw": [\n${rows.join(",\n")}\n ]`].join(",\n")}\n}\n`);
}
