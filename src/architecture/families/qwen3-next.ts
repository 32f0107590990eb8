/** Three gated delta nets, then one gated attention: Qwen3-Next, Qwen3.5 and 3.6, dense and with experts. */

import { type ClassSizes, withClassSizes } from "../class-defaults.ts";
import type { ConfigReader } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { type DecoderSizes, readDecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import { stepSparse } from "../expert-rules.ts";
import type { Family } from "../family.ts";
import { type FeedForwardParts, gatedFeedForward } from "../feed-forward.ts";
import { gatedDeltaBlock, stateFormatOf } from "../mixers/linear-attention.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import type { ArchitectureDraft, Stack } from "../model.ts";
import { moe } from "../moe.ts";
import { layerTypes, stackOf } from "../stack.ts";
import { linear, norm } from "../tensors.ts";

interface Variant {
  readonly id: string;
  /** What a nested config may leave to the class. */
  readonly sizes: ClassSizes;
  readonly kvHeads: number;
  readonly inputs: "qkvz-ba" | "qkv-z-b-a";
  /** Experts held and chosen, when the class has them; `sparse` when some layers may be dense. */
  readonly experts?: { readonly count: number; readonly active: number; readonly sparse: boolean };
}

/** Experts in every layer unless `mlp_only_layers` or `decoder_sparse_step` say otherwise. */
export const qwen3Next = family(["qwen3_next"], ["Qwen3NextForCausalLM"], {
  id: "qwen3_next",
  sizes: [2048, 5632, 48, 16, 151_936],
  kvHeads: 2,
  inputs: "qkvz-ba",
  experts: { count: 512, active: 10, sparse: true },
});

export const qwen35Text = family(["qwen3_5_text"], ["Qwen3_5ForCausalLM"], {
  id: "qwen3_5_text",
  sizes: [4096, 12_288, 32, 16, 248_320],
  kvHeads: 4,
  inputs: "qkv-z-b-a",
});

export const qwen35MoeText = family(["qwen3_5_moe_text"], ["Qwen3_5MoeForCausalLM"], {
  id: "qwen3_5_moe_text",
  sizes: [2048, 5632, 40, 16, 248_320],
  kvHeads: 2,
  inputs: "qkv-z-b-a",
  experts: { count: 256, active: 8, sparse: false },
});

function family(modelTypes: readonly string[], classNames: readonly string[], variant: Variant): Family {
  return { id: variant.id, modelTypes, classNames, build: (config) => build(config, variant) };
}

/** The gated delta net that a config describes. */
export const linearAttention = (
  config: ConfigReader,
  hiddenSize: number,
  inputs: Variant["inputs"],
): MixerParts =>
  gatedDeltaBlock({
    name: "linear_attn",
    hiddenSize,
    keyHeads: config.int("linear_num_key_heads", 16),
    valueHeads: config.int("linear_num_value_heads", 32),
    keyDim: config.int("linear_key_head_dim", 128),
    valueDim: config.int("linear_value_head_dim", 128),
    convKernel: config.int("linear_conv_kernel_dim", 4),
    inputs,
    ...stateFormatOf(config, "mamba_ssm_dtype"),
  });

function build(given: ConfigReader, variant: Variant): ArchitectureDraft {
  const { config, notes } = withClassSizes(given, variant.sizes);
  const sizes = readDecoderSizes(config, { tied: false, kvHeads: variant.kvHeads, headDim: 256 });
  const { hiddenSize, layers } = sizes;
  const types = layerTypes(config, layers, ["layer_types"], ["linear_attention", "full_attention"]);
  const interval = config.int("full_attention_interval", 4);
  const isFull = (layer: number): boolean =>
    types === undefined ? (layer + 1) % interval === 0 : types[layer] === "full_attention";
  const step = variant.experts?.sparse === true ? stepSparse(config) : () => true;
  const isSparse = (layer: number): boolean => variant.experts !== undefined && step(layer);
  const attention = gatedAttention(config, sizes);
  const delta = linearAttention(config, hiddenSize, variant.inputs);
  const feedForward = (layer: number): FeedForwardParts =>
    isSparse(layer) ? sharedExperts(config, hiddenSize, variant) : gatedFeedForward(config, hiddenSize);
  const draft = decoder({
    family: variant.id,
    config,
    sizes,
    tiedByDefault: false,
    norm: "rms-plus-one",
    mixer: (layer) => (isFull(layer) ? attention : delta),
    feedForward,
    keyOf: (layer) => `${isFull(layer)} ${isSparse(layer)}`,
    notes,
  });
  const mtp = predictionLayers(config, hiddenSize, attention, () => feedForward(layers - 1));
  return mtp === undefined ? draft : { ...draft, stacks: [...draft.stacks, mtp] };
}

/** q_proj makes the query and an output gate of the same width; RMSNorm on each query and key head. */
export function gatedAttention(config: ConfigReader, sizes: DecoderSizes, indexKeyDim?: number): MixerParts {
  const bias = config.flag("attention_bias", false);
  return selfAttention({
    name: "self_attn",
    hiddenSize: sizes.hiddenSize,
    heads: sizes.heads,
    kvHeads: sizes.kvHeads,
    keyDim: sizes.headDim,
    bias: { qkv: bias, o: bias },
    gatedQuery: true,
    qkNorm: "head",
    indexKeyDim,
  });
}

/** Routed experts beside a shared one, whose output has a gate. */
export function sharedExperts(
  config: ConfigReader,
  hiddenSize: number,
  variant: Pick<Variant, "experts">,
): FeedForwardParts {
  return moe({
    config,
    hiddenSize,
    experts: readExperts(config, variant.experts),
    width: config.int("moe_intermediate_size", 512),
    shared: {
      width: config.int("shared_expert_intermediate_size", 512),
      name: "shared_expert",
      gate: "shared_expert_gate",
    },
  });
}

/** Attention layers with the model's feed-forward; norms of both inputs, [h, 2h] and a final norm, once. */
function predictionLayers(
  config: ConfigReader,
  hiddenSize: number,
  attention: MixerParts,
  feedForward: () => FeedForwardParts,
): Stack | undefined {
  const layers = config.layers("mtp_num_hidden_layers", 0);
  if (layers === 0) return undefined;
  const body = feedForward();
  return stackOf({
    role: "mtp",
    prefix: "mtp.layers",
    hiddenSize,
    layers,
    keyOf: (layer) => (layer === 0 ? "first" : "further"),
    build: (layer) => ({
      mixers: attention.mixers,
      feedForward: body.feedForward,
      tensors: [
        ...attention.tensors,
        ...body.tensors,
        ...norm("input_layernorm", hiddenSize),
        ...norm("post_attention_layernorm", hiddenSize),
        ...(layer > 0
          ? []
          : [
              ...norm("pre_fc_norm_embedding", hiddenSize),
              ...norm("pre_fc_norm_hidden", hiddenSize),
              ...linear({
                name: "fc",
                role: "other",
                group: "mtp",
                outDim: hiddenSize,
                inDim: 2 * hiddenSize,
              }),
              ...norm("norm", hiddenSize),
            ]),
      ],
    }),
  });
}
