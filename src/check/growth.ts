import type { Bytes } from "../units.ts";
import { type Margin, marginOf } from "./margin.ts";
import type { CheckedRow, CheckResult, RowGrowth, RowTerm, TermGrowth } from "./result.ts";

/** The part of an earlier result that growth is measured from. */
export interface Baseline {
  readonly file: string;
  readonly rows: readonly BaselineRow[];
}

export interface BaselineRow {
  readonly id: string;
  readonly total: { readonly bytes: Bytes };
  readonly terms: readonly Pick<RowTerm, "id" | "phase" | "bytes">[];
  /** What the row is about; absent in files of older versions, whose rows are matched by id alone. */
  readonly model?: { readonly id: string };
  readonly use?: string;
  readonly budget?: { readonly bytes: Bytes; readonly gpu?: string | undefined };
}

/**
 * The result with each row's growth since a baseline: in all and by term. The expected totals are compared,
 * whichever edge of the band gates.
 *
 * Rows are matched by id. The id of a row without a name holds its options, so those left over are matched by model,
 * use and limit, in their order: a longer context in the same row is growth, not a new row.
 *
 * @param allowed growth that a row may have, a share being of its size before; without it any growth may be
 */
export function withGrowth(result: CheckResult, baseline: Baseline, allowed?: Margin): CheckResult {
  const before = matched(result.rows, baseline.rows);
  const rows = result.rows.map((row): CheckedRow => {
    const known = before.get(row);
    return known === undefined ? row : { ...row, growth: rowGrowth(row, known, allowed) };
  });
  const found = new Set(before.values());
  return {
    ...result,
    rows,
    baseline: {
      file: baseline.file,
      added: result.rows.filter((row) => !before.has(row)).map((row) => row.id),
      gone: baseline.rows.filter((row) => !found.has(row)).map((row) => row.id),
    },
  };
}

function matched(
  rows: readonly CheckedRow[],
  earlier: readonly BaselineRow[],
): ReadonlyMap<CheckedRow, BaselineRow> {
  const byId = new Map(earlier.map((row) => [row.id, row]));
  const pairs = new Map<CheckedRow, BaselineRow>();
  for (const row of rows) {
    const same = byId.get(row.id);
    if (same === undefined) continue;
    pairs.set(row, same);
    byId.delete(row.id);
  }
  const left = new Map<string, BaselineRow[]>();
  for (const row of byId.values()) {
    const key = subjectOf(row);
    if (key !== null) left.set(key, [...(left.get(key) ?? []), row]);
  }
  for (const row of rows) {
    if (pairs.has(row)) continue;
    const next = left.get(subjectOf(row)!)?.shift();
    if (next !== undefined) pairs.set(row, next);
  }
  return pairs;
}

function subjectOf({ model, use, budget }: BaselineRow): string | null {
  if (model === undefined || use === undefined || budget === undefined) return null;
  return JSON.stringify([model.id, use, budget.gpu ?? budget.bytes]);
}

function rowGrowth(row: CheckedRow, before: BaselineRow, allowed: Margin | undefined): RowGrowth {
  const bytes = row.total.bytes - before.total.bytes;
  const limit = allowed === undefined ? undefined : marginOf(allowed, before.total.bytes);
  return {
    before: before.total.bytes,
    ...(before.id === row.id ? {} : { was: before.id }),
    bytes,
    terms: termGrowths(row.terms, before.terms),
    ...(limit === undefined ? {} : { allowed: limit }),
    fits: limit === undefined || bytes <= limit,
  };
}

type SizedTerm = Pick<RowTerm, "id" | "phase" | "bytes">;

function termGrowths(now: readonly SizedTerm[], before: readonly SizedTerm[]): TermGrowth[] {
  const changes = new Map<string, { id: string; phase?: string; bytes: number }>();
  const add = (term: SizedTerm, sign: 1 | -1): void => {
    const key = `${term.phase ?? ""} ${term.id}`;
    let change = changes.get(key);
    if (change === undefined) {
      change = { id: term.id, ...(term.phase === undefined ? {} : { phase: term.phase }), bytes: 0 };
      changes.set(key, change);
    }
    change.bytes += sign * term.bytes;
  };
  for (const term of now) add(term, 1);
  for (const term of before) add(term, -1);
  return [...changes.values()]
    .filter((change) => change.bytes !== 0)
    .sort((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes) || (a.id < b.id ? -1 : 1));
}
