/** Words that every report of a check shares. */
import { type CheckedRow, type CheckResult, type RowGrowth, rowFails } from "../check/result.ts";
import { type Bytes, distinguishingDigits, formatBytes } from "../units.ts";

export type CheckUnit = "GB" | "GiB";

/** Need and limit with as many digits as it takes to tell them apart. */
export interface RowSizes {
  /** What must fit: the expected total, or the high edge where that gates. */
  readonly need: string;
  readonly limit: string;
  /** "7.69 GiB to spare", "over by 7.69 GiB", "0.31 GiB to spare of 1.18 GiB reserved". */
  readonly verdict: string;
}

/** Need and limit of a row, with as many digits as tell them apart. */
export function rowSizes({ budget }: CheckedRow, unit: CheckUnit): RowSizes {
  const need = budget.bytes - budget.headroom;
  const digits = distinguishingDigits(need, budget.bytes, unit);
  const size = (bytes: Bytes): string => formatBytes(bytes, { unit, digits });
  const verdict =
    budget.headroom < 0
      ? `over by ${size(-budget.headroom)}`
      : budget.fits
        ? `${size(budget.headroom)} to spare`
        : `only ${size(budget.headroom)} to spare of ${formatBytes(budget.reserved, { unit })} reserved`;
  const edge = budget.gate === "high" ? " at the high edge" : "";
  return { need: size(need), limit: size(budget.bytes), verdict: `${verdict}${edge}` };
}

/** "vram-budget.json: 2 of 12 rows are over". */
export function checkHeadline({ file, rows }: CheckResult): string {
  const over = rows.filter((row) => !row.budget.fits).length;
  const grew = rows.filter((row) => row.growth?.fits === false).length;
  const all = `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
  if (over + grew === 0) return `${file}: ${rows.length === 1 ? "1 row fits" : `all ${all} fit`}`;
  const parts = [
    ...(over > 0 ? [`${over} of ${all} ${over === 1 ? "is" : "are"} over`] : []),
    ...(grew > 0 ? [`${grew} grew more than allowed`] : []),
  ];
  return `${file}: ${parts.join(", ")}`;
}

/** "+1.22 GiB (+5.0 %): kv-cache +1.00 GiB, logits +0.22 GiB", or null when nothing changed. */
export function growthText(growth: RowGrowth, unit: CheckUnit): string | null {
  const was = growth.was === undefined ? "" : ` from ${growth.was}`;
  if (growth.bytes === 0 && growth.terms.length === 0)
    return was === "" ? null : `the same size as ${growth.was}`;
  const share = growth.before === 0 ? "" : ` (${signedPercent(growth.bytes / growth.before)})`;
  const terms = growth.terms
    .slice(0, 3)
    .map(
      (term) => `${term.phase === undefined ? "" : `${term.phase} `}${term.id} ${signed(term.bytes, unit)}`,
    );
  const over =
    growth.fits || growth.allowed === undefined
      ? ""
      : `, more than the ${sizeOf(growth.allowed, unit)} allowed`;
  return `${signed(growth.bytes, unit)}${share}${was}${over}${terms.length === 0 ? "" : `: ${terms.join(", ")}`}`;
}

/** The largest terms: "weights 27.51 GiB, kv-cache 6.00 GiB, activations 0.41 GiB". */
export function largestTerms(row: CheckedRow, unit: CheckUnit, most = 3): string {
  return [...row.terms]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, most)
    .map((term) => `${term.id} ${sizeOf(term.bytes, unit)}`)
    .join(", ");
}

/** Failing rows first, the worst of them on top; then those with the least to spare. */
export function worstFirst(rows: readonly CheckedRow[]): readonly CheckedRow[] {
  const spare = (row: CheckedRow): number => (row.budget.headroom - row.budget.reserved) / row.budget.bytes;
  return [...rows].sort((a, b) => Number(rowFails(b)) - Number(rowFails(a)) || spare(a) - spare(b));
}

/** "1 row", "2 rows". */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** A size that is never shown as nothing: small ones in smaller units. */
function sizeOf(bytes: Bytes, unit: CheckUnit): string {
  const small = unit === "GB" ? "MB" : "MiB";
  if (bytes > 0 && bytes < (unit === "GB" ? 5e6 : 5 * 2 ** 20)) return formatBytes(bytes, { unit: "B" });
  return formatBytes(bytes, { unit: bytes < (unit === "GB" ? 1e8 : 2 ** 27) && bytes > 0 ? small : unit });
}

const signed = (bytes: number, unit: CheckUnit): string =>
  `${bytes < 0 ? "-" : "+"}${sizeOf(Math.abs(bytes), unit)}`;

const signedPercent = (share: number): string =>
  `${share < 0 ? "-" : "+"}${(Math.abs(share) * 100).toFixed(1)} %`;
