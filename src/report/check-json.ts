/** A check as plain data: what scripts read and what a later run takes as its baseline. */
import { type CheckedRow, type CheckResult, rowFails } from "../check/result.ts";
import { notesJson } from "./result.ts";

/** Plain data for `JSON.stringify`, in the order of the contract `vram-calc/check@1`. */
export function checkJson(result: CheckResult): Record<string, unknown> {
  const failing = result.rows.filter(rowFails).length;
  return {
    schema: "vram-calc/check@1",
    file: result.file,
    passes: failing === 0,
    counts: {
      rows: result.rows.length,
      over: result.rows.filter((row) => !row.budget.fits).length,
      grew: result.rows.filter((row) => row.growth?.fits === false).length,
    },
    rows: result.rows.map(rowJson),
    ...(result.baseline === undefined ? {} : { baseline: result.baseline }),
    notes: [],
  };
}

function rowJson(row: CheckedRow): Record<string, unknown> {
  const { id, place, model, use, request, total, terms, budget, growth, notes } = row;
  return {
    id,
    passes: !rowFails(row),
    line: place.line,
    column: place.column,
    model,
    use,
    request,
    total,
    terms,
    budget,
    ...(growth === undefined ? {} : { growth }),
    notes: notesJson(notes),
  };
}
