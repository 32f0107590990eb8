import { type ConfigReader, overriding, readHeads } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { HIDDEN_KEYS } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import { activationOf, type Family } from "../family.ts";
import { type FeedForwardParts, plainFeedForward, plainMlp } from "../feed-forward.ts";
import { stateFormatOf } from "../mixers/linear-attention.ts";
import { mamba2Block } from "../mixers/mamba.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import type { LayerKind, Stack } from "../model.ts";
import { routedExperts } from "../moe.ts";
import { stackOf } from "../stack.ts";
import { linear, norm, routerBalance } from "../tensors.ts";
import { type Block, readBlocks } from "./nemotron-blocks.ts";

/**
 * One block per layer under one norm: Mamba-2, attention, a plain MLP, or experts. The experts may work on
 * a narrower latent (moe_latent_size). Prediction layers are blocks of their own pattern.
 */
export const nemotronH: Family = {
  id: "nemotron_h",
  modelTypes: ["nemotron_h"],
  classNames: ["NemotronHForCausalLM"],
  build: (given) => {
    // The class has a head of its own whatever the key says.
    const config = overriding(given, { tie_word_embeddings: false });
    const hiddenSize = config.int(HIDDEN_KEYS);
    const blocks = readBlocks(config, {
      words: ["layers_block_type", "layer_types"],
      pattern: "hybrid_override_pattern",
    });
    if (blocks === undefined)
      return config.fail("hybrid_override_pattern", "the blocks of the model, as in M-M*-E");
    const sizes = {
      hiddenSize,
      layers: blocks.length,
      vocabSize: config.int("vocab_size"),
      ...readHeads(config, { hiddenSize, kvHeads: 8, headDim: 128 }),
    };
    const parts = blockParts(config, sizes);
    const draft = decoder({
      family: "nemotron_h",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      layerNorms: ["norm"],
      names: { embedding: "backbone.embeddings", layers: "backbone.layers", finalNorm: "backbone.norm_f" },
      mixer: (layer) => parts(blocks[layer]!).mixer,
      feedForward: (layer) => parts(blocks[layer]!).feedForward,
      keyOf: (layer) => blocks[layer]!,
    });
    const mtp = predictionLayers(config, hiddenSize, parts);
    return mtp === undefined ? draft : { ...draft, stacks: [...draft.stacks, mtp] };
  },
};

interface Parts {
  readonly mixer: MixerParts;
  readonly feedForward: FeedForwardParts;
}

const NO_MIXER: MixerParts = { mixers: [], tensors: [] };
const NO_FEED_FORWARD: FeedForwardParts = { feedForward: { kind: "none" }, tensors: [] };

function blockParts(
  config: ConfigReader,
  sizes: {
    readonly hiddenSize: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly headDim: number;
  },
): (block: Block) => Parts {
  const { hiddenSize, heads, kvHeads, headDim } = sizes;
  return (block) => {
    switch (block) {
      case "mamba":
        return {
          mixer: mamba2Block({
            name: "mixer",
            hiddenSize,
            heads: config.int("mamba_num_heads", 128),
            headDim: config.int("mamba_head_dim", 64),
            stateDim: config.int("ssm_state_size", 128),
            groups: config.int(["n_groups", "mamba_n_groups"], 8),
            convKernel: config.int(["conv_kernel", "mamba_d_conv"], 4),
            convBias: config.flag(["use_conv_bias", "mamba_conv_bias"], true),
            projectionBias: config.flag("use_bias", false),
            gatedNorm: true,
            ...stateFormatOf(config, "mamba_ssm_cache_dtype"),
          }),
          feedForward: NO_FEED_FORWARD,
        };
      case "attention":
        return {
          mixer: selfAttention({ name: "mixer", hiddenSize, heads, kvHeads, keyDim: headDim }),
          feedForward: NO_FEED_FORWARD,
        };
      case "mlp":
        return {
          mixer: NO_MIXER,
          feedForward: plainFeedForward(config, hiddenSize, {
            name: "mixer",
            bias: config.flag("mlp_bias", false),
            activation: "relu2",
          }),
        };
      case "moe":
        return { mixer: NO_MIXER, feedForward: expertBlock(config, hiddenSize) };
    }
  };
}

/** router h*E + E, experts E*2*w*mf, shared 2*h*ms, and 2*h*w around them when the experts work on a latent w. */
function expertBlock(config: ConfigReader, hiddenSize: number): FeedForwardParts {
  const counts = readExperts(config, { count: 8, active: 2 });
  const width = config.int("moe_intermediate_size", 7688);
  const latentDim = config.optionalInt("moe_latent_size");
  const sharedWidth = config.int("moe_shared_expert_intermediate_size", 7688);
  const bias = config.flag("mlp_bias", false);
  const routed = routedExperts({
    name: "mixer.experts",
    hiddenSize,
    width,
    counts,
    gated: false,
    activation: activationOf(config, "relu2"),
    sharedWidth,
    latentDim,
  });
  return {
    ...routed,
    tensors: [
      ...routed.tensors,
      ...linear({
        name: "mixer.gate",
        role: "router",
        group: "router",
        outDim: counts.count,
        inDim: hiddenSize,
      }),
      routerBalance("mixer.gate.e_score_correction_bias", counts.count),
      ...plainMlp({
        name: "mixer.shared_experts",
        hiddenSize,
        width: sharedWidth,
        group: "shared-experts",
        bias,
      }),
      ...(latentDim === undefined
        ? []
        : [
            ...linear({
              name: "mixer.fc1_latent_proj",
              role: "other",
              group: "experts",
              outDim: latentDim,
              inDim: hiddenSize,
              bias,
            }),
            ...linear({
              name: "mixer.fc2_latent_proj",
              role: "other",
              group: "experts",
              outDim: hiddenSize,
              inDim: latentDim,
              bias,
            }),
          ]),
    ],
  };
}

/** Each prediction layer: its blocks with their norms, norms of both inputs and of the result, and [h, 2h]. */
function predictionLayers(
  config: ConfigReader,
  hiddenSize: number,
  parts: (block: Block) => Parts,
): Stack | undefined {
  const layers = config.layers("num_nextn_predict_layers", 0);
  if (layers === 0) return undefined;
  const blocks = readBlocks(config, {
    words: ["mtp_layers_block_type"],
    pattern: "mtp_hybrid_override_pattern",
  }) ?? ["attention", "moe"];
  const build = (at: number): LayerKind => {
    const index = at % blocks.length;
    const { mixer, feedForward } = parts(blocks[index]!);
    return {
      mixers: mixer.mixers,
      feedForward: feedForward.feedForward,
      tensors: [
        ...mixer.tensors,
        ...feedForward.tensors,
        ...norm("norm", hiddenSize),
        ...(index === 0
          ? [
              ...norm("enorm", hiddenSize),
              ...norm("hnorm", hiddenSize),
              ...linear({
                name: "eh_proj",
                role: "other",
                group: "mtp",
                outDim: hiddenSize,
                inDim: 2 * hiddenSize,
              }),
            ]
          : []),
        ...(index === blocks.length - 1 ? norm("final_layernorm", hiddenSize) : []),
      ],
    };
  };
  return stackOf({
    role: "mtp",
    prefix: "mtp.layers",
    hiddenSize,
    layers: Math.min(layers * blocks.length, 100_000),
    keyOf: (at) => String(at % blocks.length),
    build,
  });
}
