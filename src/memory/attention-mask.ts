import type { Bytes, Tokens } from "../units.ts";

/** Attention implementations as transformers names them. */
export const ATTENTION_IMPLEMENTATIONS = ["flash", "sdpa", "eager"] as const;
export type AttentionImplementation = (typeof ATTENTION_IMPLEMENTATIONS)[number];

export interface AttentionMaskInput {
  readonly implementation: AttentionImplementation;
  readonly sequences: number;
  /** Query positions of this pass: the prompt in a prefill, 1 in a decode step. */
  readonly queryTokens: Tokens;
  /** Key positions that they look at. */
  readonly keyTokens: Tokens;
  /** Some sequences are shorter than the batch: plain causal attention no longer says who sees whom. */
  readonly padded: boolean;
  /** Bytes of one value of the compute format: 2 for bf16. */
  readonly computeBytes: number;
  /** Query heads of a layer. Only eager attention makes one score per head. */
  readonly queryHeads: number;
}

export interface AttentionMaskBytes {
  /** The 4-D mask [B, 1, Q, K], one for all layers. */
  readonly mask: Bytes;
  /** Scores and their softmax at the widest moment of one layer. Layers run one after the other. */
  readonly scores: Bytes;
}

/**
 * What masking costs by attention implementation.
 *
 *     flash   nothing: padding is packed away, causality is in the kernel
 *     sdpa    nothing for an unpadded causal batch (is_causal replaces the mask); else B * Q * K booleans
 *     eager   mask B * Q * K in the compute format, always; scores of one layer
 *             B * heads * Q * K * (compute + 4 + compute): scores, fp32 softmax, its copy cast back
 *
 * A decode step (Q = 1) needs no causal mask; padding still does. Source: transformers 5.18
 * `masking_utils.py` and `modeling_llama.py` `eager_attention_forward`.
 *
 * @example attentionMaskBytes({ implementation: "sdpa", sequences: 4, queryTokens: 2048, keyTokens: 2048,
 *   padded: true, ... }).mask // 16_777_216 = 4 x 2048 x 2048 x 1 B
 */
export function attentionMaskBytes(input: AttentionMaskInput): AttentionMaskBytes {
  const { implementation, sequences, queryTokens, keyTokens, padded, computeBytes, queryHeads } = input;
  const pairs = sequences * queryTokens * keyTokens;
  switch (implementation) {
    case "flash":
      return { mask: 0, scores: 0 };
    case "sdpa":
      return { mask: padded ? pairs : 0, scores: 0 };
    case "eager":
      return { mask: pairs * computeBytes, scores: pairs * queryHeads * (2 * computeBytes + 4) };
  }
}
