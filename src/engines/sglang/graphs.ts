/** CUDA graphs of SGLang: what is captured, and what capturing takes. */
import type { Architecture } from "../../architecture/model.ts";
import type { Explained } from "../../memory/term.ts";
import { type Bytes, GiB, type Tokens } from "../../units.ts";

const MIB = 2 ** 20;

const rangeCount = (from: number, to: number, step: number): number =>
  to < from ? 0 : Math.floor((to - from) / step) + 1;

/**
 * Batches that are captured up to `largest`: 1, 2, 4, 8, 12, multiples of 8 to 256, of 16 to 496, of 32 from 512 on.
 *
 * @example decodeCaptures(256) // 36, and 52 for 512: as the logs count them
 */
export function decodeCaptures(largest: number): number {
  const small = [1, 2, 4, 8, 12].filter((size) => size <= largest).length;
  return (
    small +
    rangeCount(16, Math.min(largest, 256), 8) +
    rangeCount(272, Math.min(largest, 511), 16) +
    rangeCount(512, largest, 32)
  );
}

/** Steps of the prefill graphs, each up to its end. */
const PREFILL_STEPS = [
  [4, 32, 4],
  [48, 256, 16],
  [288, 512, 32],
  [576, 1024, 64],
  [1280, 4096, 256],
  [4608, Number.POSITIVE_INFINITY, 512],
] as const;

/**
 * Lengths that the prefill is captured for, up to a chunk (`_generate_piecewise_cuda_graph_tokens`).
 *
 * @example prefillCaptures(8192) // 58, and 74 for 16,384: as the logs count them
 */
export const prefillCaptures = (largest: Tokens): number =>
  PREFILL_STEPS.reduce((sum, [from, to, step]) => sum + rangeCount(from, Math.min(largest, to), step), 0);

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
 * @example sglangGraphs(qwen3_8b, { batch: 512, prefillTokens: 0, ranks: 1 }).decode // 0.66 GiB; the log: 0.60
 */
export function sglangGraphs(
  share: Architecture,
  at: { readonly batch: number; readonly prefillTokens: Tokens; readonly ranks: number },
): { readonly decode: Bytes; readonly prefill: Bytes; readonly explained: Explained } {
  const { batch, prefillTokens, ranks } = at;
  const captures = batch === 0 ? 0 : decodeCaptures(batch);
  const prefillGraphs = prefillTokens === 0 ? 0 : prefillCaptures(prefillTokens);
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
