/** Terms and their sum as lines with bars. */
import type { Band, Term } from "../memory/term.ts";
import { type Bytes, formatBytes, groupDigits } from "../units.ts";
import { termName } from "./explain.ts";
import type { Paint } from "./paint.ts";
import { sizeText, type Units } from "./size-text.ts";

export interface TermLinesOptions {
  readonly columns: number;
  readonly units: Units;
  readonly paint: Paint;
}

const NAME_WIDTH = 16;

/** Terms with their sizes, basis and a bar of their share of `total`. */
export function termLines(terms: readonly Term[], total: Bytes, options: TermLinesOptions): string[] {
  const sizes = terms.map((term) => termSize(term.bytes, options));
  const width = Math.max(...sizes.map((s) => s.length));
  const names = Math.max(NAME_WIDTH, ...terms.map((term) => termName(term).length + 2));
  return terms.map((term, i) => {
    const base = `  ${termName(term).padEnd(names)}${sizes[i]!.padStart(width)}  `;
    const basis = options.paint(term.basis, term.basis);
    const room = options.columns - base.length - 10;
    const bar =
      room >= 6
        ? `${" ".repeat(10 - term.basis.length)}${shareBar(term.bytes / total, Math.min(room, 24))}`
        : "";
    return `${base}${basis}${bar}`.trimEnd();
  });
}

/** At narrow widths one unit is enough; the exact bytes are always in --json and --explain. */
function termSize(bytes: Bytes, options: TermLinesOptions): string {
  const { units, columns } = options;
  if (units === "both" && columns < 60) return sizeText(bytes, "GiB");
  if (columns >= 78 && units === "both") return `${groupDigits(bytes)} B = ${sizeText(bytes, units)}`;
  return sizeText(bytes, units);
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A bar of `share` of `width` cells, to an eighth of a cell; a non-zero share is never invisible. */
export function shareBar(share: number, width: number): string {
  const eighths = !(share > 0) ? 0 : Math.max(1, Math.round(Math.min(share, 1) * width * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

/** Their sum with its band. */
export function totalLine(total: Band, options: TermLinesOptions): string {
  const size = termSize(total.bytes, options);
  const unit = options.units === "GB" ? "GB" : "GiB";
  const digits = 2;
  const band =
    total.low === total.high
      ? ""
      : `  (${formatBytes(total.low, { unit, digits }).replace(/ .*/, "")} to ${formatBytes(total.high, { unit, digits })})`;
  const line = `  ${"total".padEnd(NAME_WIDTH)}${size}`;
  const fits = line.length + band.length <= options.columns;
  return options.paint("strong", line) + (fits ? band : `\n   ${band}`);
}
