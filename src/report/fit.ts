/** `vram-calc fit`: what fits on a card, as a grid or as one answer. */
import type { Advice } from "../solve/advice.ts";
import type { Bytes, Tokens } from "../units.ts";
import { groupDigits } from "../units.ts";
import { alignRows } from "./inspect.ts";
import type { Paint } from "./paint.ts";
import { sizeText } from "./table.ts";

export interface GridCell {
  readonly contextTokens: Tokens;
  readonly bytes: Bytes;
  readonly fits: boolean;
}

export interface GridRow {
  readonly dtype: string;
  readonly cells: readonly GridCell[];
  /** Longest context that fits in this format; 0 when none does. */
  readonly longestContext: Tokens;
}

/** Formats by contexts: what each needs, and whether that fits. */
export function fitGrid(
  rows: readonly GridRow[],
  options: { readonly columns: number; readonly paint: Paint },
): string {
  const contexts = rows[0]?.cells.map((cell) => cell.contextTokens) ?? [];
  const header = ["dtype", ...contexts.map((tokens) => contextText(tokens)), "longest"];
  const drawn = (keep: number): string[] =>
    alignRows(
      [
        ["dtype", ...header.slice(1, 1 + keep), "longest"],
        ...rows.map((row) => [
          row.dtype,
          ...row.cells
            .slice(0, keep)
            .map((cell) => `${sizeText(cell.bytes, "GiB")}${cell.fits ? " +" : " -"}`),
          row.longestContext === 0 ? "none" : groupDigits(row.longestContext),
        ]),
      ],
      ["left", ...Array.from({ length: keep }, () => "right" as const), "right"],
    );
  let keep = contexts.length;
  let lines = drawn(keep);
  while (keep > 1 && Math.max(...lines.map((line) => line.length)) > options.columns) lines = drawn(--keep);
  const [head, ...body] = lines;
  const painted = body.map((line, i) => options.paint(rows[i]!.longestContext > 0 ? "good" : "bad", line));
  return [options.paint("dim", head!), ...painted, options.paint("dim", "  + fits, - does not")].join("\n");
}

/** "32k" for 32,768. */
export function contextText(tokens: Tokens): string {
  if (tokens % 2 ** 20 === 0) return `${tokens / 2 ** 20}m`;
  return tokens % 1024 === 0 ? `${tokens / 1024}k` : String(tokens);
}

/** What would make it fit, one line each. */
export function adviceLines(advice: readonly Advice[], paint: Paint): string[] {
  return advice.map((item) => {
    const effect = `frees ${sizeText(item.frees, "GiB")}, then ${sizeText(item.bytes, "GiB")}`;
    return `  ${item.text}: ${effect}${item.fits ? paint("good", ", fits") : ", still over"}`;
  });
}
