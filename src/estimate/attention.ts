/** What an attention implementation costs beside the layers: the mask of the batch, and scores when they are made. */
import type { Architecture } from "../architecture/model.ts";
import { mostQueryHeads } from "../engines/cache-layers.ts";
import type { EngineId } from "../engines/engine.ts";
import { VramCalcError } from "../errors.ts";
import { PREFILL_CHUNK_TOKENS } from "../memory/activations.ts";
import { attentionMaskBytes } from "../memory/attention-mask.ts";
import type { Term } from "../memory/term.ts";
import type { EstimateOptions } from "./estimate-options.ts";

/** @throws bad-option for an engine that brings its own kernels */
export function checkAttention({ attention }: EstimateOptions, engine: EngineId | null): void {
  if (attention === undefined || engine === null || engine === "transformers") return;
  throw new VramCalcError("bad-option", {
    option: "--attention",
    given: `${attention} for ${engine}`,
    expected:
      engine === "llama.cpp"
        ? "--set fa=on or fa=off, or --engine generic or transformers"
        : "--engine generic or transformers: this engine brings its own kernels",
  });
}

/**
 * Mask and scores of one layer while prompts are read, at most 2048 positions of each at a time.
 *
 *     pairs = sequences * min(context, 2048) * context
 *     bytes = pairs * (mask bytes + heads * (compute + 4 + compute) when eager)         see `attentionMaskBytes`
 *
 * Under transformers the scores are part of its activations, and only the mask is added.
 *
 * @returns null when nothing is made: flash attention, or an unpadded batch under SDPA
 * @example llama-3.1-8b, eager, 1 x 4096: 8,388,608 pairs x (2 + 32 x 8) B = 2,164,260,864 B
 */
export function maskTerm(
  held: Architecture,
  at: {
    readonly options: EstimateOptions;
    readonly engine: EngineId | null;
    readonly sequences: number;
    readonly contextTokens: number;
    readonly computeBytes: number;
  },
): Term | null {
  const { options, engine, sequences, contextTokens, computeBytes } = at;
  const padded = options.padded === true;
  const implementation = options.attention ?? "sdpa";
  if (options.attention === undefined && !padded) return null;
  if (engine !== null && engine !== "transformers") return null;
  const queries = engine === null ? Math.min(contextTokens, PREFILL_CHUNK_TOKENS) : contextTokens;
  const heads = mostQueryHeads(held);
  // Layers of state-space models mask nothing.
  if (heads === 0) return null;
  const { mask, scores } = attentionMaskBytes({
    implementation,
    sequences,
    queryTokens: queries,
    keyTokens: contextTokens,
    padded,
    computeBytes,
    queryHeads: heads,
  });
  const made = engine === null ? scores : 0;
  const bytes = mask + made;
  if (bytes === 0) return null;
  return {
    id: "workspace",
    bytes,
    low: mask,
    high: mask + Math.ceil(made * 1.25),
    basis: "modelled",
    formula:
      "{sequences} x {queries} x {keys} pairs x ({maskBytes} B of mask + {heads} heads x {scoreBytes} B)",
    inputs: {
      sequences,
      queries,
      keys: contextTokens,
      maskBytes: implementation === "eager" ? computeBytes : 1,
      heads: made === 0 ? 0 : heads,
      scoreBytes: made === 0 ? 0 : 2 * computeBytes + 4,
    },
  };
}
