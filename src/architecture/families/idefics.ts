/** IDEFICS, the open Flamingo (arXiv:2306.16527): Llama with gated layers between that read the image. */
import { type ClassSizes, withClassSizes } from "../class-defaults.ts";
import { composite, part, projection } from "../composite.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import { buildRow } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { LayerKind, Stack, Tensor } from "../model.ts";
import { layerCount, stackOf } from "../stack.ts";
import { embedding, linear, norm, vector } from "../tensors.ts";
import { clipVision } from "../towers/image-encoders.ts";
import { inGroup } from "../towers/tower.ts";

const SIZES: ClassSizes = [4096, 11_008, 32, 32, 32_000];
const ROW = { id: "idefics", tied: false } as const;

/** The queries of one image: 64 latents of the image's width through perceiver blocks. */
function resampler(config: ConfigReader, size: number): Tensor[] {
  const perceiver = withDefaults(config.child("perceiver_config") ?? overriding(config, {}), {
    resampler_n_latents: 64,
    resampler_depth: 6,
    resampler_n_heads: 16,
    resampler_head_dim: 96,
  });
  const headDim = perceiver.int("resampler_head_dim");
  const inner = perceiver.int("resampler_n_heads") * headDim;
  const depth = perceiver.layers("resampler_depth");
  if (depth > 1000) perceiver.fail("resampler_depth", "at most 1,000 layers");
  const normed = perceiver.flag("qk_layer_norms_perceiver", false);
  const root = "model.perceiver_resampler";
  const block = (i: number): Tensor[] => {
    const at = (name: string): string => `${root}.blocks.${i}.${name}`;
    return [
      ...norm(at("0.context_layer_norm"), size, "bias"),
      ...norm(at("0.latents_layer_norm"), size, "bias"),
      ...(normed
        ? ["q_layer_norm", "k_layer_norm"].flatMap((name) => norm(at(`0.${name}`), headDim, "bias"))
        : []),
      ...["q_proj", "k_proj", "v_proj"].flatMap((name) => projection(at(`0.${name}`), inner, size, false)),
      ...projection(at("0.output_proj"), size, inner, false),
      ...norm(at("1.ln"), size, "bias"),
      ...projection(at("1.fc"), 4 * size, size, false),
      ...projection(at("1.c_proj"), size, 4 * size, false),
    ];
  };
  return inGroup("projector", [
    vector(`${root}.latents`, "projector", [perceiver.int("resampler_n_latents"), size]),
    ...Array.from({ length: depth }, (_, i) => block(i)).flat(),
    ...norm(`${root}.layer_norm`, size, "bias"),
  ]);
}

/** Keys and values come from the image; a gate each for attention and MLP. */
function crossLayer(config: ConfigReader, hiddenSize: number, imageSize: number): LayerKind {
  const heads = config.int("num_attention_heads");
  const attention = selfAttention({
    name: "cross_attn",
    hiddenSize,
    heads,
    kvHeads: heads,
    keyDim: hiddenSize / heads,
    cache: "cross",
    ...(config.flag("qk_layer_norms", false)
      ? { qkNorm: "head" as const, qkNormNames: ["q_layer_norm", "k_layer_norm"] as const }
      : {}),
  });
  const mlp = gatedFeedForward(config, hiddenSize);
  const gate = config.text("alpha_type", "float") === "vector" ? [1, 1, hiddenSize] : [1];
  return {
    mixers: attention.mixers,
    feedForward: mlp.feedForward,
    tensors: [
      ...attention.tensors.map((t) =>
        t.role === "attn-k" || t.role === "attn-v" ? { ...t, shape: [t.shape[0]!, imageSize] } : t,
      ),
      ...mlp.tensors,
      ...norm("input_layernorm", hiddenSize),
      ...norm("post_attention_layernorm", hiddenSize),
      vector("alpha_cross_attn", "attention", gate),
      vector("alpha_dense", "mlp", gate),
    ],
  };
}

/** Rows of embedding and head for tokens added later. */
function added(config: ConfigReader, hiddenSize: number, tied: boolean): Tensor[] {
  const rows = config.count("additional_vocab_size", 0);
  if (rows === 0) return [];
  const more = linear({
    name: "lm_head.additional_fc",
    role: "head",
    group: "lm-head",
    outDim: rows,
    inDim: hiddenSize,
  });
  return [embedding("model.embed_tokens.additional_embedding", rows, hiddenSize), ...(tied ? [] : more)];
}

export const idefics: Family = {
  id: "idefics",
  modelTypes: ["idefics"],
  classNames: ["IdeficsForVisionText2Text"],
  build: (given) => {
    const { config } = withClassSizes(given, SIZES);
    const text = buildRow(ROW, config);
    const { hiddenSize } = text;
    const own = part(config, "vision_config");
    const imageSize = own.int("embed_dim", 768);
    const vision = withDefaults(overriding(own, { hidden_size: imageSize }), {
      intermediate_size: 5120,
      num_hidden_layers: 32,
      num_attention_heads: 16,
      patch_size: 14,
    });
    const every = config.int("cross_layer_interval", 1);
    const layers = layerCount(text.stacks[0]!);
    const cross: Stack = stackOf({
      role: "decoder",
      prefix: "model.gated_cross_attn_layers",
      hiddenSize,
      layers: Math.floor(layers / every),
      build: () => crossLayer(config, hiddenSize, imageSize),
    });
    const draft = composite({
      family: "idefics",
      config,
      text,
      names: "unchanged",
      towers: [clipVision(vision, "model.vision_model"), { stacks: [cross], tensors: [] }],
      projector: config.flag("use_resampler", false) ? resampler(config, imageSize) : [],
    });
    return { ...draft, tensors: [...draft.tensors, ...added(config, hiddenSize, text.tied)] };
  },
};
