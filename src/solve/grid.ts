/** Formats by contexts: what each needs on a card. */
import { defined } from "../defined.ts";
import { estimate } from "../estimate/estimate.ts";
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import type { Bytes, Tokens } from "../units.ts";
import { candidateFormats } from "./formats.ts";
import { headroomOf } from "./headroom.ts";
import { longestContext, type SolveInput } from "./inverse.ts";
import type { Tried } from "./search.ts";

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

const GRID_CONTEXTS: readonly Tokens[] = [4096, 8192, 16_384, 32_768, 65_536, 131_072];

/**
 * One row per format that the engine reads (or the one that is asked for), one cell per context (or the one
 * that is asked for).
 */
export function gridOf(input: SolveInput): readonly GridRow[] {
  const { model, options, budgetBytes } = input;
  const longest = model.maxContextTokens ?? Number.POSITIVE_INFINITY;
  const asked = options.contextTokens;
  const usual = GRID_CONTEXTS.filter((tokens) => tokens <= longest);
  const contexts = asked !== undefined ? [asked] : usual.length > 0 ? usual : [longest];
  const formats = options.dtype !== undefined ? [options.dtype] : candidateFormats(input);
  return formats.map((dtype): GridRow => {
    const inFormat: EstimateOptions = dtype === undefined ? options : { ...options, dtype };
    let name = "";
    const tried: Tried[] = [];
    const cells = contexts.map((contextTokens): GridCell => {
      const result = estimate(model, { ...inFormat, contextTokens });
      name = result.request.dtype;
      const headroom = headroomOf(result, budgetBytes);
      tried.push({ n: contextTokens, headroom });
      return { contextTokens, bytes: result.total.bytes, fits: headroom >= 0 };
    });
    return {
      dtype: name,
      cells,
      longestContext: longestContext({ model, options: inFormat, budgetBytes }, knownFrom(tried, longest)),
    };
  });
}

/** What the cells of a row say about its longest context. */
function knownFrom(
  tried: readonly Tried[],
  longest: Tokens,
): { readonly from?: Tried; readonly until?: Tried } {
  const within = tried.filter(({ n }) => n <= longest).sort((a, b) => a.n - b.n);
  const from = within.findLast(({ headroom }) => headroom >= 0);
  const until = within.find(({ headroom }) => headroom < 0);
  return defined({ from, until });
}
