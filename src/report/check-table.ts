/** A check for people at a terminal. */
import { type CheckedRow, type CheckResult, rowFails } from "../check/result.ts";
import { type CheckUnit, checkHeadline, growthText, largestTerms, rowSizes } from "./check-text.ts";
import type { Paint } from "./paint.ts";
import { wrap } from "./text-layout.ts";

export interface CheckTableOptions {
  readonly columns: number;
  readonly unit: CheckUnit;
  readonly paint: Paint;
}

/** A headline, then a line per row in the order of the file; more lines under rows that fail or changed. */
export function checkTable(result: CheckResult, options: CheckTableOptions): string {
  const { paint, columns } = options;
  const failing = result.rows.some(rowFails);
  const lines = [paint(failing ? "bad" : "good", wrap(checkHeadline(result), columns)), ""];
  const cells = alignedSizes(result.rows, options);
  const right = Math.max(...cells.map((cell) => cell.length));
  const room = columns - STATUS_WIDTH - GAP.length - right;
  const width = Math.min(Math.max(...result.rows.map((row) => row.id.length)), Math.max(room, 20));
  // Names that would be cut to the same text are written out on lines of their own.
  const stacked =
    room < 20 || new Set(result.rows.map((row) => cut(row.id, width))).size < result.rows.length;
  for (const [i, row] of result.rows.entries()) {
    const head = paint(rowFails(row) ? "bad" : "good", statusOf(row).padEnd(STATUS_WIDTH));
    const sizes = cells[i]!;
    if (stacked)
      lines.push(
        `${head}${wrap(row.id, columns - STATUS_WIDTH, INDENT)}`,
        wrap(`${INDENT}${sizes}`, columns, INDENT),
      );
    else lines.push(`${head}${cut(row.id, width).padEnd(width)}${GAP}${sizes}`);
    for (const line of detailLines(row, options))
      lines.push(paint("dim", wrap(`${INDENT}${line}`, columns, INDENT)));
  }
  if (result.baseline !== undefined) lines.push("", ...baselineLines(result.rows, result.baseline, options));
  return `${lines.join("\n")}\n`;
}

const STATUS_WIDTH = 6;
const GAP = "  ";
const INDENT = " ".repeat(STATUS_WIDTH);

const statusOf = (row: CheckedRow): string => (!row.budget.fits ? "over" : rowFails(row) ? "grew" : "fits");

/** "29.81 GiB of 44.43 GiB  14.61 GiB to spare", the sizes under each other. */
function alignedSizes(rows: readonly CheckedRow[], { unit }: CheckTableOptions): readonly string[] {
  const sizes = rows.map((row) => rowSizes(row, unit));
  const need = Math.max(...sizes.map((size) => size.need.length));
  const limit = Math.max(...sizes.map((size) => size.limit.length));
  return sizes.map(
    (size) => `${size.need.padStart(need)} of ${size.limit.padStart(limit)}${GAP}${size.verdict}`,
  );
}

function detailLines(row: CheckedRow, { unit }: CheckTableOptions): string[] {
  const growth = row.growth === undefined ? null : growthText(row.growth, unit);
  return [
    ...(row.budget.fits ? [] : [`line ${row.place.line}; ${largestTerms(row, unit)}`]),
    ...(growth === null ? [] : [`since the baseline ${growth}`]),
  ];
}

function baselineLines(
  rows: readonly CheckedRow[],
  { file, added, gone }: NonNullable<CheckResult["baseline"]>,
  { columns, paint }: CheckTableOptions,
): string[] {
  const same = rows.filter((row) => row.growth?.bytes === 0 && row.growth.terms.length === 0).length;
  return [
    `against ${file}: ${same} of ${rows.length} rows unchanged, ${added.length} new, ${gone.length} gone`,
    ...added.map((id) => `new   ${id}`),
    ...gone.map((id) => `gone  ${id}`),
  ].map((line) => paint("dim", wrap(line, columns, INDENT)));
}

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text;
