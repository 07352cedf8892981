import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a result as JSON with one line for each field and for each row of its raw data, so that a change can be read. */
export function keep(result: { readonly raw: readonly unknown[] }, file: string): void {
  const { raw, ...rest } = result;
  const fields = Object.entries(rest).map(([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const rows = raw.map((row) => `  ${JSON.stringify(row)}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `{\n${[...fields, ` "raw": [\n${rows.join(",\n")}\n ]`].join(",\n")}\n}\n`);
}
