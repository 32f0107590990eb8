/** A check as comma-separated values: a line per row, sizes as whole bytes. */
import { type CheckedRow, type CheckResult, rowFails } from "../check/result.ts";

type Cell = string | number | boolean | undefined;

const COLUMNS: readonly (readonly [heading: string, cell: (row: CheckedRow) => Cell])[] = [
  ["id", (row) => row.id],
  ["passes", (row) => !rowFails(row)],
  ["model", (row) => row.model.id],
  ["use", (row) => row.use],
  ["gpu", (row) => row.budget.gpu],
  ["limit_bytes", (row) => row.budget.bytes],
  ["reserved_bytes", (row) => row.budget.reserved],
  ["low_bytes", (row) => row.total.low],
  ["bytes", (row) => row.total.bytes],
  ["high_bytes", (row) => row.total.high],
  ["gate", (row) => row.budget.gate],
  ["headroom_bytes", (row) => row.budget.headroom],
  ["grown_bytes", (row) => row.growth?.bytes],
  ["line", (row) => row.place.line],
];

/**
 * RFC 4180, with line feeds alone, as every reader takes and line tools want. A text that a spreadsheet
 * would run as a formula gets a leading apostrophe.
 */
export function checkCsv(result: CheckResult): string {
  const lines = [COLUMNS.map(([heading]) => heading).join(",")];
  for (const row of result.rows) lines.push(COLUMNS.map(([, cell]) => csvCell(cell(row))).join(","));
  return `${lines.join("\n")}\n`;
}

/** @example csvCell('a "b", c') // '"a ""b"", c"' */
export function csvCell(value: Cell): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
