/** Several models, formats and contexts in one table. */
import type { Budget } from "../budget.ts";
import type { Band, Term } from "../memory/term.ts";
import type { Tokens } from "../units.ts";
import { alignRows } from "./inspect.ts";
import type { Paint } from "./paint.ts";
import { sizeText } from "./table.ts";

export interface ComparedRow {
  readonly model: string;
  readonly parameters: number;
  readonly dtype: string;
  readonly contextTokens: Tokens;
  readonly batch: number;
  /** Terms of the worst device. */
  readonly terms: readonly Term[];
  readonly total: Band;
  readonly budget?: Budget;
}

/** Plain data for `--json`: one object per row, bytes by term. */
export function comparisonJson(rows: readonly ComparedRow[]): Record<string, unknown> {
  return {
    schema: "vram-calc/compare@1",
    rows: rows.map((row) => ({
      model: row.model,
      parameters: row.parameters,
      dtype: row.dtype,
      context: row.contextTokens,
      batch: row.batch,
      terms: Object.fromEntries(row.terms.map((term) => [term.id, term.bytes])),
      total: row.total,
      ...(row.budget === undefined ? {} : { budget: row.budget }),
    })),
  };
}

export interface ComparisonOptions {
  readonly columns: number;
  readonly units: "GB" | "GiB";
  readonly paint: Paint;
}

/** One line per row; the columns that tell rows apart come first, and cache gives way at narrow widths. */
export function comparisonTable(rows: readonly ComparedRow[], options: ComparisonOptions): string {
  const size = (bytes: number): string => sizeText(bytes, options.units);
  const bytesOf = (row: ComparedRow, ids: readonly string[]): number =>
    row.terms.reduce((sum, term) => (ids.includes(term.id) ? sum + term.bytes : sum), 0);
  const withBudget = rows.some((row) => row.budget !== undefined);
  const header = ["model", "dtype", "context", "weights", "cache", "total", ...(withBudget ? ["fits"] : [])];
  const cells = rows.map((row) => [
    row.model,
    row.dtype,
    String(row.contextTokens),
    size(bytesOf(row, ["weights"])),
    size(bytesOf(row, ["kv-cache", "recurrent-state"])),
    size(row.total.bytes),
    ...(withBudget ? [row.budget?.fits === true ? "yes" : "no"] : []),
  ]);
  const align = ["left", "left", "right", "right", "right", "right", "left"] as const;
  const keep = header.map(() => true);
  const draw = (): string[] =>
    alignRows(
      [header, ...cells].map((row) => row.filter((_, i) => keep[i])),
      align.filter((_, i) => keep[i] === true),
    );
  let lines = draw();
  // What gives way when the terminal is narrow: cache, then weights, then the context.
  for (const column of [4, 3, 2]) {
    if (Math.max(...lines.map((line) => line.length)) <= options.columns) break;
    keep[column] = false;
    lines = draw();
  }
  const [head, ...body] = lines;
  const painted = body.map((line, i) => {
    const fits = rows[i]!.budget?.fits;
    return fits === undefined ? line : options.paint(fits ? "good" : "bad", line);
  });
  return `${[options.paint("dim", head!), ...painted].join("\n")}\n`;
}
