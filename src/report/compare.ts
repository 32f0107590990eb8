/** Several models, formats and contexts in one table. */

import type { Note } from "../architecture/model.ts";
import type { ModelFacts } from "../architecture/summary.ts";
import type { Budget } from "../budget.ts";
import { rowTerm } from "../check/result.ts";
import type { EffectiveRequest } from "../estimate/prepare.ts";
import type { Band, Term } from "../memory/term.ts";
import { explanation } from "./explain.ts";
import { contextText } from "./fit.ts";
import { noteLines } from "./notes.ts";
import type { Paint } from "./paint.ts";
import { notesJson } from "./result.ts";
import { sizeText } from "./size-text.ts";
import { alignRows, wrap } from "./text-layout.ts";

export interface ComparedRow {
  readonly model: ModelFacts;
  readonly request: EffectiveRequest;
  /** Terms of the worst device. */
  readonly terms: readonly Term[];
  readonly total: Band;
  readonly budget?: Budget;
  readonly notes: readonly Note[];
}

export interface Comparison {
  readonly rows: readonly ComparedRow[];
  /** About all rows: the card that was asked for. */
  readonly notes: readonly Note[];
}

/** Plain data for `--json`: one result per row, with the terms of its worst device. */
export function comparisonJson({ rows, notes }: Comparison): Record<string, unknown> {
  return {
    schema: "vram-calc/compare@1",
    rows: rows.map((row) => ({
      model: row.model,
      request: row.request,
      total: row.total,
      terms: row.terms.map(rowTerm),
      ...(row.budget === undefined ? {} : { budget: row.budget }),
      notes: notesJson(row.notes),
    })),
    notes: notesJson(notes),
  };
}

export interface ComparisonOptions {
  readonly columns: number;
  readonly units: "GB" | "GiB";
  readonly explain: boolean;
  readonly paint: Paint;
}

interface Column {
  readonly name: string;
  readonly align: "left" | "right";
  readonly cell: (row: ComparedRow) => string;
}

/** What tells rows apart comes first; what each takes is on the same line where there is room. */
export function comparisonTable(comparison: Comparison, options: ComparisonOptions): string {
  const { rows } = comparison;
  const painted = (row: ComparedRow, line: string): string =>
    row.budget === undefined ? line : options.paint(row.budget.fits ? "good" : "bad", line);
  const wide = columnsOf(rows, options.units);
  // What gives way when the terminal is narrow: cache, then weights, then the one line.
  const tables = [[], ["cache"], ["cache", "weights"]].map((dropped) =>
    drawn(
      rows,
      wide.filter(({ name }) => !dropped.includes(name)),
    ),
  );
  const fitting = tables.find((lines) => lines.every((line) => line.length <= options.columns));
  const lines =
    fitting === undefined
      ? rows.flatMap((row) =>
          stacked(row, wide).map((line) => painted(row, wrap(line, options.columns, "    "))),
        )
      : [options.paint("dim", fitting[0]!), ...rows.map((row, i) => painted(row, fitting[i + 1]!))];
  const formulas = options.explain ? rows.flatMap((row) => ["", ...explained(row, options)]) : [];
  const notes = noteLines(allNotes(comparison), options);
  return `${[...lines, ...formulas, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n")}\n`;
}

function columnsOf(rows: readonly ComparedRow[], units: "GB" | "GiB"): readonly Column[] {
  const bytesOf = (row: ComparedRow, ids: readonly string[]): number =>
    row.terms.reduce((sum, term) => (ids.includes(term.id) ? sum + term.bytes : sum), 0);
  const size = (name: string, bytes: (row: ComparedRow) => number): Column => ({
    name,
    align: "right",
    cell: (row) => sizeText(bytes(row), units),
  });
  return [
    { name: "model", align: "left", cell: ({ model }) => model.id },
    { name: "dtype", align: "left", cell: ({ request }) => request.dtype },
    { name: "context", align: "right", cell: ({ request }) => contextText(request.context!) },
    size("weights", (row) => bytesOf(row, ["weights"])),
    size("cache", (row) => bytesOf(row, ["kv-cache", "recurrent-state"])),
    size("total", ({ total }) => total.bytes),
    ...(rows.some(({ budget }) => budget !== undefined)
      ? [
          {
            name: "fits",
            align: "left",
            cell: ({ budget }: ComparedRow) => (budget?.fits === true ? "yes" : "no"),
          } as const,
        ]
      : []),
  ];
}

const drawn = (rows: readonly ComparedRow[], columns: readonly Column[]): string[] =>
  alignRows(
    [columns.map(({ name }) => name), ...rows.map((row) => columns.map(({ cell }) => cell(row)))],
    columns.map(({ align }) => align),
  );

/** Two lines where one is too long: what the row is, and what it takes. */
function stacked(row: ComparedRow, columns: readonly Column[]): string[] {
  const cell = (name: string): string => columns.find((column) => column.name === name)!.cell(row);
  const fits = row.budget === undefined ? "" : row.budget.fits ? ", fits" : ", over";
  return [`  ${cell("model")} ${cell("dtype")} at ${cell("context")}`, `    ${cell("total")}${fits}`];
}

function explained(row: ComparedRow, { columns, paint }: ComparisonOptions): string[] {
  return [
    paint(
      "strong",
      wrap(`${row.model.id} in ${row.request.dtype} at ${contextText(row.request.context!)}`, columns),
    ),
    ...explanation(row, columns),
  ];
}

/** Every note once; with several models each says whose it is. */
function allNotes({ rows, notes }: Comparison): readonly Note[] {
  const several = new Set(rows.map(({ model }) => model.id)).size > 1;
  const named = rows.flatMap(({ model, notes: own }) =>
    own.map((note) => (several ? { ...note, message: `${model.id}: ${note.message}` } : note)),
  );
  return [...new Map([...named, ...notes].map((note) => [note.message, note])).values()];
}
