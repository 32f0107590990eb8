import type { ConfigReader } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { type DecoderSizes, HIDDEN_KEYS, LAYER_KEYS } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import { mamba2Block, mambaBlock } from "../mixers/mamba.ts";

const NO_FEED_FORWARD = { feedForward: { kind: "none" }, tensors: [] } as const;
const NAMES = {
  embedding: "backbone.embeddings",
  layers: "backbone.layers",
  finalNorm: "backbone.norm_f",
} as const;

/** Sizes of a decoder without attention: heads are not read. */
function attentionFreeSizes(config: ConfigReader): DecoderSizes {
  const hiddenSize = config.int(HIDDEN_KEYS);
  return {
    hiddenSize,
    layers: config.layers(LAYER_KEYS),
    vocabSize: config.int("vocab_size"),
    heads: 1,
    kvHeads: 1,
    headDim: hiddenSize,
  };
}

/** `time_step_rank` (or Jamba's `mamba_dt_rank`): a number, or "auto" for h / 16 rounded up. */
export function timeStepRank(config: ConfigReader, key: string, hiddenSize: number): number {
  const auto = !config.has(key) || config.raw[key] === "auto";
  return auto ? Math.ceil(hiddenSize / 16) : config.int(key);
}

/**
 * d of a state-space block: the stated width, else expand*h rounded down.
 *
 * @throws bad-config when that is no width.
 */
export function expandedWidth(config: ConfigReader, key: string, hiddenSize: number): number {
  const expanded = Math.floor(config.number(key, 2) * hiddenSize);
  if (!(expanded >= 1 && expanded <= 2 ** 31)) config.fail(key, "a factor that widens the hidden size");
  return expanded;
}

/** One Mamba-1 block and one norm per layer. Falcon-Mamba's inner norms have no weights. */
export const mamba: Family = {
  id: "mamba",
  modelTypes: ["mamba", "falcon_mamba"],
  classNames: ["MambaForCausalLM", "FalconMambaForCausalLM"],
  build: (config) => {
    const sizes = attentionFreeSizes(config);
    const { hiddenSize } = sizes;
    const innerDim = config.optionalInt("intermediate_size") ?? expandedWidth(config, "expand", hiddenSize);
    const block = mambaBlock({
      name: "mixer",
      hiddenSize,
      innerDim,
      stateDim: config.int("state_size", 16),
      timeStepRank: timeStepRank(config, "time_step_rank", hiddenSize),
      convKernel: config.int("conv_kernel", 4),
      convBias: config.flag("use_conv_bias", true),
      projectionBias: config.flag("use_bias", false),
    });
    return decoder({
      family: "mamba",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms",
      layerNorms: ["norm"],
      names: NAMES,
      mixer: () => block,
      feedForward: () => NO_FEED_FORWARD,
    });
  },
};

/** One Mamba-2 block and one norm per layer, untied. */
export const mamba2: Family = {
  id: "mamba2",
  modelTypes: ["mamba2"],
  classNames: ["Mamba2ForCausalLM"],
  build: (config) => {
    const sizes = attentionFreeSizes(config);
    const block = mamba2Block({
      name: "mixer",
      hiddenSize: sizes.hiddenSize,
      heads: config.int("num_heads", 128),
      headDim: config.int("head_dim", 64),
      stateDim: config.int("state_size", 128),
      groups: config.int("n_groups", 8),
      convKernel: config.int("conv_kernel", 4),
      convBias: config.flag("use_conv_bias", true),
      projectionBias: config.flag("use_bias", false),
      gatedNorm: true,
    });
    return decoder({
      family: "mamba2",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      layerNorms: ["norm"],
      names: NAMES,
      mixer: () => block,
      feedForward: () => NO_FEED_FORWARD,
    });
  },
};
