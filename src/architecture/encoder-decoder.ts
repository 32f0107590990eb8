/** What encoder-decoders share: a bidirectional stack, and a stack whose layers also attend to the encoder. */

import { type FeedForwardParts, gatedMlp, plainMlp } from "./feed-forward.ts";
import { type SelfAttentionSpec, selfAttention } from "./mixers/self-attention.ts";
import type { Activation, LayerKind, NormKind, Tensor } from "./model.ts";
import { norm } from "./tensors.ts";

export interface SeqLayerSpec {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
  /** Module path, names and biases of the self-attention. */
  readonly selfAttention: Pick<SelfAttentionSpec, "name" | "names" | "outName" | "bias">;
  /** The same for the attention to the encoder; absent in encoder layers. */
  readonly crossAttention?: Pick<SelfAttentionSpec, "name" | "names" | "outName" | "bias">;
  /** Encoder positions when the model fixes them. */
  readonly encoderTokens?: number;
  readonly mlp: {
    readonly name: string;
    readonly width: number;
    readonly activation: Activation;
    readonly bias: boolean;
    readonly gated?: readonly [gate: string, up: string, down: string];
    readonly plain?: readonly [up: string, down: string];
  };
  /** Instead of the MLP. */
  readonly experts?: FeedForwardParts;
  readonly norm: Extract<NormKind, "rms" | "layer">;
  readonly norms: readonly string[];
  readonly extras?: readonly Tensor[];
}

/**
 * One layer. An encoder layer keeps no cache; a decoder layer keeps its own keys and values and, apart, those
 * of the encoder's positions.
 */
export function seqLayer(spec: SeqLayerSpec): LayerKind {
  const { hiddenSize, heads, headDim, mlp } = spec;
  const shape = { hiddenSize, heads, kvHeads: heads, keyDim: headDim } as const;
  const isDecoder = spec.crossAttention !== undefined;
  const own = selfAttention({ ...shape, ...spec.selfAttention, cache: isDecoder ? "own" : "none" });
  const cross =
    spec.crossAttention === undefined
      ? { mixers: [], tensors: [] }
      : selfAttention({
          ...shape,
          ...spec.crossAttention,
          cache: "cross",
          encoderTokens: spec.encoderTokens,
        });
  const { name, width, bias, activation } = mlp;
  const dense = (): Tensor[] =>
    mlp.gated === undefined
      ? plainMlp({
          name,
          hiddenSize,
          width,
          bias,
          ...(mlp.plain === undefined ? {} : { names: mlp.plain }),
        })
      : gatedMlp({ name, hiddenSize, width, bias, names: mlp.gated });
  return {
    mixers: [...own.mixers, ...cross.mixers],
    feedForward: spec.experts?.feedForward ?? {
      kind: "dense",
      width,
      gated: mlp.gated !== undefined,
      activation,
    },
    tensors: [
      ...own.tensors,
      ...cross.tensors,
      ...(spec.experts?.tensors ?? dense()),
      ...spec.norms.flatMap((each) => norm(each, hiddenSize, spec.norm === "layer" ? "bias" : "no-bias")),
      ...(spec.extras ?? []),
    ],
  };
}
