/**
 * The decoder-only skeleton that most families share: embedding, layers of norms + attention + MLP,
 * final norm, head. A family states what differs.
 */
import { defined } from "../defined.ts";
import { classPositions } from "./class-defaults.ts";
import { type ConfigReader, tiedEmbeddings } from "./config-reader.ts";
import { type DecoderSizes, POSITION_KEYS } from "./decoder-sizes.ts";
import { type FeedForwardParts, gatedFeedForward } from "./feed-forward.ts";
import { type MixerParts, type SelfAttentionSpec, selfAttention } from "./mixers/self-attention.ts";
import type { ArchitectureDraft, LayerKind, NormKind, Note, Stack, Tensor } from "./model.ts";
import { stackOf } from "./stack.ts";
import { embedding, head, norm } from "./tensors.ts";

export interface DecoderNames {
  readonly embedding?: string;
  readonly layers?: string;
  readonly finalNorm?: string;
  readonly head?: string;
}

export interface DecoderSpec {
  readonly family: string;
  readonly config: ConfigReader;
  readonly sizes: DecoderSizes;
  readonly tiedByDefault: boolean;
  readonly norm: NormKind;
  /** "encoder" for classes that read a whole text at once, every position seeing all others. */
  readonly role?: "decoder" | "encoder" | undefined;
  /** Names of the norms of width h in each layer. */
  readonly layerNorms?: readonly string[] | undefined;
  /** What differs in the shared attention: biases, norms, names. */
  readonly attention?: Partial<SelfAttentionSpec> | undefined;
  /** Window of a layer: sliding W, or none. */
  readonly window?: ((layer: number) => number | undefined) | undefined;
  /** Feed-forward of a layer; a gated MLP of intermediate_size when absent. */
  readonly feedForward?: ((layer: number) => FeedForwardParts) | undefined;
  /** Overrides the whole mixer part of a layer, for families whose attention is not the shared one. */
  readonly mixer?: ((layer: number) => MixerParts) | undefined;
  /** Distinguishes layers beyond window and feed-forward; equal keys must build equal layers. */
  readonly keyOf?: ((layer: number) => string) | undefined;
  readonly headBias?: boolean | undefined;
  /** False for the classes that end without a norm. */
  readonly finalNorm?: boolean | undefined;
  /** Width of the embedding when it is projected to the hidden size (OPT 350M). */
  readonly embeddingDim?: number | undefined;
  /** Tensors of every layer besides mixer, feed-forward and norms: gates, sinks. */
  readonly layerExtras?: readonly Tensor[] | undefined;
  /** Module paths where the class departs from model.embed_tokens, model.layers, model.norm and lm_head. */
  readonly names?: DecoderNames | undefined;
  /** Tensors outside the layers besides embedding, final norm and head. */
  readonly extraTensors?: readonly Tensor[] | undefined;
  /** Stacks besides the decoder: MTP layers. */
  readonly extraStacks?: readonly Stack[] | undefined;
  readonly notes?: readonly Note[] | undefined;
}

const DECODER_NAMES = {
  embedding: "model.embed_tokens",
  layers: "model.layers",
  finalNorm: "model.norm",
  head: "lm_head",
} as const;

/** Builds the usual decoder with the class layout of transformers: model.embed_tokens, model.layers, ... */
export function decoder(spec: DecoderSpec): ArchitectureDraft {
  const { config, sizes } = spec;
  const { hiddenSize, layers, vocabSize } = sizes;
  const embeddingDim = spec.embeddingDim ?? hiddenSize;
  const layerNorms = spec.layerNorms ?? ["input_layernorm", "post_attention_layernorm"];
  const names = { ...DECODER_NAMES, ...spec.names };
  const maxContextTokens = config.optionalInt(POSITION_KEYS) ?? classPositions(config);
  const tied = tiedEmbeddings(config, spec.tiedByDefault);
  const norms = layerNorms.flatMap((name) => layerNorm(spec.norm, name, hiddenSize));
  const mixers = new Map<number | undefined, MixerParts>();
  const build = (layer: number): LayerKind => {
    const mixer = spec.mixer?.(layer) ?? sharedMixer(spec, layer, mixers);
    const ffn = spec.feedForward?.(layer) ?? gatedFeedForward(config, hiddenSize);
    return {
      mixers: mixer.mixers,
      feedForward: ffn.feedForward,
      tensors: [...mixer.tensors, ...(spec.layerExtras ?? []), ...ffn.tensors, ...norms],
    };
  };
  const keyOf =
    spec.keyOf ?? (spec.window === undefined ? undefined : (layer: number) => String(spec.window?.(layer)));
  const stack = stackOf({
    role: spec.role ?? "decoder",
    prefix: names.layers,
    hiddenSize,
    layers,
    build,
    ...defined({ keyOf }),
  });
  return {
    family: spec.family,
    modelType: config.text("model_type", spec.family),
    hiddenSize,
    vocabSize,
    tied,
    ...defined({ maxContextTokens }),
    norm: spec.norm,
    stacks: [stack, ...(spec.extraStacks ?? [])],
    tensors: [
      embedding(names.embedding, vocabSize, embeddingDim),
      ...(spec.finalNorm === false ? [] : layerNorm(spec.norm, names.finalNorm, hiddenSize)),
      ...(spec.extraTensors ?? []),
      ...(tied ? headBias(spec, names.head) : head(names.head, vocabSize, embeddingDim, spec.headBias)),
    ],
    notes: spec.notes ?? [],
  };
}

/** A tied head has no weight of its own, but keeps its bias. */
function headBias(spec: DecoderSpec, name: string): readonly Tensor[] {
  return spec.headBias === true ? head(name, spec.sizes.vocabSize, 1, true).slice(1) : [];
}

/** The parameters that a norm of width `dim` has under the family's norm kind. */
export function layerNorm(kind: NormKind, name: string, dim: number): Tensor[] {
  switch (kind) {
    case "rms":
    case "rms-plus-one":
    case "layer-no-bias":
      return norm(name, dim);
    case "layer":
      return norm(name, dim, "bias");
    case "none":
      return [];
  }
}

/** The attention of most classes: every head of one size, K and V cached. One for all layers of a window. */
function sharedMixer(
  spec: DecoderSpec,
  layer: number,
  built: Map<number | undefined, MixerParts>,
): MixerParts {
  const { hiddenSize, heads, kvHeads, headDim } = spec.sizes;
  const windowTokens = spec.window?.(layer);
  const known = built.get(windowTokens);
  if (known !== undefined) return known;
  const parts = selfAttention({
    name: "self_attn",
    hiddenSize,
    heads,
    kvHeads,
    keyDim: headDim,
    windowTokens,
    cache: spec.role === "encoder" ? "none" : "own",
    ...spec.attention,
  });
  built.set(windowTokens, parts);
  return parts;
}
