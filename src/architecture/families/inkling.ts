/** Inkling: windows and full attention by turns, short convolutions around each sublayer, relative positions learned per head. */
import { composite, languageModel, optionalPart } from "../composite.ts";
import { type ConfigReader, overriding } from "../config-reader.ts";
import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { activationOf, type Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { routedExperts } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { convolution, embedding, linear, norm, routerBalance, tensor, vector } from "../tensors.ts";
import { inklingVision } from "../towers/inkling-vision.ts";
import { inGroup } from "../towers/tower.ts";

/** Five windows, then one layer that sees everything, unless the file lists the layers or their kinds. */
function slidesIn(config: ConfigReader, layers: number): (layer: number) => boolean {
  const types = layerTypes(config, layers, ["layer_types"], ["hybrid", "hybrid_sliding"]);
  if (types !== undefined) return (layer) => types[layer] === "hybrid_sliding";
  const listed = config.ints("local_layer_ids");
  if (listed === undefined) return (layer) => (layer + 1) % 6 !== 0;
  const local = new Set(listed);
  return (layer) => local.has(layer);
}

/**
 * q, k, v, o, a projection r of d_rel per head and its table of distances; convolutions over keys, over values and
 * over what attention and MLP give, each of which keeps its last columns in fp32.
 */
const mixer: DecoderRow["mixer"] = (config, { hiddenSize, heads, kvHeads, headDim, layers }) => {
  const slides = slidesIn(config, layers);
  const kernel = config.int(["conv_kernel_size", "sconv_kernel_size"], 4);
  const window = config.int(["sliding_window_size", "sliding_window"], 512);
  const rel = config.int("d_rel", 16);
  const local = {
    heads: config.int("swa_num_attention_heads", 64),
    kvHeads: config.int("swa_num_key_value_heads", 16),
    keyDim: config.int("swa_head_dim", 128),
  };
  if (local.heads % local.kvHeads !== 0)
    config.fail("swa_num_key_value_heads", `a divisor of the ${local.heads} attention heads`);
  const conv = (name: string, channels: number): Tensor[] =>
    convolution({ name: `${name}.conv1d`, group: "attention", shape: [channels, 1, kernel] });
  const build = (sliding: boolean) => {
    const shape = sliding ? local : { heads, kvHeads, keyDim: headDim };
    const { mixers, tensors } = selfAttention({
      ...shape,
      name: "self_attn",
      hiddenSize,
      qkNorm: "head",
      windowTokens: sliding ? window : undefined,
    });
    const width = shape.kvHeads * shape.keyDim;
    return {
      mixers: [
        ...mixers,
        {
          kind: "recurrent" as const,
          variant: "short-conv" as const,
          convChannels: 0,
          convKernel: 1,
          stateElements: kernel * 2 * (width + hiddenSize),
          heads: shape.kvHeads,
          innerDim: width,
          stateFormat: "fp32",
        },
      ],
      tensors: [
        ...tensors,
        ...linear({
          name: "self_attn.r_proj",
          role: "other",
          group: "attention",
          outDim: shape.heads * rel,
          inDim: hiddenSize,
          split: "heads",
        }),
        vector("self_attn.rel_logits_proj.proj", "attention", [
          rel,
          sliding ? window : config.int("rel_extent", 1024),
        ]),
        ...conv("self_attn.k_sconv", width),
        ...conv("self_attn.v_sconv", width),
        ...conv("attn_sconv", hiddenSize),
        ...conv("mlp_sconv", hiddenSize),
      ],
    };
  };
  return { keyOf: (layer) => String(slides(layer)), build: (layer) => build(slides(layer)) };
};

/** Routed and shared experts under one router; a dense layer's MLP has a scale of its own. */
const sparseRule: DecoderRow["experts"] = (config, { hiddenSize, layers }) => {
  const counts = readExperts(config, { count: 256, active: 6 });
  const width = config.int("moe_intermediate_size", 3072);
  const shared = config.count("n_shared_experts", 2);
  const types = layerTypes(config, layers, ["mlp_layer_types"], ["dense", "sparse"]);
  const first = config.count("dense_mlp_idx", 0);
  const sparse = (layer: number): boolean =>
    types === undefined ? layer >= first : types[layer] === "sparse";
  const denseWidth = config.int(["dense_intermediate_size", "intermediate_size"], 24_576);
  const together = ["gate_proj", "up_proj", "down_proj"].map((name, i) =>
    tensor({
      name: `mlp.shared_experts.${name}`,
      role: (["mlp-gate", "mlp-up", "mlp-down"] as const)[i]!,
      kind: "expert",
      group: "shared-experts",
      shape: i === 2 ? [hiddenSize, width] : [width, hiddenSize],
      copies: shared,
      split: i === 2 ? "row" : "column",
    }),
  );
  return {
    sparse: () => true,
    keyOf: (layer) => String(sparse(layer)),
    build: (layer) => {
      if (!sparse(layer)) {
        const dense = gatedFeedForward(config, hiddenSize, { width: denseWidth });
        return { ...dense, tensors: [...dense.tensors, vector("mlp.global_scale", "mlp", [1])] };
      }
      const routed = routedExperts({
        name: "mlp.experts",
        hiddenSize,
        width,
        counts,
        activation: activationOf(config, "silu"),
        sharedWidth: shared * width,
      });
      return {
        ...routed,
        tensors: [
          ...routed.tensors,
          ...(shared === 0 ? [] : together),
          ...linear({
            name: "mlp.gate",
            role: "router",
            group: "router",
            outDim: counts.count + shared,
            inDim: hiddenSize,
          }),
          vector("mlp.gate.global_scale", "router", [1]),
          routerBalance("mlp.gate.e_score_correction_bias", counts.count),
        ],
      };
    },
  };
};

const row = familyOf({
  id: "inkling_text",
  classNames: ["InklingForCausalLM"],
  classSizes: [6144, 24_576, 66, 64, 201_024],
  kvHeads: 8,
  headDim: 128,
  mixer,
  experts: sparseRule,
  extras: (_config, { hiddenSize }) => norm("model.embed_tokens.embed_norm", hiddenSize),
});

/** Table and head are two matrices, whatever the file says. */
export const inklingText: Family = {
  ...row,
  build: (config, families) => row.build(overriding(config, { tie_word_embeddings: false }), families),
};

export const inkling: Family = {
  id: "inkling_mm_model",
  modelTypes: ["inkling_mm_model"],
  classNames: ["InklingForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "inkling_text", readAs: "inkling_text" });
    const size = text.hiddenSize;
    const audio = optionalPart(config, "audio_config", {});
    const codes =
      audio.int(["n_mel_bins", "num_codebooks"], 80) * audio.int(["mel_vocab_size", "codebook_size"], 256);
    return composite({
      family: "inkling_mm_model",
      config,
      text,
      names: "model.language_model",
      towers: [
        {
          stacks: [],
          tensors: inklingVision(optionalPart(config, "vision_config", {}), "model.vision_tower", size),
        },
        {
          stacks: [],
          tensors: inGroup("audio", [
            embedding("model.audio_tower.embed_audio_tokens.embed_audio_tokens", codes, size),
            ...norm("model.audio_tower.norm", size),
          ]),
        },
      ],
    });
  },
};
