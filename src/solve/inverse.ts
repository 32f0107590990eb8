/** Inverse questions of serving, answered with the forward estimate: the answer fits and the next does not. */
import type { Architecture } from "../architecture/model.ts";
import { parseEngine } from "../engines/engine-name.ts";
import { versionRow } from "../engines/versions.ts";
import { defaultLimits } from "../engines/vllm/profile.ts";
import { VLLM_VERSIONS } from "../engines/vllm/versions.ts";
import { estimate } from "../estimate/estimate.ts";
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import type { Bytes, Tokens } from "../units.ts";
import { headroomOf } from "./headroom.ts";
import { checkQuestion } from "./question.ts";
import { largestThatFits, type Tried } from "./search.ts";

export interface SolveInput {
  readonly model: Architecture;
  /** Everything but the unknown. */
  readonly options: EstimateOptions;
  /** Bytes that the worst device may take. */
  readonly budgetBytes: Bytes;
}

/** What the worst device and the tightest pool have to spare; negative where one does not hold the request. */
const spareOf = ({ model, options, budgetBytes }: SolveInput): number =>
  headroomOf(estimate(model, options), budgetBytes);

/** True when the worst device and every pool hold the request. */
export const fits = (input: SolveInput): boolean => spareOf(input) >= 0;

/** Contexts beyond this are not searched: no model declares more. */
export const LONGEST_CONTEXT: Tokens = 2 ** 30;
/** Batches beyond this are not searched: no engine runs as many at once. */
export const LARGEST_BATCH = 2 ** 20;

/**
 * The longest context that fits, at most the model's own maximum: blocks, windows and padding make
 * memory a staircase, and on every engine a rising one (test/solve/monotone.test.ts).
 *
 * @param known contexts that were tried already: the longest that fits, the shortest that does not
 * @returns 0 when one token does not fit
 * @example longestContext({ model: llama_3_1_8b, options: {}, budgetBytes: 80e9 }) // 131_072, all it was trained for
 */
export function longestContext(
  input: SolveInput,
  known: { readonly from?: Tried | undefined; readonly until?: Tried | undefined } = {},
): Tokens {
  checkQuestion(input, "longestContext");
  const { model, options, budgetBytes } = input;
  return largestThatFits({
    ...known,
    limit: contextLimit(model),
    headroom: (contextTokens) => spareOf({ model, options: { ...options, contextTokens }, budgetBytes }),
  });
}

/** Where the search for a context ends: the positions that the model declares. */
export const contextLimit = (model: Architecture): Tokens => model.maxContextTokens ?? LONGEST_CONTEXT;

/**
 * The largest number of sequences, over all replicas, that fits at the given context and that the engine
 * runs at once.
 *
 * @returns 0 when one does not fit
 * @example largestBatch({ model: llama_3_1_8b, options: {}, budgetBytes: 10e9 }) // 0, for the weights take 16 GB
 */
export function largestBatch(input: SolveInput): number {
  checkQuestion(input, "largestBatch");
  const { model, options, budgetBytes } = input;
  return largestThatFits({
    limit: batchLimit(options),
    headroom: (batch) => spareOf({ model, options: { ...options, batch }, budgetBytes }),
  });
}

/** Sequences that an engine schedules at once: vLLM's `max_num_seqs` of each replica; others have no limit. */
export function batchLimit(options: EstimateOptions): number {
  const { engine = "generic", engineOptions, card, dp = 1 } = options;
  if (engine === "generic") return LARGEST_BATCH;
  const named = parseEngine(engine);
  if (named.engine !== "vllm") return LARGEST_BATCH;
  const asked = engineOptions?.maxNumSeqs;
  const version = versionRow(VLLM_VERSIONS, named.version);
  return dp * (typeof asked === "number" && asked > 0 ? asked : defaultLimits(card, { version }).maxNumSeqs);
}
