/** CUDA graphs of SGLang: what is captured, and what capturing takes. */
import type { Architecture } from "../../architecture/model.ts";
import type { Explained } from "../../memory/term.ts";
import { type Bytes, GiB, type Tokens } from "../../units.ts";

const MIB = 2 ** 20;

type Steps = readonly (readonly [from: number, to: number, step: number])[];

/** How many sizes up to `largest` there are in steps, each from its start to its end. */
const sizesTo = (steps: Steps, largest: number): number =>
  steps.reduce(
    (sum, [from, to, step]) => sum + Math.max(0, Math.floor((Math.min(largest, to) - from) / step) + 1),
    0,
  );

const EVERY = Number.POSITIVE_INFINITY;
const DECODE_STEPS: Steps = [
  [1, 2, 1],
  [4, 12, 4],
  [16, 256, 8],
  [272, 496, 16],
  [512, EVERY, 32],
];
const PREFILL_STEPS: Steps = [
  [4, 32, 4],
  [48, 256, 16],
  [288, 512, 32],
  [576, 1024, 64],
  [1280, 4096, 256],
  [4608, EVERY, 512],
];

/**
 * Batches that are captured up to `largest`.
 *
 * @example decodeCaptures(256) // 36, and 52 for 512: as the logs count them
 */
export const decodeCaptures = (largest: number): number => sizesTo(DECODE_STEPS, largest);

/**
 * Lengths that the prefill is captured for, up to a chunk (`_generate_piecewise_cuda_graph_tokens`).
 *
 * @example prefillCaptures(8192) // 58, and 74 for 16,384: as the logs count them
 */
export const prefillCaptures = (largest: Tokens): number => sizesTo(PREFILL_STEPS, largest);

/**
 * Driver memory of one captured batch: 35 batches of Qwen3-30B-A3B took 0.09 GiB after the first, in the log of the
 * row `sglang-qwen3-30b-fp8-h100`.
 */
const PER_DECODE_GRAPH: Bytes = Math.round(2.6 * MIB);
/** Workspaces that the first capture makes: 0.11 GiB for four small batches, row `sglang-llama-3.1-8b-24gb`. */
const FIRST_CAPTURE: Bytes = 96 * MIB;
/**
 * What communicators grow by once ranks talk in a graph: the rest of 0.26 GiB on two RTX 4090 and of 0.93 on four L4,
 * rows `sglang-qwen3.5-9b-2x4090` and `sglang-qwq-32b-4xl4`.
 */
const TALKING: { readonly pair: Bytes; readonly many: Bytes } = {
  pair: Math.round(0.115 * GiB),
  many: Math.round(0.735 * GiB),
};
/** What the engine itself counts for one prefill graph; 57 of them took 0.42 GiB in the same log. */
const PER_PREFILL_GRAPH: Bytes = 8 * MIB;

/**
 * What capturing takes beside the activations, which graphs share with the passes that are not captured.
 *
 *     decode   batch * vocabulary * 6 B of logits in the compute format and in fp32 + captures * 2.6 MiB
 *              + 96 MiB of workspaces + what communicators grow by
 *     prefill  captures * 8 MiB
 *
 * @example sglangGraphs(qwen3_8b, { batch: 512, prefillTokens: 0, ranks: 1 }).decode
 * // 709_178_184, which is 0.66 GiB; the log says 0.60
 */
export function sglangGraphs(
  share: Architecture,
  at: { readonly batch: number; readonly prefillTokens: Tokens; readonly ranks: number },
): { readonly decode: Bytes; readonly prefill: Bytes; readonly explained: Explained } {
  const { batch, prefillTokens, ranks } = at;
  const captures = decodeCaptures(batch);
  const prefillGraphs = prefillCaptures(prefillTokens);
  const vocabulary = share.vocabSize;
  const first = captures + prefillGraphs === 0 ? 0 : FIRST_CAPTURE + talking(ranks);
  return {
    decode: batch * vocabulary * 6 + captures * PER_DECODE_GRAPH + first,
    prefill: prefillGraphs * PER_PREFILL_GRAPH,
    explained: {
      formula:
        "{batch} x {vocabulary} x 6 B of logits + {captures} graphs x {each} B + {prefillGraphs} prefill graphs x {eachPrefill} B + {first} B of the first capture",
      inputs: {
        batch,
        vocabulary,
        captures,
        each: PER_DECODE_GRAPH,
        prefillGraphs,
        eachPrefill: PER_PREFILL_GRAPH,
        first,
      },
    },
  };
}

const talking = (ranks: number): Bytes => (ranks > 2 ? TALKING.many : ranks === 2 ? TALKING.pair : 0);
