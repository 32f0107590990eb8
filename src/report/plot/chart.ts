/** A chart as data, and the arithmetic of its axes. */
import type { Point } from "../../curves/sample.ts";

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** Drawn as steps or dots instead of a line: values as a format sees them. */
  readonly dots?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** The x axis counts tokens: its ticks are powers of two. */
  readonly tokens?: true;
  /** Horizontal lines with a name: the limit of a card. */
  readonly limits?: readonly { readonly name: string; readonly y: number }[];
}

export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}

/** Round steps (1, 2 or 5 times a power of ten) that cover an interval with about `count` ticks. */
function axisOf(low: number, high: number, count: number): Axis {
  const span = high > low ? high - low : Math.max(Math.abs(high), 1);
  const rough = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((unit) => unit >= rough) ?? 10 * power;
  const from = Math.floor(low / step) * step;
  const to = Math.max(Math.ceil(high / step) * step, from + step);
  const ticks: number[] = [];
  for (let i = 0; from + i * step <= to + step / 1e6; i++)
    ticks.push(Number((from + i * step).toPrecision(12)));
  return { from, to, ticks };
}

/** Steps of a power of two from 0. */
function tokenAxis(high: number, count: number): Axis {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(1, high) / Math.max(1, count))));
  const ticks = Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step);
  return { from: 0, to: high, ticks };
}

/** Both axes of a chart. The y axis also covers the limits. */
export function axesOf(
  chart: Chart,
  ticks: { readonly x: number; readonly y: number },
): { readonly x: Axis; readonly y: Axis } {
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let bottom = Number.POSITIVE_INFINITY;
  let top = Number.NEGATIVE_INFINITY;
  for (const { points } of chart.series) {
    for (const { x, y } of points) {
      left = Math.min(left, x);
      right = Math.max(right, x);
      bottom = Math.min(bottom, y);
      top = Math.max(top, y);
    }
  }
  for (const { y } of chart.limits ?? []) {
    bottom = Math.min(bottom, y);
    top = Math.max(top, y);
  }
  const x = chart.tokens === true ? tokenAxis(right, ticks.x) : axisOf(left, right, ticks.x);
  // The data fills the width; only the ticks inside it are drawn.
  const inside = x.ticks.filter((tick) => tick >= left - 1e-12 && tick <= right + 1e-12);
  return { x: { from: left, to: right, ticks: inside }, y: axisOf(bottom, top, ticks.y) };
}

/** A tick in words: integers plainly, thousands of tokens as k. */
export function tickText(value: number): string {
  if (Math.abs(value) >= 1024 && value % 1024 === 0) return `${value / 1024}k`;
  if (Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)) return value.toExponential(1);
  return String(Number(value.toPrecision(6)));
}
