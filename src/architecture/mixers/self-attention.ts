/** Softmax attention as a layer holds it: the mixer that sizes its cache and its projections. */
import { defined } from "../../defined.ts";
import type { Role, Split, Tensor } from "../model.ts";
import { linear, norm, within } from "../tensors.ts";
import type { AttentionMixer, Mixer } from "./mixer.ts";

/** What one layer's mixer is and holds. */
export interface MixerParts {
  readonly mixers: readonly Mixer[];
  readonly tensors: readonly Tensor[];
}

interface AttentionSpec {
  /** Module path: "self_attn". */
  readonly name: string;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim?: number | undefined;
  /** Which projections carry a bias; `k` where it differs from q and v (Whisper). */
  readonly bias?: { readonly qkv?: boolean; readonly k?: boolean; readonly o?: boolean } | undefined;
  /** q_proj also makes an output gate of the same width, interleaved by head (Qwen3-Next). */
  readonly gatedQuery?: boolean | undefined;
  /** Width that o_proj writes when it is not the width that q, k and v read (Zamba2). */
  readonly outputSize?: number | undefined;
  /** Names of q, k, v, o (or fused qkv, o) modules. */
  readonly names?: readonly [string, string, string, string] | undefined;
  /** Fused projection name; then q, k and v are one tensor. */
  readonly fused?: string | undefined;
  readonly outName?: string | undefined;
  /** Norms on queries and keys: over one head, or over the whole projection. */
  readonly qkNorm?: "head" | "projection" | undefined;
  /** Names of those norms. */
  readonly qkNormNames?: readonly [string, string] | undefined;
  /** Those norms are LayerNorms with a bias. */
  readonly qkNormBias?: boolean | undefined;
}

/**
 * q [heads*keyDim, h], k [kvHeads*keyDim, h], v [kvHeads*valueDim, h], o [h, heads*valueDim], with biases
 * and q/k norms as asked.
 */
function attention(spec: AttentionSpec): Tensor[] {
  const { hiddenSize, heads, kvHeads, keyDim, valueDim = keyDim, bias = {} } = spec;
  const [q, k, v, o] = spec.names ?? ["q_proj", "k_proj", "v_proj", spec.outName ?? "o_proj"];
  const at = (name: string): string => within(spec.name, name);
  const projection = (
    name: string,
    role: Role,
    outDim: number,
    split: Split,
    biased = bias.qkv === true,
  ): Tensor[] =>
    linear({ name: at(name), role, group: "attention", outDim, inDim: hiddenSize, split, bias: biased });
  const queryRows = heads * keyDim * (spec.gatedQuery === true ? 2 : 1);
  const qkvRows = queryRows + kvHeads * (keyDim + valueDim);
  const inputs =
    spec.fused === undefined
      ? [
          ...projection(q, "attn-q", queryRows, "heads"),
          ...projection(k, "attn-k", kvHeads * keyDim, "kv-heads", bias.k ?? bias.qkv === true),
          ...projection(v, "attn-v", kvHeads * valueDim, "kv-heads"),
        ]
      : projection(spec.fused, "attn-qkv", qkvRows, "qkv");
  const output = linear({
    name: at(o),
    role: "attn-o",
    group: "attention",
    outDim: spec.outputSize ?? hiddenSize,
    inDim: heads * valueDim,
    split: "row",
    bias: bias.o === true,
  });
  const normBias = spec.qkNormBias === true ? "bias" : "no-bias";
  const [qNorm, kNorm] = spec.qkNormNames ?? ["q_norm", "k_norm"];
  const norms =
    spec.qkNorm === undefined
      ? []
      : spec.qkNorm === "head"
        ? [...norm(at(qNorm), keyDim, normBias), ...norm(at(kNorm), keyDim, normBias)]
        : [...norm(at(qNorm), heads * keyDim, normBias), ...norm(at(kNorm), kvHeads * keyDim, normBias)];
  return [...inputs, ...output, ...norms];
}

/** What an attention caches besides what its projections say. */
type CacheFacts = {
  readonly [K in "windowTokens" | "chunkTokens" | "broadcastHeads" | "indexKeyDim" | "encoderTokens"]?:
    | AttentionMixer[K]
    | undefined;
};

export interface SelfAttentionSpec extends AttentionSpec, CacheFacts {
  /** "own" when absent; "none" in encoders. */
  readonly cache?: AttentionMixer["cache"] | undefined;
}

/** The mixer that sizes its cache and the tensors that `attention` names. */
export function selfAttention(spec: SelfAttentionSpec): MixerParts {
  const { heads, kvHeads, keyDim, valueDim = keyDim, cache = "own" } = spec;
  const { windowTokens, chunkTokens, broadcastHeads, indexKeyDim, encoderTokens } = spec;
  const mixer: AttentionMixer = {
    kind: "attention",
    queryHeads: heads,
    kvHeads,
    keyDim,
    valueDim,
    cache,
    ...defined({ windowTokens, chunkTokens, broadcastHeads, indexKeyDim, encoderTokens }),
  };
  return { mixers: [mixer], tensors: attention(spec) };
}
