import { type ClassSizes, withClassSizes } from "../class-defaults.ts";
import { type ConfigReader, overriding } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import { activationOf, type Family } from "../family.ts";
import { type FeedForwardParts, gatedFeedForward, gatedMlp } from "../feed-forward.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import type { ArchitectureDraft } from "../model.ts";
import { moe } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { convolution, linear } from "../tensors.ts";

const LAYERS = ["conv", "full_attention"] as const;
const EXPERT_NAMES = ["w1", "w3", "w2"] as const;

/** in lin(h, 3h), a depthwise convolution of conv_L_cache columns, out lin(h, h). */
function shortConvolution(config: ConfigReader, hiddenSize: number): MixerParts {
  const kernel = config.int("conv_L_cache", 3);
  const bias = config.flag("conv_bias", false);
  const group = "recurrent";
  return {
    mixers: [{ kind: "conv", channels: hiddenSize, kernel }],
    tensors: [
      ...linear({
        name: "conv.in_proj",
        role: "recurrent-in",
        group,
        outDim: 3 * hiddenSize,
        inDim: hiddenSize,
        bias,
        split: "column",
      }),
      ...convolution({ name: "conv.conv", group, shape: [hiddenSize, 1, kernel], bias, split: "column" }),
      ...linear({
        name: "conv.out_proj",
        role: "recurrent-out",
        group,
        outDim: hiddenSize,
        inDim: hiddenSize,
        bias,
        split: "row",
      }),
    ],
  };
}

/**
 * The MLP width: with block_auto_adjust_ff_dim two thirds of the stated one, times a factor, rounded up
 * to a multiple.
 *
 * @example LFM2-1.2B: 12,288 -> 8,192
 */
function adjustedWidth(config: ConfigReader): number {
  const stated = config.int(["block_ff_dim", "intermediate_size"]);
  if (!config.flag("block_auto_adjust_ff_dim", true)) return stated;
  const multiple = config.int("block_multiple_of", 256);
  const scaled = Math.floor(config.number("block_ffn_dim_multiplier", 1) * Math.floor((2 * stated) / 3));
  const width = multiple * Math.ceil(scaled / multiple);
  if (!(width >= 1 && width <= 2 ** 31))
    config.fail("block_ffn_dim_multiplier", "a factor that leaves an MLP");
  return width;
}

function build(
  given: ConfigReader,
  row: {
    readonly id: string;
    readonly sizes: ClassSizes;
    readonly isFull: (config: ConfigReader, layers: number) => (layer: number) => boolean;
    readonly feedForward: (
      config: ConfigReader,
      hiddenSize: number,
    ) => { readonly of: (layer: number) => FeedForwardParts; readonly keyOf: (layer: number) => string };
  },
): ArchitectureDraft {
  const { config: named, notes } = withClassSizes(given, row.sizes);
  // Older files say tie_embedding; the class lets it win.
  const tie = named.optionalFlag("tie_embedding");
  const config = tie === undefined ? named : overriding(named, { tie_word_embeddings: tie });
  const sizes = readDecoderSizes(config, { tied: true, kvHeads: 8 });
  const { hiddenSize, heads, kvHeads, headDim } = sizes;
  const isFull = row.isFull(config, sizes.layers);
  const attention = selfAttention({
    name: "self_attn",
    hiddenSize,
    heads,
    kvHeads,
    keyDim: headDim,
    outName: "out_proj",
    qkNorm: "head",
    qkNormNames: ["q_layernorm", "k_layernorm"],
  });
  const convolutional = shortConvolution(config, hiddenSize);
  const feedForward = row.feedForward(config, hiddenSize);
  return decoder({
    family: row.id,
    config,
    sizes,
    tiedByDefault: true,
    norm: "rms",
    layerNorms: ["operator_norm", "ffn_norm"],
    names: { finalNorm: "model.embedding_norm" },
    mixer: (layer) => (isFull(layer) ? attention : convolutional),
    feedForward: feedForward.of,
    keyOf: (layer) => `${isFull(layer)} ${feedForward.keyOf(layer)}`,
    notes,
  });
}

/** Short convolutions with attention in the layers of `layer_types` (older files: `full_attn_idxs`). */
export const lfm2: Family = {
  id: "lfm2",
  modelTypes: ["lfm2"],
  classNames: ["Lfm2ForCausalLM"],
  build: (config) =>
    build(config, {
      id: "lfm2",
      sizes: [2560, 12_288, 32, 32, 65_536],
      isFull: (reader, layers) => {
        const types = layerTypes(reader, layers, ["layer_types"], LAYERS);
        if (types !== undefined) return (layer) => types[layer] === "full_attention";
        const listed = reader.ints("full_attn_idxs");
        const indices = new Set(listed);
        return (layer) => listed === undefined || indices.has(layer);
      },
      feedForward: (reader, hiddenSize) => {
        const width = adjustedWidth(reader);
        return {
          of: () => ({
            feedForward: { kind: "dense", width, gated: true, activation: activationOf(reader, "silu") },
            tensors: gatedMlp({ name: "feed_forward", hiddenSize, width, names: [...EXPERT_NAMES] }),
          }),
          keyOf: () => "",
        };
      },
    }),
};

/** LFM2 with experts after the first num_dense_layers. */
export const lfm2Moe: Family = {
  id: "lfm2_moe",
  modelTypes: ["lfm2_moe"],
  classNames: ["Lfm2MoeForCausalLM"],
  build: (config) =>
    build(config, {
      id: "lfm2_moe",
      sizes: [2048, 7168, 32, 32, 65_536],
      isFull: (reader, layers) => {
        const types = layerTypes(reader, layers, ["layer_types"], LAYERS);
        if (types === undefined) return reader.fail("layer_types", `a list of ${layers} layer kinds`);
        return (layer) => types[layer] === "full_attention";
      },
      feedForward: (reader, hiddenSize) => {
        const dense = reader.count("num_dense_layers", 2);
        const experts = readExperts(reader, { count: 32, active: 4 });
        return {
          of: (layer) =>
            layer < dense
              ? gatedFeedForward(reader, hiddenSize, { name: "feed_forward" })
              : moe({
                  config: reader,
                  hiddenSize,
                  experts,
                  width: reader.int("moe_intermediate_size", 1792),
                  name: "feed_forward",
                  expertNames: EXPERT_NAMES,
                  ...(reader.flag("use_expert_bias", true)
                    ? { choiceBias: "buffer", choiceBiasName: "expert_bias" }
                    : {}),
                }),
          keyOf: (layer) => String(layer < dense),
        };
      },
    }),
};
