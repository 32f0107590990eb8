import { type ConfigReader, overriding } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { readExperts } from "../expert-counts.ts";
import { firstDenseSparse } from "../expert-rules.ts";
import { activationOf, type Family } from "../family.ts";
import { type FeedForwardParts, gatedFeedForward, gatedMlp } from "../feed-forward.ts";
import { latentAttention, latentSizes, readLatentDims } from "../latent-attention.ts";
import { kimiDeltaBlock } from "../mixers/linear-attention.ts";
import type { MixerParts } from "../mixers/self-attention.ts";
import { moe, routedExperts } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { linear, norm, routerBalance, vector } from "../tensors.ts";

const LATENT_DEFAULTS = {
  queryLatentDim: undefined,
  latentDim: 512,
  nopeDim: 128,
  ropeDim: 64,
  valueDim: 128,
} as const;

/** Kimi delta attention, with latent attention in the 1-based layers of linear_attn_config.full_attn_layers. */
export const kimiLinear: Family = {
  id: "kimi_linear",
  modelTypes: ["kimi_linear"],
  classNames: ["KimiLinearForCausalLM"],
  build: (given) => {
    // The class has a head of its own whatever the key says.
    const config = overriding(given, {
      tie_word_embeddings: false,
      max_position_embeddings: given.raw.max_position_embeddings ?? given.raw.model_max_length,
    });
    const sizes = latentSizes(config);
    const { hiddenSize, layers } = sizes;
    const delta = config.child("linear_attn_config");
    const isFull = fullLayers(config, delta, layers);
    const isSparse = firstDenseSparse(config, layers, { firstDense: 1 });
    // The class's own config says it all at the top, where head_dim is the rotary part.
    const linearSize = (inside: string, atTop: string, otherwise: number): number =>
      delta === undefined ? config.int(atTop, otherwise) : delta.int([inside, atTop], otherwise);
    const linearHeads = linearSize("num_heads", "linear_num_heads", 32);
    const mixers: Record<"full" | "linear", MixerParts> = {
      full: fullAttention(config, hiddenSize, sizes.heads),
      linear: kimiDeltaBlock({
        name: "self_attn",
        hiddenSize,
        heads: linearHeads,
        headDim: linearSize("head_dim", "linear_head_dim", 128),
        convKernel: linearSize("short_conv_kernel_size", "linear_conv_kernel_dim", 4),
        fullRankGate: delta?.flag("use_full_rank_gate", false) ?? false,
      }),
    };
    // Attention residuals (Kimi K3): a query and a norm before each half of a layer, and once at the end.
    const residuals = config.has("attn_res_block_size");
    const residual = (name: string) => [
      ...norm(`${name}_norm`, hiddenSize),
      vector(`${name}_query`, "other", [hiddenSize]),
    ];
    return decoder({
      family: "kimi_linear",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      mixer: (layer) => mixers[isFull(layer) ? "full" : "linear"],
      feedForward: (layer) =>
        isSparse(layer) ? expertLayer(config, hiddenSize) : gatedFeedForward(config, hiddenSize),
      keyOf: (layer) => `${isFull(layer)} ${isSparse(layer)}`,
      ...(residuals
        ? {
            layerExtras: [...residual("attn_res"), ...residual("mlp_res")],
            extraTensors: residual("model.output_res"),
          }
        : {}),
    });
  },
};

function fullLayers(
  config: ConfigReader,
  delta: ConfigReader | undefined,
  layers: number,
): (layer: number) => boolean {
  const types = layerTypes(config, layers, ["layer_types"], ["linear_attention", "full_attention"]);
  if (types !== undefined) return (layer) => types[layer] === "full_attention";
  const listed = delta?.ints("full_attn_layers");
  if (listed === undefined) return (layer) => layer > 0 && layer % 4 === 0;
  const full = new Set(listed);
  return (layer) => full.has(layer + 1);
}

/** Latent attention; Kimi K3 adds an output gate [nh*dv, h]. */
function fullAttention(config: ConfigReader, hiddenSize: number, heads: number): MixerParts {
  const dims = readLatentDims(config, LATENT_DEFAULTS);
  const parts = latentAttention({ hiddenSize, heads, dims, bias: config.flag("attention_bias", false) });
  if (!config.flag("mla_use_output_gate", false)) return parts;
  return {
    mixers: parts.mixers,
    tensors: [
      ...parts.tensors,
      ...linear({
        name: "self_attn.g_proj",
        role: "attn-gate",
        group: "attention",
        outDim: heads * dims.valueDim,
        inDim: hiddenSize,
        split: "heads",
      }),
    ],
  };
}

/** Routed experts with a shared one; Kimi K3's work on a latent of routed_expert_hidden_size between two projections. */
function expertLayer(config: ConfigReader, hiddenSize: number): FeedForwardParts {
  const counts = readExperts(config, { count: 256, active: 8 });
  const width = config.int("moe_intermediate_size", 1024);
  const sharedWidth = width * config.count(["num_shared_experts", "n_shared_experts"], 1);
  const latentDim = config.optionalInt("routed_expert_hidden_size");
  if (latentDim === undefined) {
    return moe({
      config,
      hiddenSize,
      experts: counts,
      width,
      choiceBias: "buffer",
      shared: { width: sharedWidth, name: "shared_experts" },
    });
  }
  const project = (name: string, outDim: number, inDim: number) =>
    linear({ name: `mlp.${name}`, role: "other", group: "experts", outDim, inDim });
  const routed = routedExperts({
    name: "mlp.experts",
    router: "mlp.gate",
    hiddenSize,
    width,
    counts,
    activation: activationOf(config, "silu"),
    sharedWidth,
    latentDim,
  });
  return {
    ...routed,
    tensors: [
      ...routed.tensors,
      routerBalance("mlp.gate.e_score_correction_bias", counts.count),
      ...project("routed_expert_down_proj", latentDim, hiddenSize),
      ...(config.flag("latent_moe_use_norm", false) ? norm("mlp.routed_expert_norm", latentDim) : []),
      ...project("routed_expert_up_proj", hiddenSize, latentDim),
      ...(sharedWidth === 0
        ? []
        : gatedMlp({ name: "mlp.shared_experts", hiddenSize, width: sharedWidth, group: "shared-experts" })),
    ],
  };
}
