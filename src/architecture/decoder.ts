/**
 * The decoder-only skeleton that most families share: embedding, layers of norms + attention + MLP,
 * final norm, head. A family states what differs.
 */
import { type ConfigReader, readHeads, tiedEmbeddings } from "./config-reader.ts";
import { activationOf } from "./family.ts";
import type {
  ArchitectureDraft,
  AttentionMixer,
  FeedForward,
  LayerKind,
  Mixer,
  NormKind,
  Note,
  Stack,
  Tensor,
} from "./model.ts";
import { stackOf } from "./stack.ts";
import { type AttentionSpec, attention, embedding, gatedMlp, head, norm, plainMlp } from "./tensors.ts";

export interface DecoderSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

export interface DecoderDefaults {
  /** `tie_word_embeddings` of the class. */
  readonly tied: boolean;
  /** KV heads of the class when the key is absent; else the query heads. */
  readonly kvHeads?: number;
  /** Head size of the class when the key is absent; else hidden / heads. */
  readonly headDim?: number;
}

export const HIDDEN_KEYS = ["hidden_size", "n_embd", "n_embed", "d_model", "dim"] as const;
export const LAYER_KEYS = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"] as const;
export const POSITION_KEYS = [
  "max_position_embeddings",
  "n_positions",
  "n_ctx",
  "max_seq_len",
  "seq_length",
  "max_sequence_length",
] as const;
export const WIDTH_KEYS = ["intermediate_size", "n_inner", "ffn_hidden_size", "ffn_dim", "d_ff"] as const;

/** The six numbers that every decoder config states, under any of their names. */
export function readDecoderSizes(config: ConfigReader, defaults: DecoderDefaults): DecoderSizes {
  const hiddenSize = config.int(HIDDEN_KEYS);
  return {
    hiddenSize,
    layers: config.layers(LAYER_KEYS),
    vocabSize: config.int(["vocab_size", "padded_vocab_size"]),
    ...readHeads(config, { ...defaults, hiddenSize }),
  };
}

/** What one layer's feed-forward is and holds. */
export interface FeedForwardParts {
  readonly feedForward: FeedForward;
  readonly tensors: readonly Tensor[];
}

export interface DecoderNames {
  readonly embedding?: string;
  readonly layers?: string;
  readonly finalNorm?: string;
  readonly head?: string;
}

/** What one layer's mixer is and holds. */
export interface MixerParts {
  readonly mixers: readonly Mixer[];
  readonly tensors: readonly Tensor[];
}

export interface DecoderSpec {
  readonly family: string;
  readonly config: ConfigReader;
  readonly sizes: DecoderSizes;
  readonly tiedByDefault: boolean;
  readonly norm: NormKind;
  /** Names of the norms of width h in each layer. */
  readonly layerNorms?: readonly string[];
  readonly attentionBias?: { readonly qkv?: boolean; readonly o?: boolean };
  readonly qkNorm?: "head" | "projection";
  /** What else differs in the shared attention: names, biased norms. */
  readonly attention?: Partial<AttentionSpec>;
  /** Window of a layer: sliding W, or none. */
  readonly window?: (layer: number) => number | undefined;
  /** Heads that transformers caches when it broadcasts K and V first. */
  readonly broadcastHeads?: number;
  /** Feed-forward of a layer; a gated MLP of intermediate_size when absent. */
  readonly feedForward?: (layer: number) => FeedForwardParts;
  /** Overrides the whole mixer part of a layer, for families whose attention is not the shared one. */
  readonly mixer?: (layer: number) => MixerParts;
  /** Distinguishes layers beyond window and feed-forward; equal keys must build equal layers. */
  readonly keyOf?: (layer: number) => string;
  readonly headBias?: boolean;
  /** False for the classes that end without a norm. */
  readonly finalNorm?: boolean;
  /** Width of the embedding when it is projected to the hidden size (OPT 350M). */
  readonly embeddingDim?: number;
  /** Tensors of every layer besides mixer, feed-forward and norms: gates, sinks. */
  readonly layerExtras?: readonly Tensor[];
  /** Module paths where the class departs from model.embed_tokens, model.layers, model.norm and lm_head. */
  readonly names?: DecoderNames;
  /** Tensors outside the layers besides embedding, final norm and head. */
  readonly extraTensors?: readonly Tensor[];
  /** Stacks besides the decoder: MTP layers. */
  readonly extraStacks?: readonly Stack[];
  readonly notes?: readonly Note[];
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
  const maxContextTokens = config.optionalInt(POSITION_KEYS);
  const tied = tiedEmbeddings(config, spec.tiedByDefault);
  const build = (layer: number): LayerKind => {
    const mixer = spec.mixer?.(layer) ?? standardMixer(spec, layer);
    const ffn = spec.feedForward?.(layer) ?? gatedFeedForward(config, sizes.hiddenSize);
    return {
      mixers: mixer.mixers,
      feedForward: ffn.feedForward,
      tensors: [
        ...mixer.tensors,
        ...(spec.layerExtras ?? []),
        ...ffn.tensors,
        ...layerNorms.flatMap((name) => layerNorm(spec.norm, name, hiddenSize)),
      ],
    };
  };
  const keyOf =
    spec.keyOf ?? (spec.window === undefined ? undefined : (layer: number) => String(spec.window?.(layer)));
  const stack = stackOf({
    role: "decoder",
    prefix: names.layers,
    hiddenSize,
    layers,
    build,
    ...(keyOf === undefined ? {} : { keyOf }),
  });
  return {
    family: spec.family,
    modelType: config.text("model_type", spec.family),
    hiddenSize,
    vocabSize,
    tied,
    ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
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

function standardMixer(spec: DecoderSpec, layer: number): MixerParts {
  const { hiddenSize, heads, kvHeads, headDim } = spec.sizes;
  const windowTokens = spec.window?.(layer);
  const mixer: AttentionMixer = {
    kind: "attention",
    queryHeads: heads,
    kvHeads,
    keyDim: headDim,
    valueDim: headDim,
    cache: "own",
    ...(windowTokens === undefined ? {} : { windowTokens }),
    ...(spec.broadcastHeads === undefined ? {} : { broadcastHeads: spec.broadcastHeads }),
  };
  return {
    mixers: [mixer],
    tensors: attention({
      name: "self_attn",
      hiddenSize,
      heads,
      kvHeads,
      keyDim: headDim,
      ...(spec.attentionBias === undefined ? {} : { bias: spec.attentionBias }),
      ...(spec.qkNorm === undefined ? {} : { qkNorm: spec.qkNorm }),
      ...spec.attention,
    }),
  };
}

/** SwiGLU/GeGLU of width intermediate_size (or `width`): 3*h*f. */
export function gatedFeedForward(
  config: ConfigReader,
  hiddenSize: number,
  options: {
    readonly width?: number;
    readonly bias?: boolean;
    readonly fused?: string;
    readonly names?: readonly [string, string, string];
    readonly activation?: string;
    readonly name?: string;
  } = {},
): FeedForwardParts {
  const width = options.width ?? config.int(WIDTH_KEYS);
  return {
    feedForward: {
      kind: "dense",
      width,
      gated: true,
      activation: activationOf(config, options.activation ?? "silu"),
    },
    tensors: gatedMlp({
      name: options.name ?? "mlp",
      hiddenSize,
      width,
      bias: options.bias ?? false,
      ...(options.fused === undefined ? {} : { fused: options.fused }),
      ...(options.names === undefined ? {} : { names: options.names }),
    }),
  };
}

/** up and down around an activation, of width intermediate_size (or `width`): 2*h*f. */
export function plainFeedForward(
  config: ConfigReader,
  hiddenSize: number,
  options: {
    readonly width?: number;
    readonly bias?: boolean;
    readonly names?: readonly [string, string];
    readonly activation?: string;
    readonly name?: string;
  } = {},
): FeedForwardParts {
  const width = options.width ?? config.int(WIDTH_KEYS);
  return {
    feedForward: {
      kind: "dense",
      width,
      gated: false,
      activation: activationOf(config, options.activation ?? "gelu"),
    },
    tensors: plainMlp({
      name: options.name ?? "mlp",
      hiddenSize,
      width,
      bias: options.bias ?? false,
      ...(options.names === undefined ? {} : { names: options.names }),
    }),
  };
}
