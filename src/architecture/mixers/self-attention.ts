import type { MixerParts } from "../decoder.ts";
import type { AttentionMixer } from "../model.ts";
import { type AttentionSpec, attention } from "../tensors.ts";

export interface SelfAttentionSpec extends AttentionSpec {
  readonly windowTokens?: number | undefined;
  readonly chunkTokens?: number | undefined;
  /** "own" when absent; "none" in encoders. */
  readonly cache?: AttentionMixer["cache"];
  /** Encoder positions of a "cross" cache when the model fixes them. */
  readonly encoderTokens?: number | undefined;
}

/** Attention as a layer holds it: the mixer that sizes its cache and the tensors that `attention` names. */
export function selfAttention(spec: SelfAttentionSpec): MixerParts {
  const { heads, kvHeads, keyDim, valueDim = keyDim, windowTokens, chunkTokens, encoderTokens } = spec;
  const mixer: AttentionMixer = {
    kind: "attention",
    queryHeads: heads,
    kvHeads,
    keyDim,
    valueDim,
    cache: spec.cache ?? "own",
    ...(windowTokens === undefined ? {} : { windowTokens }),
    ...(chunkTokens === undefined ? {} : { chunkTokens }),
    ...(encoderTokens === undefined ? {} : { encoderTokens }),
  };
  return { mixers: [mixer], tensors: attention(spec) };
}
