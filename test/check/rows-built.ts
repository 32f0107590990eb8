import { type CheckedRow, judge, type RowTerm } from "../../src/check/result.ts";

/** Rows made by hand, for tests of what is done with them. */
export const term = (id: string, bytes: number, phase?: string): RowTerm => ({
  id,
  bytes,
  low: bytes,
  high: bytes,
  basis: "exact",
  formula: `${bytes} B = ${bytes} B`,
  ...(phase === undefined ? {} : { phase }),
});

export function checkedRow(
  id: string,
  terms: readonly RowTerm[],
  more: {
    readonly limit?: number;
    readonly gpu?: string;
    readonly reserved?: number;
    readonly line?: number;
  } = {},
): CheckedRow {
  const bytes = terms.reduce((sum, t) => sum + t.bytes, 0);
  const total = { bytes, low: bytes, high: bytes };
  const limit = { bytes: more.limit ?? 1e15, ...(more.gpu === undefined ? {} : { gpu: more.gpu }) };
  return {
    id,
    place: { line: more.line ?? 3, column: 5 },
    model: {
      id: "m",
      source: "catalogue",
      family: "llama",
      parameters: { total: 1, active: 1, stored: 1, mtp: 0 },
      tied: false,
    },
    use: "serve",
    request: { dtype: "bf16" },
    total,
    terms,
    budget: judge({ total }, limit, { gate: "expected", headroom: { bytes: more.reserved ?? 0 } }),
    notes: [],
  };
}
