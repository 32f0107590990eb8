/** Inverse questions, answered with the forward functions: the answer fits and the next one does not. */
import type { Architecture } from "../architecture/model.ts";
import { type EstimateOptions, estimate } from "../estimate/estimate.ts";
import type { Bytes, Tokens } from "../units.ts";

/** What is asked for. */
export type Unknown = "context" | "batch" | "format";

export interface SolveInput {
  readonly model: Architecture;
  /** Everything but the unknown. */
  readonly options: EstimateOptions;
  /** Bytes that the worst device may take. */
  readonly budgetBytes: Bytes;
}

/**
 * The largest n in [1, limit] for which `fits(n)` holds, or 0 when even 1 does not, for a `fits` that never
 * turns true again once it is false. About 2 log2(answer) calls.
 *
 * @example largestThatFits({ limit: 1000, fits: (n) => n * 3 <= 100 }) // 33
 */
export function largestThatFits(input: {
  readonly limit: number;
  readonly fits: (n: number) => boolean;
}): number {
  const { limit, fits } = input;
  if (limit < 1 || !fits(1)) return 0;
  let low = 1;
  let high = 1;
  while (high < limit) {
    high = Math.min(high * 2, limit);
    if (!fits(high)) break;
    low = high;
  }
  if (low === limit) return limit;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Contexts beyond this are not searched: no model declares more. */
const LONGEST_CONTEXT: Tokens = 2 ** 30;
const LARGEST_BATCH = 2 ** 20;

/**
 * The longest context that fits, at most the model's own maximum.
 *
 * @returns 0 when one token does not fit
 */
export function longestContext({ model, options, budgetBytes }: SolveInput): Tokens {
  const limit = model.maxContextTokens ?? LONGEST_CONTEXT;
  return largestThatFits({
    limit,
    fits: (contextTokens) => estimate(model, { ...options, contextTokens }).total.bytes <= budgetBytes,
  });
}

/** The largest number of sequences that fits at the given context; 0 when one does not. */
export function largestBatch({ model, options, budgetBytes }: SolveInput): number {
  return largestThatFits({
    limit: LARGEST_BATCH,
    fits: (batch) => estimate(model, { ...options, batch }).total.bytes <= budgetBytes,
  });
}

/** One format tried, in the order given. */
export interface FormatAnswer {
  readonly dtype: string;
  readonly bytes: Bytes;
  readonly fits: boolean;
}

/** Every format with what it needs, largest first. The first that fits is the best. */
export function formatsThatFit(
  { model, options, budgetBytes }: SolveInput,
  formats: readonly string[],
): readonly FormatAnswer[] {
  return formats
    .map((dtype) => {
      const { bytes } = estimate(model, { ...options, dtype }).total;
      return { dtype, bytes, fits: bytes <= budgetBytes };
    })
    .sort((a, b) => b.bytes - a.bytes);
}
