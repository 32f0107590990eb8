/** Charts for the terminal: two by four dots in every cell. */
import type { Paint, Style } from "../paint.ts";
import { axesOf, type Chart, type Series, tickText } from "./chart.ts";

const BASE = 0x2800;
/** Bit of the dot in column 0 or 1 and row 0 to 3 of a cell. */
const DOT = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const STYLES: readonly Style[] = ["modelled", "assumed", "good", "bad", "exact"];

interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly cells: Uint8Array;
  /** Series that touched the cell last, plus one. */
  readonly owner: Uint8Array;
}

function dot(canvas: Canvas, x: number, y: number, series: number): void {
  if (x < 0 || y < 0 || x >= canvas.columns * 2 || y >= canvas.rows * 4) return;
  const cell = (y >> 2) * canvas.columns + (x >> 1);
  canvas.cells[cell]! |= DOT[x & 1]![y & 3]!;
  canvas.owner[cell] = series + 1;
}

/** Bresenham's line between two dots. */
function line(
  canvas: Canvas,
  from: readonly [number, number],
  to: readonly [number, number],
  series: number,
): void {
  let [x, y] = from;
  const dx = Math.abs(to[0] - x);
  const dy = -Math.abs(to[1] - y);
  const sx = x < to[0] ? 1 : -1;
  const sy = y < to[1] ? 1 : -1;
  let error = dx + dy;
  for (;;) {
    dot(canvas, x, y, series);
    if (x === to[0] && y === to[1]) return;
    const doubled = 2 * error;
    if (doubled >= dy) {
      error += dy;
      x += sx;
    }
    if (doubled <= dx) {
      error += dx;
      y += sy;
    }
  }
}

/** Draws a chart at most `columns` wide and about `rows` high, axes and legend included. */
export function brailleChart(
  chart: Chart,
  options: { readonly columns: number; readonly rows: number; readonly paint: Paint },
): string {
  const { paint } = options;
  const { x, y } = axesOf(chart, { x: Math.max(2, Math.floor(options.columns / 16)), y: 5 });
  const margin = Math.max(...y.ticks.map((tick) => tickText(tick).length)) + 2;
  const canvas: Canvas = {
    columns: Math.max(10, options.columns - margin - 1),
    rows: Math.max(5, options.rows),
    cells: new Uint8Array(Math.max(10, options.columns - margin - 1) * Math.max(5, options.rows)),
    owner: new Uint8Array(Math.max(10, options.columns - margin - 1) * Math.max(5, options.rows)),
  };
  const width = canvas.columns * 2 - 1;
  const height = canvas.rows * 4 - 1;
  const at = (px: number, py: number): readonly [number, number] => [
    Math.round(((px - x.from) / (x.to - x.from)) * width),
    Math.round((1 - (py - y.from) / (y.to - y.from)) * height),
  ];
  for (const limit of chart.limits ?? []) {
    const level = at(x.from, limit.y)[1];
    for (let column = 0; column <= width; column += 4) dot(canvas, column, level, 3);
  }
  chart.series.forEach((series, index) => {
    let last: readonly [number, number] | null = null;
    for (const point of series.points) {
      const place = at(point.x, point.y);
      if (last !== null && series.dots !== true) line(canvas, last, place, index);
      else dot(canvas, place[0], place[1], index);
      last = place;
    }
  });
  const letters = lettersOf(chart.series, (x0, y0) => {
    const [column, row] = at(x0, y0);
    return (row >> 2) * canvas.columns + (column >> 1);
  });
  const lines = [paint("strong", chart.title)];
  const labels = new Map(
    y.ticks.map((tick) => [Math.min(canvas.rows - 1, at(x.from, tick)[1] >> 2), tickText(tick)]),
  );
  for (let row = 0; row < canvas.rows; row++) {
    const label = labels.get(row);
    let text = `${(label ?? "").padStart(margin - 2)} ${label === undefined ? "│" : "┤"}`;
    for (let column = 0; column < canvas.columns; column++) {
      const cell = row * canvas.columns + column;
      const letter = letters.get(cell);
      const dots = canvas.cells[cell] === 0 ? " " : String.fromCharCode(BASE + canvas.cells[cell]!);
      const glyph = letter ?? dots;
      const owner = canvas.owner[cell]!;
      text += owner === 0 ? glyph : paint(STYLES[(owner - 1) % STYLES.length]!, glyph);
    }
    lines.push(text.trimEnd());
  }
  lines.push(
    ...xAxisLines({
      margin,
      columns: canvas.columns,
      ticks: x.ticks,
      place: (tick) => at(tick, y.from)[0] >> 1,
    }),
  );
  lines.push(`${" ".repeat(margin)}${chart.xLabel}; ${chart.yLabel} upwards`);
  chart.series.forEach((series, index) => {
    lines.push(
      `${" ".repeat(margin)}${chart.series.length < 2 ? "" : `${letterOf(index)} `}${paint(STYLES[index % STYLES.length]!, series.dots === true ? "⠂⠂" : "──")} ${series.name}`,
    );
  });
  for (const limit of chart.limits ?? [])
    lines.push(`${" ".repeat(margin)}${paint("bad", "⠂⠂")} ${limit.name}`);
  return `${lines.join("\n")}\n`;
}

const letterOf = (series: number): string => String.fromCharCode(97 + (series % 26));

/** One cell of each of several curves shows its letter, so that they are told apart without colour. */
function lettersOf(
  series: readonly Series[],
  cellOf: (x: number, y: number) => number,
): ReadonlyMap<number, string> {
  const letters = new Map<number, string>();
  if (series.length < 2) return letters;
  series.forEach(({ points }, index) => {
    // At places of their own, because curves that coincide are drawn over each other.
    const first = Math.floor((points.length * (index + 1)) / (series.length + 1));
    for (let i = first; i < points.length; i++) {
      const cell = cellOf(points[i]!.x, points[i]!.y);
      if (letters.has(cell)) continue;
      letters.set(cell, letterOf(index));
      return;
    }
  });
  return letters;
}

function xAxisLines(at: {
  readonly margin: number;
  readonly columns: number;
  readonly ticks: readonly number[];
  readonly place: (tick: number) => number;
}): string[] {
  const rule = Array.from({ length: at.columns }, () => "─");
  let labels = " ".repeat(at.margin);
  for (const tick of at.ticks) {
    const column = Math.min(at.columns - 1, at.place(tick));
    const text = tickText(tick);
    const start = Math.min(
      at.margin + Math.max(0, column - (text.length >> 1)),
      at.margin + at.columns - text.length,
    );
    if (start <= labels.length - (labels.trim() === "" ? 1 : 0) && labels.trim() !== "") continue;
    labels = labels.padEnd(start) + text;
    rule[column] = "┬";
  }
  return [`${" ".repeat(at.margin - 1)}└${rule.join("")}`, labels];
}
