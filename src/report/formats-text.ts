/** Numbers and lines as the reports on number formats write them. */
import { decimalOf, decimalText } from "../formats/exact-decimal.ts";
import { type Paint, plain } from "./paint.ts";

export interface FormatsReportOptions {
  /** Width of the terminal. Columns are dropped, then rows stacked, until they fit. */
  readonly columns: number;
  readonly paint?: Paint;
  /** The table says where its figures come from; a format and a value always do. */
  readonly explain?: boolean;
}

export const paintOf = (options: FormatsReportOptions): Paint => options.paint ?? plain;

/**
 * Three significant digits with a power of ten.
 *
 * @example scientific(3.3895313892515355e38) // "3.39 x 10^38"
 */
export function scientific(x: number, digits = 3): string {
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e") as [string, string];
  return `${mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa} x 10^${Number(exponent)}`;
}

/** Every digit where that is at most `limit` characters, otherwise three digits. */
export function brief(x: number, limit = 9): string {
  const exact = decimalText(decimalOf(x));
  return exact.length <= limit ? exact : scientific(x);
}

/**
 * Exact decimal text as it is, or to `digits` digits where it is longer than `limit`.
 *
 * @example shortened("0.100000001490116119384765625", { limit: 20, digits: 10 }) // "~0.1000000015"
 */
export function shortened(
  exact: string,
  { limit, digits }: { readonly limit: number; readonly digits: number },
): string {
  const x = Number(exact);
  if (exact.length <= limit || !Number.isFinite(x)) return exact;
  const size = Math.abs(x);
  return `~${size >= 1e-4 && size < 1e9 ? Number(x.toPrecision(digits)) : scientific(x, digits)}`;
}

/** "= 65504", or "= about 3.4 x 10^38" where writing out every digit helps nobody. */
export function equals(x: number): string {
  const exact = decimalText(decimalOf(x));
  return exact.length <= 42 ? `= ${exact}` : `= about ${scientific(x, 5)}`;
}

/** Both ends: "[-65504, 65504]", or "±3.39 x 10^38" where that is shorter by half. */
export function range(lowest: number, largest: number): string {
  const interval = `[${brief(lowest)}, ${brief(largest)}]`;
  return interval.length > 20 && lowest === -largest ? `±${brief(largest)}` : interval;
}

/** A share as a percentage of three digits. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0) return "0 %";
  return Math.abs(value) < 1e-4 ? `${scientific(value)} %` : `${Number(value.toPrecision(3))} %`;
}

const LABEL = 20;

/** Breaks a text at spaces; its first line starts with `first`, the others with as many spaces as `rest`. */
export function fill(
  text: string,
  { columns, first, rest }: { readonly columns: number; readonly first: string; readonly rest: number },
): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  // A number of hundreds of digits is broken where the line ends.
  const room = Math.max(10, columns - rest);
  const words = text.split(" ").flatMap((word) => word.match(new RegExp(`.{1,${room}}`, "g")) ?? [""]);
  for (const word of words) {
    if (!empty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = " ".repeat(rest);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join("\n");
}

/** A sentence or a title, its continuation lines indented by `rest`. */
export const paragraph = (text: string, columns: number, rest = 0): string =>
  fill(text, { columns, first: "", rest });

/** A label and its text, the text wrapped beside the label, or below it where the terminal is narrow. */
export function labelled(label: string, text: string, options: FormatsReportOptions): string {
  const { columns } = options;
  const dim = (word: string): string => paintOf(options)("dim", word);
  if (columns < 60) return `${dim(label)}\n${fill(text, { columns, first: "  ", rest: 2 })}`;
  return (
    dim(label.padEnd(LABEL)) + fill(text, { columns, first: " ".repeat(LABEL), rest: LABEL }).slice(LABEL)
  );
}

/** "1 byte", "0.5 bytes". */
export const bytesText = (bytes: number): string => `${bytes} byte${bytes === 1 ? "" : "s"}`;

export interface Column<Row> {
  readonly heading: string;
  readonly align?: "right";
  readonly cell: (row: Row) => string;
}

export interface ColumnsOptions<Row> extends FormatsReportOptions {
  /** Headings of the columns to leave out, first to go first. */
  readonly givenUp: readonly string[];
  /** One row as a heading and lines below it, for when even the rest does not fit. */
  readonly stacked: (row: Row) => readonly string[];
}

const GAP = "  ";

/** Rows under headings, as many columns as fit; rows below each other when too few would be left. */
export function columnTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: ColumnsOptions<Row>,
): readonly string[] {
  const drawn = columns.map((column) => {
    const cells = [column.heading, ...rows.map(column.cell)];
    const width = Math.max(...cells.map((cell) => cell.length));
    const pad = (cell: string) => (column.align === "right" ? cell.padStart(width) : cell.padEnd(width));
    return { heading: column.heading, width, cells: cells.map(pad) };
  });
  const kept = new Set(columns.map((column) => column.heading));
  const left = () => drawn.filter((column) => kept.has(column.heading));
  const widthOf = () => left().reduce((sum, column) => sum + column.width + GAP.length, -GAP.length);
  for (const heading of options.givenUp) {
    if (widthOf() <= options.columns) break;
    kept.delete(heading);
  }
  if (widthOf() > options.columns)
    return rows.flatMap((row) => {
      const [head, ...below] = options.stacked(row);
      return [head!, ...below.map((line) => fill(line, { columns: options.columns, first: "  ", rest: 4 }))];
    });
  const line = (index: number): string =>
    left()
      .map((column) => column.cells[index]!)
      .join(GAP)
      .trimEnd();
  return [paintOf(options)("dim", line(0)), ...rows.map((_, index) => line(index + 1))];
}
