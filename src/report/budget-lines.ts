/** The verdict against a limit, with the limit drawn in. */
import type { Budget } from "../budget.ts";
import { type Bytes, distinguishingDigits, formatBytes } from "../units.ts";
import type { TermLinesOptions } from "./term-lines.ts";
import { wrap } from "./text-layout.ts";

/**
 * The need as a bar with the limit drawn in: "█████····┃" has room, "█████┃▒▒" is over.
 *
 * @example limitBar({ need: 5, limit: 10, width: 11 }) // "█████·····┃"
 */
export function limitBar(at: {
  readonly need: Bytes;
  readonly limit: Bytes;
  readonly width: number;
}): string {
  const { need, limit } = at;
  const cells = Math.max(4, at.width - 1);
  const scale = cells / Math.max(need, limit, 1);
  // What does not fit is never rounded away, nor is what is left.
  const inside =
    need <= limit
      ? Math.min(cells - (need < limit ? 1 : 0), Math.round(need * scale))
      : Math.min(cells - 1, Math.round(limit * scale));
  if (need <= limit) return `${"█".repeat(inside)}${"·".repeat(cells - inside)}┃`;
  return `${"█".repeat(inside)}┃${"▒".repeat(cells - inside)}`;
}

/** Fits, or over by how much. */
export function budgetLines(budget: Budget, need: Bytes, options: TermLinesOptions): string[] {
  // A card is measured in GiB; a size of one's own is told in the unit that prices and contexts use.
  const unit = options.units === "both" ? (budget.gpu === undefined ? "GB" : "GiB") : options.units;
  const digits = distinguishingDigits(need, budget.bytes, unit);
  // A difference that the digits would round to nothing is told in bytes.
  const size = (bytes: Bytes): string =>
    bytes !== 0 && Number.parseFloat(formatBytes(bytes, { unit, digits })) === 0
      ? formatBytes(bytes, { unit: "B" })
      : formatBytes(bytes, { unit, digits });
  const limit =
    budget.gpu === undefined ? size(budget.bytes) : `${budget.gpu} (${size(budget.bytes)} usable)`;
  const paint = budget.fits ? "good" : "bad";
  const verdict = wrap(verdictText(budget, { limit, need, size }), options.columns);
  // A pool that is too small is as far over as it lacks, however empty the card is beside it.
  const drawn = budget.tight !== undefined && !budget.fits ? budget.bytes - budget.headroom : need;
  const gauge = limitBar({ need: drawn, limit: budget.bytes, width: Math.min(options.columns - 4, 60) });
  return [options.paint(paint, `  ${gauge}`), options.paint(paint, verdict)];
}

function verdictText(
  { fits, headroom, tight }: Budget,
  {
    limit,
    need,
    size,
  }: { readonly limit: string; readonly need: Bytes; readonly size: (bytes: Bytes) => string },
): string {
  if (tight === "start")
    return `over ${limit} by ${size(-headroom)}: the engine takes more than the card at its start`;
  if (tight === "pool")
    return fits
      ? `fits ${limit}: the pool has ${size(headroom)} to spare`
      : `over ${limit}: the pool lacks ${size(-headroom)} for this request`;
  return fits
    ? `fits ${limit} with ${size(headroom)} to spare`
    : `over ${limit} by ${size(-headroom)}: needs ${size(need)}`;
}
