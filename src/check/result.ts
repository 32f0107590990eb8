/** What a check found, before it is rendered: plain data, small enough to keep for ten thousand rows. */
import type { Note } from "../architecture/model.ts";
import type { ModelFacts } from "../architecture/summary.ts";
import { type Budget, checkBudget, type Gate, type Need } from "../budget.ts";
import { VramCalcError } from "../errors.ts";
import { type Band, type Basis, explainTerm, type Term } from "../memory/term.ts";
import type { Bytes } from "../units.ts";
import { type Margin, marginOf } from "./margin.ts";
import type { Place } from "./text/place.ts";

export type Use = "serve" | "train";

/** What a row of a budgets file sizes. */
export const USES: readonly Use[] = ["serve", "train"];

/** A term as plain data. */
export interface RowTerm {
  readonly id: string;
  readonly phase?: string;
  readonly bytes: Bytes;
  readonly low: Bytes;
  readonly high: Bytes;
  readonly basis: Basis;
  /** With its numbers, ending in the result. */
  readonly formula: string;
  readonly label?: string;
}

/** The limit of a row. `headroom` is limit less need; the row fits when it is at least `reserved`. */
export interface RowBudget extends Budget {
  readonly gate: Gate;
  readonly reserved: Bytes;
}

export interface TermGrowth {
  readonly id: string;
  readonly phase?: string;
  /** Now less before. */
  readonly bytes: number;
}

export interface RowGrowth {
  readonly before: Bytes;
  /** Id of the row in the baseline where it had other options. */
  readonly was?: string;
  /** Now less before. */
  readonly bytes: number;
  /** Terms that changed, the largest change first. */
  readonly terms: readonly TermGrowth[];
  /** Growth that was allowed; absent when any is. */
  readonly allowed?: Bytes;
  readonly fits: boolean;
}

export interface CheckedRow {
  /** Unique in the file and stable: what a baseline is matched by. */
  readonly id: string;
  readonly place: Place;
  readonly model: ModelFacts;
  readonly use: Use;
  readonly request: Readonly<Record<string, unknown>>;
  /** Need of the worst device. */
  readonly total: Band;
  /** Terms of the worst device. */
  readonly terms: readonly RowTerm[];
  readonly budget: RowBudget;
  /** Against the baseline; absent without one, and for a row that is new. */
  readonly growth?: RowGrowth;
  readonly notes: readonly Note[];
}

export interface CheckResult {
  readonly file: string;
  readonly rows: readonly CheckedRow[];
  /** Present with a baseline. */
  readonly baseline?: {
    readonly file: string;
    /** Rows that it has no figure for. */
    readonly added: readonly string[];
    /** Rows of it that are no more. */
    readonly gone: readonly string[];
  };
}

/**
 * Holds a need against a limit of which a part is to stay free.
 *
 * @throws bad-option when the part is the whole
 * @example judge({ total: { bytes: 20, low: 18, high: 23 } }, { bytes: 24 }, { gate: "expected", headroom: { bytes: 4 } })
 * // { bytes: 24, fits: true, headroom: 4, reserved: 4, gate: "expected" }
 */
export function judge(
  need: Need,
  limit: { readonly bytes: Bytes; readonly gpu?: string },
  { gate, headroom }: { readonly gate: Gate; readonly headroom: Margin },
): RowBudget {
  const reserved = marginOf(headroom, limit.bytes);
  if (reserved >= limit.bytes) {
    throw new VramCalcError("bad-option", {
      option: "headroom",
      given: `${reserved} bytes of ${limit.bytes}`,
      expected: "less than the limit it is a part of",
    });
  }
  const { headroom: left, tight, bytes, gpu } = checkBudget(need, limit, gate);
  // Field by field: to change what was spread takes longer than the judgement, and every line of a stream is judged.
  return {
    bytes,
    fits: left >= reserved,
    headroom: left,
    ...(tight === undefined ? {} : { tight }),
    ...(gpu === undefined ? {} : { gpu }),
    gate,
    reserved,
  };
}

/** A row fails when it is over its limit or grew more than it may. */
export const rowFails = (row: CheckedRow): boolean => !row.budget.fits || row.growth?.fits === false;

/** A term without what it was made of. */
export function rowTerm(term: Term): RowTerm {
  const { id, label, phase, bytes, low, high, basis } = term;
  return {
    id,
    ...(label === undefined ? {} : { label }),
    ...(phase === undefined ? {} : { phase }),
    bytes,
    low,
    high,
    basis,
    formula: explainTerm(term),
  };
}
