/** One generated page of the reference. */
export interface Page {
  /** File name inside `docs/reference`. */
  readonly name: string;
  readonly text: string;
}

/** Makes a page. Its first line names its source; blank lines separate `parts`. */
export function page(name: string, source: string, title: string, parts: readonly string[]): Page {
  const text = [`<!-- Generated from ${source} by npm run generate. -->`, `# ${title}`, ...parts].join("\n\n");
  return { name, text: `${text}\n` };
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

export const code = (text: string): string => `\`${text}\``;

/** Several names in one cell; a dash for an empty list. */
export const codes = (names: readonly string[]): string => (names.length === 0 ? "–" : names.map(code).join(", "));

/** Escapes bars and replaces line breaks, because they would end the cell or the row. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
