import type { Bytes } from "../units.ts";
import { type Margin, marginOf } from "./margin.ts";
import type { CheckedRow, CheckResult, RowGrowth, RowTerm, TermGrowth } from "./result.ts";

/** The part of an earlier result that growth is measured from. */
export interface Baseline {
  readonly file: string;
  readonly rows: readonly {
    readonly id: string;
    readonly total: { readonly bytes: Bytes };
    readonly terms: readonly Pick<RowTerm, "id" | "phase" | "bytes">[];
  }[];
}

/**
 * The result with each row's growth since a baseline: in all and by term. Rows are matched by id; the
 * expected totals are compared, whichever edge of the band gates.
 *
 * @param allowed growth that a row may have, a share being of its size before; without it any growth may be
 */
export function withGrowth(result: CheckResult, baseline: Baseline, allowed?: Margin): CheckResult {
  const before = new Map(baseline.rows.map((row) => [row.id, row]));
  const rows = result.rows.map((row): CheckedRow => {
    const known = before.get(row.id);
    return known === undefined ? row : { ...row, growth: rowGrowth(row, known, allowed) };
  });
  const now = new Set(result.rows.map((row) => row.id));
  return {
    ...result,
    rows,
    baseline: {
      file: baseline.file,
      added: result.rows.filter((row) => !before.has(row.id)).map((row) => row.id),
      gone: baseline.rows.filter((row) => !now.has(row.id)).map((row) => row.id),
    },
  };
}

function rowGrowth(
  row: CheckedRow,
  before: Baseline["rows"][number],
  allowed: Margin | undefined,
): RowGrowth {
  const bytes = row.total.bytes - before.total.bytes;
  const limit = allowed === undefined ? undefined : marginOf(allowed, before.total.bytes);
  return {
    before: before.total.bytes,
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
