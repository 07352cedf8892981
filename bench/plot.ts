/** Small plots as SVG text, pure functions of their data. A value that is not finite is drawn at the edge. */

interface Curve {
  readonly name: string;
  /** `null` = never ended. Such values count, so that the curve stays below 1. */
  readonly values: readonly (number | null)[];
}

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const WIDTH = 720;
const HEIGHT = 320;
const LEFT = 60;
const RIGHT = 170;
const TOP = 40;
const BOTTOM = 50;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
/** Bounds of a logarithmic axis. A value outside is drawn at its end. */
const AXIS_MIN = 0.01;
const AXIS_MAX = 1e9;
/** In black and white, curves are identified by their order in the legend. */
const COLOURS = ["#1b6ca8", "#d1495b", "#3a7d44", "#8e5ea2", "#e08e0b", "#4d4d4d", "#00a3a3", "#a05a2c"] as const;

/** Cumulative distributions on a logarithmic axis: the share of trials that ended within a time. */
export function cdf(title: string, unit: string, curves: readonly Curve[]): string {
  const ended = curves.flatMap(({ values }) => values.filter((value) => value !== null));
  const finite = ended.filter((value) => value >= AXIS_MIN && value <= AXIS_MAX);
  const low = 10 ** Math.floor(Math.log10(Math.min(...finite, AXIS_MAX / 10)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...finite, low * 10)));
  const x = (value: number): number =>
    LEFT + (PLOT_WIDTH * Math.log10(Math.min(high, Math.max(low, value)) / low)) / Math.log10(high / low);
  const y = (share: number): number => TOP + PLOT_HEIGHT * (1 - share);
  const decades: number[] = [];
  for (let decade = low; decade <= high * 1.5; decade *= 10) decades.push(decade);
  const grid = [
    ...decades.map(
      (decade) => line(x(decade), TOP, x(decade), TOP + PLOT_HEIGHT) + text(x(decade), HEIGHT - 30, label(decade), "middle"),
    ),
    ...[0, 0.5, 0.9, 1].map(
      (share) => line(LEFT, y(share), LEFT + PLOT_WIDTH, y(share)) + text(LEFT - 6, y(share) + 4, `${share}`, "end"),
    ),
  ];
  const drawn = curves.map(({ name, values }, index) => {
    const points = steps(values, x, y);
    const path = `<polyline fill="none" stroke="${colour(index)}" stroke-width="2" points="${points}"/>`;
    return path + legend(index, name);
  });
  return svg(title, [...grid, ...drawn, text(LEFT + PLOT_WIDTH / 2, HEIGHT - 10, unit, "middle")]);
}

/**
 * Values with their intervals, one row each, on a linear axis from 0. A vertical line is drawn at `mark` if it is
 * given.
 */
export function ratios(title: string, unit: string, bars: readonly Bar[], mark: number | null): string {
  const finite = bars.flatMap(({ value, high }) => [value, high]).filter((value) => value <= AXIS_MAX);
  const end = Math.max(...finite, mark ?? 0, Number.MIN_VALUE) * 1.1;
  const begin = LEFT + 90;
  const x = (value: number): number => begin + (WIDTH - 80 - begin) * Math.min(1, Math.max(0, finiteOr(value, end)) / end);
  const rowHeight = Math.min(40, PLOT_HEIGHT / Math.max(1, bars.length));
  const rows = bars.map(({ name, value, low, high }, index) => {
    const middle = TOP + rowHeight * (index + 0.5);
    return [
      text(begin - 8, middle + 4, name, "end"),
      `<rect x="${fixed(begin)}" y="${fixed(middle - rowHeight / 4)}" width="${fixed(x(value) - begin)}" height="${fixed(rowHeight / 2)}" fill="${colour(0)}" fill-opacity="0.35"/>`,
      `<line x1="${fixed(x(low))}" y1="${fixed(middle)}" x2="${fixed(x(high))}" y2="${fixed(middle)}" stroke="${colour(0)}" stroke-width="3"/>`,
      text(x(high) + 6, middle + 4, label(value), "start"),
    ].join("");
  });
  const marked =
    mark === null
      ? []
      : [line(x(mark), TOP, x(mark), TOP + rowHeight * bars.length) + text(x(mark), TOP - 4, `${mark}`, "middle")];
  return svg(title, [...marked, ...rows, text((begin + WIDTH - 80) / 2, HEIGHT - 10, unit, "middle")]);
}

/** Corners of the steps of one distribution. Values that never ended keep the last step below 1. */
function steps(values: readonly (number | null)[], x: (value: number) => number, y: (share: number) => number): string {
  const ended = values.filter((value) => value !== null).sort((a, b) => a - b);
  const corners: string[] = [`${LEFT},${fixed(y(0))}`];
  let share = 0;
  for (const value of ended) {
    corners.push(`${fixed(x(value))},${fixed(y(share))}`);
    share += 1 / values.length;
    corners.push(`${fixed(x(value))},${fixed(y(share))}`);
  }
  corners.push(`${LEFT + PLOT_WIDTH},${fixed(y(share))}`);
  return corners.join(" ");
}

function svg(title: string, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">`;
  const ground = `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`;
  const heading = `<text x="${LEFT}" y="20" font-size="14" font-weight="bold">${escaped(title)}</text>`;
  const name = `<title>${escaped(title)}</title>`;
  return `${[head, name, ground, heading, ...parts, "</svg>"].join("\n")}\n`;
}

function legend(index: number, name: string): string {
  const at = TOP + 10 + index * 18;
  const from = LEFT + PLOT_WIDTH + 12;
  return `<line x1="${from}" y1="${at}" x2="${from + 16}" y2="${at}" stroke="${colour(index)}" stroke-width="2"/>${text(from + 22, at + 4, name, "start")}`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="#ccc"/>`;
}

function text(x: number, y: number, words: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? "#000";
}

/** Rounds to few digits, so that a file changes only if its data change. */
function fixed(value: number): string {
  return `${Math.round(value * 10) / 10}`;
}

function label(value: number): string {
  return Number.isFinite(value) ? `${Number(value.toPrecision(3))}` : "–";
}

function finiteOr(value: number, fallback: number): number {
  return Number.isFinite(value) ? value : fallback;
}
