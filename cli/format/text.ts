import type { StateName } from "#kernel/contract/state";
import type { Io } from "../io.ts";

const CODES = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 } as const;

export function paint(io: Io, color: keyof typeof CODES, text: string): string {
  return io.color ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text;
}

/** The sign and the name of a state. The colour adds no information. */
export function stateSign(io: Io, state: StateName): string {
  switch (state) {
    case "ATTACHED":
      return paint(io, "green", "● ATTACHED");
    case "TERMINATED":
      return paint(io, "red", "✕ TERMINATED");
    case "BIRTH":
      return paint(io, "yellow", "○ BIRTH");
    case "VOLATILE":
    case "DEGRADED":
    case "RECOVERING":
      return paint(io, "yellow", `◐ ${state}`);
  }
}

/** `43 ms`, `1.5 s`, `11m`, `2h14m`, `3d4h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)}d` : `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** Below 10 ms with one decimal: for round trips. */
export const milliseconds = (ms: number): string => `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;

/** `standard@3+7`, as an event has it, in words: a client has a policy of its own and follows its gateway's. */
export function policyText(label: string): string {
  const [name = "", versions = ""] = label.split("@");
  const [own, gateways] = versions.split("+");
  return `policy ${name} v${own}${gateways === undefined ? "" : `, the gateway's v${gateways}`}`;
}

/** `512 B`, `1.5 kB`, `12 MB`: powers of 1,000. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const scaled = count / 1_000 ** power;
  return `${power === 0 || scaled >= 10 ? Math.floor(scaled) : Math.floor(scaled * 10) / 10} ${units[power]}`;
}

/** Columns as wide as their widest cell. All rows have the same number of cells. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => visible(row[column] ?? "")));
  const widths = (rows[0] ?? []).map((_, column) => widthOf(column));
  const padded = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - visible(cell));
  return rows.map((row) => row.map(padded).join("   ").trimEnd());
}

/** Columns are never cut below this width: on a narrower terminal the lines wrap, which loses nothing. */
export const TABLE_COLUMNS_MIN = 80;

/** Cuts `text` to the width of the terminal, with `…`, but not below `min`. A pipe or a file gets the whole text. */
export function cut(io: Io, text: string, min = 0): string {
  const columns = Math.max(io.columns, min);
  if (!io.terminal || visible(text) <= columns) return text;
  const plain = text.replaceAll(COLOR, "");
  return `${[...plain].slice(0, columns - 1).join("")}…`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match the escape that begins a colour
const COLOR = /\u001b\[\d+m/g;
const visible = (text: string): number => [...text.replaceAll(COLOR, "")].length;
