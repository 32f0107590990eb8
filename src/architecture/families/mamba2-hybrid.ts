/** Attention and Mamba-2 in one model: Bamba, Granite 4 H (one or the other per layer), Falcon-H1 (both in every layer). */

import type { ConfigReader } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { type DecoderSizes, readDecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import type { Family } from "../family.ts";
import { activationOf } from "../family.ts";
import { type FeedForwardParts, gatedFeedForward, gatedMlp } from "../feed-forward.ts";
import { mamba2Block } from "../mixers/mamba.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import { moe } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { expandedWidth } from "./mamba.ts";

/** The `mamba_*` keys that the three classes share, and their defaults. */
function readMamba2(
  config: ConfigReader,
  hiddenSize: number,
  differs: { readonly innerDim?: number; readonly gatedNorm?: boolean; readonly outputBias?: boolean } = {},
): MixerParts {
  const heads = config.int("mamba_n_heads", 128);
  const innerDim = differs.innerDim ?? expandedWidth(config, "mamba_expand", hiddenSize);
  const auto = !config.has("mamba_d_head") || config.raw.mamba_d_head === "auto";
  const headDim = auto ? innerDim / heads : config.int("mamba_d_head");
  if (heads * headDim !== innerDim || !Number.isInteger(headDim))
    config.fail("mamba_n_heads", `heads whose width with mamba_d_head is ${innerDim}`);
  return mamba2Block({
    name: "mamba",
    hiddenSize,
    heads,
    headDim,
    stateDim: config.int("mamba_d_state", 256),
    groups: config.int("mamba_n_groups", 1),
    convKernel: config.int("mamba_d_conv", 4),
    convBias: config.flag("mamba_conv_bias", true),
    projectionBias: config.flag("mamba_proj_bias", false),
    gatedNorm: differs.gatedNorm ?? true,
    ...(differs.outputBias === undefined ? {} : { outputBias: differs.outputBias }),
  });
}

function readAttention(config: ConfigReader, sizes: DecoderSizes): MixerParts {
  const bias = config.flag("attention_bias", false);
  return selfAttention({
    name: "self_attn",
    hiddenSize: sizes.hiddenSize,
    heads: sizes.heads,
    kvHeads: sizes.kvHeads,
    keyDim: sizes.headDim,
    bias: { qkv: bias, o: bias },
  });
}

const NORMS = ["input_layernorm", "pre_ff_layernorm"] as const;
const NAMES = { finalNorm: "model.final_layernorm" } as const;

/** Attention in the layers of `attn_layer_indices`, Mamba-2 in the others. */
export const bamba: Family = {
  id: "bamba",
  modelTypes: ["bamba"],
  classNames: ["BambaForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 8 });
    const indices = new Set(config.ints("attn_layer_indices"));
    const attention = readAttention(config, sizes);
    const mamba = readMamba2(config, sizes.hiddenSize);
    const mlpBias = config.flag("mlp_bias", false);
    return decoder({
      family: "bamba",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      layerNorms: NORMS,
      names: NAMES,
      mixer: (layer) => (indices.has(layer) ? attention : mamba),
      feedForward: () => gatedFeedForward(config, sizes.hiddenSize, { name: "feed_forward", bias: mlpBias }),
      keyOf: (layer) => String(indices.has(layer)),
    });
  },
};

/** Attention and Mamba-2 side by side in every layer; the gated norm only with `mamba_rms_norm`. */
export const falconH1: Family = {
  id: "falcon_h1",
  modelTypes: ["falcon_h1"],
  classNames: ["FalconH1ForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 8 });
    const { hiddenSize } = sizes;
    const stated = config.raw.mamba_d_ssm === null ? undefined : config.int("mamba_d_ssm", 1024);
    const mamba = readMamba2(config, hiddenSize, {
      gatedNorm: config.flag("mamba_rms_norm", false),
      outputBias: config.flag("projectors_bias", false),
      ...(stated === undefined ? {} : { innerDim: stated }),
    });
    const attention = readAttention(config, sizes);
    const both: MixerParts = {
      mixers: [...mamba.mixers, ...attention.mixers],
      tensors: [...mamba.tensors, ...attention.tensors],
    };
    const mlpBias = config.flag("mlp_bias", false);
    return decoder({
      family: "falcon_h1",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      layerNorms: NORMS,
      names: NAMES,
      mixer: () => both,
      feedForward: () => gatedFeedForward(config, hiddenSize, { name: "feed_forward", bias: mlpBias }),
    });
  },
};

const GRANITE_LAYERS = ["mamba", "attention", "linear_attention", "full_attention"] as const;

/**
 * Layers of `layer_types`, each with experts (unless there are none) beside a shared MLP.
 * The class calls the state-space layers "mamba" in published files, "linear_attention" in new ones.
 */
export const graniteMoeHybrid: Family = {
  id: "granitemoehybrid",
  modelTypes: ["granitemoehybrid"],
  classNames: ["GraniteMoeHybridForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false });
    const { hiddenSize, layers } = sizes;
    const types = layerTypes(config, layers, ["layer_types", "layers_block_type"], GRANITE_LAYERS);
    const isAttention = (layer: number): boolean =>
      types !== undefined && (types[layer] === "attention" || types[layer] === "full_attention");
    const attention = types?.some((_, layer) => isAttention(layer))
      ? readAttention(config, sizes)
      : undefined;
    const mamba = types?.every((_, layer) => isAttention(layer)) ? undefined : readMamba2(config, hiddenSize);
    const feedForward = graniteFeedForward(config, hiddenSize);
    return decoder({
      family: "granitemoehybrid",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      mixer: (layer) => (isAttention(layer) ? attention! : mamba!),
      feedForward: () => feedForward,
      keyOf: (layer) => String(isAttention(layer)),
    });
  },
};

function graniteFeedForward(config: ConfigReader, hiddenSize: number): FeedForwardParts {
  const sharedWidth = config.int("shared_intermediate_size", 1024);
  const names = ["gate", "input_linear", "output_linear"] as const;
  if (config.count("num_local_experts", 8) === 0) {
    return {
      feedForward: {
        kind: "dense",
        width: sharedWidth,
        gated: true,
        activation: activationOf(config, "silu"),
      },
      tensors: gatedMlp({
        name: "shared_mlp",
        hiddenSize,
        width: sharedWidth,
        fused: "input_linear",
        names: [...names],
      }),
    };
  }
  return moe({
    config,
    hiddenSize,
    experts: readExperts(config, { count: 8, active: 2 }),
    width: config.int("intermediate_size"),
    name: "",
    router: "block_sparse_moe.router.layer",
    shared: { width: sharedWidth, name: "shared_mlp", fused: "input_linear" },
  });
}
