import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import type { Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { mambaBlock } from "../mixers/mamba.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { moe } from "../moe.ts";
import { expandedWidth, timeStepRank } from "./mamba.ts";

/** Mamba-1 layers with attention at every attn_layer_period-th, experts at every expert_layer_period-th. */
export const jamba: Family = {
  id: "jamba",
  modelTypes: ["jamba"],
  classNames: ["JambaForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 8 });
    const { hiddenSize, heads, kvHeads, headDim } = sizes;
    const attentionEvery = config.int("attn_layer_period", 8);
    const attentionAt = config.count("attn_layer_offset", 4);
    const expertsEvery = config.int("expert_layer_period", 2);
    const expertsAt = config.count("expert_layer_offset", 1);
    const experts = readExperts(config, { count: 16, active: 2 });
    const isAttention = (layer: number): boolean => layer % attentionEvery === attentionAt;
    // A layer of one expert is a plain MLP.
    const isSparse = (layer: number): boolean => experts.count > 1 && layer % expertsEvery === expertsAt;
    const attention = selfAttention({ name: "self_attn", hiddenSize, heads, kvHeads, keyDim: headDim });
    const mamba = mambaBlock({
      name: "mamba",
      hiddenSize,
      innerDim: expandedWidth(config, "mamba_expand", hiddenSize),
      stateDim: config.int("mamba_d_state", 16),
      timeStepRank: timeStepRank(config, "mamba_dt_rank", hiddenSize),
      convKernel: config.int("mamba_d_conv", 4),
      convBias: config.flag("mamba_conv_bias", true),
      projectionBias: config.flag("mamba_proj_bias", false),
      innerNorms: ["dt_layernorm", "b_layernorm", "c_layernorm"],
    });
    return decoder({
      family: "jamba",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      layerNorms: ["input_layernorm", "pre_ff_layernorm"],
      names: { finalNorm: "model.final_layernorm" },
      mixer: (layer) => (isAttention(layer) ? attention : mamba),
      feedForward: (layer) =>
        isSparse(layer)
          ? moe({
              config,
              hiddenSize,
              experts,
              width: config.int("intermediate_size"),
              name: "feed_forward",
              router: "router",
            })
          : gatedFeedForward(config, hiddenSize, { name: "feed_forward" }),
      keyOf: (layer) => `${isAttention(layer)} ${isSparse(layer)}`,
    });
  },
};
