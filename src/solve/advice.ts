/** What would make a request fit: single changes, each evaluated by the forward estimate. */
import type { Architecture } from "../architecture/model.ts";
import { type EstimateOptions, estimate } from "../estimate/estimate.ts";
import { type Bytes, groupDigits } from "../units.ts";
import { largestBatch, longestContext } from "./inverse.ts";

export interface Advice {
  /** Stable name of the kind of change. */
  readonly change: "context" | "batch" | "kv-dtype" | "dtype";
  /** In words, with the flag to type. */
  readonly text: string;
  readonly options: EstimateOptions;
  /** Expected total after the change. */
  readonly bytes: Bytes;
  /** What it frees. */
  readonly frees: Bytes;
  readonly fits: boolean;
}

/** Formats to step down to, largest first. Loss of quality grows along the list. */
export const SMALLER_FORMATS = ["bf16", "fp8", "q8_0", "q6_k", "q5_k", "q4_k", "q3_k", "q2_k"] as const;
const SMALLER_CACHES = ["fp8", "q8_0", "q4_0"] as const;

/**
 * Changes that free memory, those that are enough first and the gentlest of them on top: a smaller cache
 * format, fewer sequences, a shorter context, a smaller weight format.
 *
 * @returns at most one change of each kind that makes it fit, or else the strongest of that kind
 */
export function advise(model: Architecture, options: EstimateOptions, budgetBytes: Bytes): readonly Advice[] {
  const now = estimate(model, options);
  const context = now.request.context;
  const batch = now.request.batch;
  const found: Advice[] = [];
  const consider = (change: Advice["change"], text: string, next: EstimateOptions): Advice => {
    const { bytes } = estimate(model, next).total;
    return { change, text, options: next, bytes, frees: now.total.bytes - bytes, fits: bytes <= budgetBytes };
  };
  const best = (candidates: readonly Advice[]): void => {
    const useful = candidates.filter((candidate) => candidate.frees > 0);
    const chosen = useful.find((candidate) => candidate.fits) ?? useful.at(-1);
    if (chosen !== undefined) found.push(chosen);
  };
  best(
    SMALLER_CACHES.filter((format) => format !== options.kvDtype).map((kvDtype) =>
      consider("kv-dtype", `--kv-dtype ${kvDtype}`, { ...options, kvDtype }),
    ),
  );
  if (batch !== null && batch > 1) {
    const most = largestBatch({ model, options, budgetBytes });
    const fewer = Math.max(1, Math.min(batch - 1, most));
    best([consider("batch", `--batch ${fewer}`, { ...options, batch: fewer })]);
  }
  if (context !== null && context > 1) {
    const longest = longestContext({ model, options, budgetBytes });
    const shorter = longest > 0 && longest < context ? longest : Math.max(1, Math.floor(context / 2));
    best([
      consider("context", `--context ${shorter} (${groupDigits(shorter)} tokens)`, {
        ...options,
        contextTokens: shorter,
      }),
    ]);
  }
  best(SMALLER_FORMATS.map((dtype) => consider("dtype", `--dtype ${dtype}`, { ...options, dtype })));
  return found.sort((a, b) => Number(b.fits) - Number(a.fits));
}
