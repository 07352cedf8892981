/** One generated page of the reference. */
export interface Page {
  /** File name inside `docs/reference`. */
  readonly name: string;
  readonly text: string;
}

/** A page whose first line says where it comes from. `parts` are separated by blank lines. */
export function page(name: string, source: string, title: string, parts: readonly string[]): Page {
  const text = [`<!-- Generated from ${source} by npm run generate. -->`, `# ${title}`, ...parts].join("\n\n");
  return { name, text: `${text}\n` };
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

export const code = (text: string): string => `\`${text}\``;

/** Several names in one cell; an empty list is a dash. */
export const codes = (names: readonly string[]): string => (names.length === 0 ? "–" : names.map(code).join(", "));

/** A cell ends at a bar and a row at a line break, so neither may stand in a text. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
