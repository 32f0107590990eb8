/** Images that reach the text as a fixed number of queries: a perceiver (Idefics 2, Aria), or one cross attention (Kosmos-2). */

import { optionalPart, part, projection } from "../composite.ts";
import { type CompositeParts, compositeFamily } from "../composite-row.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import { familyOf, MLP_BIAS } from "../decoder-row.ts";
import { expertsOf } from "../expert-rules.ts";
import type { Family } from "../family.ts";
import { gatedMlp } from "../feed-forward.ts";
import type { Tensor } from "../model.ts";
import { norm, positionEmbedding, vector } from "../tensors.ts";
import { clipVision } from "../towers/image-encoders.ts";
import { inGroup } from "../towers/tower.ts";
import { encoderAt } from "./llava.ts";

const ofProjector = (tensors: readonly Tensor[]): Tensor[] => inGroup("projector", tensors);

/** One layer of the resampler: grouped attention from the latents to latents and image, a gated MLP of 4 h. */
function resamplerLayer(config: ConfigReader, at: (name: string) => string): Tensor[] {
  const size = config.int("hidden_size");
  const headDim = config.int("resampler_head_dim");
  const queries = config.int("resampler_n_heads") * headDim;
  const keys = config.int("num_key_value_heads") * headDim;
  return ofProjector([
    ...norm(at("input_latents_norm"), size),
    ...norm(at("input_context_norm"), size),
    ...projection(at("self_attn.q_proj"), queries, size, false),
    ...projection(at("self_attn.k_proj"), keys, size, false),
    ...projection(at("self_attn.v_proj"), keys, size, false),
    ...projection(at("self_attn.o_proj"), size, queries, false),
    ...norm(at("post_attention_layernorm"), size),
    ...gatedMlp({ name: at("mlp"), hiddenSize: size, width: 4 * size }),
  ]);
}

/** A gated MLP from the image width to the text's, then a resampler of 64 latents and 3 layers. */
export const idefics2 = compositeFamily({
  id: "idefics2",
  classNames: ["Idefics2ForConditionalGeneration"],
  text: { modelType: "mistral", ties: "top-alone" },
  names: "unchanged",
  towers: encoderAt("model.vision_model", "idefics2_vision"),
  projector: ({ config, text, textSize, visionSize }) => {
    const resampler = optionalPart(config, "perceiver_config", {
      hidden_size: 4096,
      resampler_n_latents: 64,
      resampler_depth: 3,
      resampler_n_heads: 16,
      resampler_head_dim: 96,
      num_key_value_heads: 4,
    });
    const size = resampler.int("hidden_size");
    const { feedForward } = text.stacks[0]!.kinds[0]!;
    const width = feedForward.kind === "none" ? 0 : feedForward.width;
    const mlp = "model.connector.modality_projection";
    const at = (name: string): string => `model.connector.perceiver_resampler.${name}`;
    const depth = resampler.layers("resampler_depth");
    if (depth > 1000) resampler.fail("resampler_depth", "at most 1,000 layers");
    return [
      ...projection(`${mlp}.gate_proj`, width, visionSize, false),
      ...projection(`${mlp}.up_proj`, width, visionSize, false),
      ...projection(`${mlp}.down_proj`, textSize, width, false),
      vector(at("latents"), "projector", [resampler.int("resampler_n_latents"), size]),
      ...Array.from({ length: depth }, (_, i) =>
        resamplerLayer(resampler, (name) => at(`layers.${i}.${name}`)),
      ).flat(),
      ...ofProjector(norm(at("norm"), size)),
    ];
  },
});

/** Llama with experts in every layer; the shared ones are one MLP of their widths together. */
export const ariaText = familyOf({
  id: "aria_text",
  modelTypes: ["aria_text", "aria_moe_lm"],
  classNames: ["AriaTextForCausalLM"],
  classSizes: [4096, 4096, 32, 32, 32_000],
  qkvBias: { key: "attention_bias", otherwise: false },
  oBias: { key: "attention_bias", otherwise: false },
  experts: expertsOf({
    count: 8,
    active: 2,
    keys: { count: "moe_num_experts", active: "moe_topk" },
    width: "intermediate_size",
    router: "router",
    shared: { count: ["moe_num_shared_experts", 2], bias: MLP_BIAS },
  }),
});

/** As many queries as the finest resolution needs; every projection of the cross attention twice. */
export const aria = compositeFamily({
  id: "aria",
  classNames: ["AriaForConditionalGeneration"],
  text: { modelType: "aria_text", ties: "top-alone" },
  names: "language_model",
  towers: encoderAt("vision_tower", "idefics3_vision"),
  projector: ({ config, textSize, visionSize }) => {
    const at = (name: string): string => `multi_modal_projector.${name}`;
    const cross = (name: string): string => at(`cross_attn.${name}`);
    const square = (name: string, bias: boolean, times = 1): Tensor[] =>
      projection(cross(name), times * visionSize, visionSize, bias);
    return ofProjector([
      vector(at("query"), "projector", [mostQueries(config), visionSize]),
      ...["q_proj", "k_proj", "v_proj"].flatMap((name) => square(name, false)),
      ...square("multihead_attn.in_proj", true, 3),
      ...square("multihead_attn.out_proj", true),
      ...square("linear", true),
      ...norm(cross("layer_norm"), visionSize, "bias"),
      ...norm(cross("layer_norm_kv"), visionSize, "bias"),
      ...norm(at("layer_norm"), visionSize, "bias"),
      ...projection(at("feed_forward.linear_in"), textSize, visionSize, false),
      ...projection(at("feed_forward.linear_out"), textSize, textSize, false),
    ]);
  },
});

/** The most queries that any number of patches is given. */
function mostQueries(config: ConfigReader): number {
  const table = config.child("projector_patch_to_query_dict");
  if (table === undefined) return config.int("max_value_projector_patch_to_query_dict", 256);
  const patches = Object.keys(table.raw);
  if (patches.length === 0 || patches.length > 1000)
    config.fail("projector_patch_to_query_dict", "one to 1,000 numbers of patches with their queries");
  return patches.reduce((most, key) => Math.max(most, table.int(key)), 0);
}

/** Magneto: norms inside the attention and inside the MLP as well, sinusoidal positions; Kosmos-2.5 has fewer. */
function kosmosText(
  id: string,
  sizes: readonly [
    width: number,
    layers: number,
    heads: number,
    mlp: number,
    words: number,
    positions: number,
  ],
  options: { readonly innerNorm: boolean; readonly segments: boolean },
): Family {
  const row = familyOf({
    id,
    tied: true,
    norm: "layer",
    layerNorms: ["self_attn_layer_norm", "final_layer_norm"],
    qkvBias: true,
    oBias: true,
    mlpBias: true,
    attention: { outName: "out_proj" },
    plainMlp: ["fc1", "fc2"],
    mlpName: "ffn",
    names: { embedding: "model.embed_tokens", layers: "model.layers", finalNorm: "model.layer_norm" },
    layerExtras: (config, { hiddenSize }) => [
      ...(options.innerNorm ? norm("self_attn.inner_attn_ln", hiddenSize, "bias") : []),
      ...norm("ffn.ffn_layernorm", config.int("ffn_dim"), "bias"),
    ],
    extras: (_config, { hiddenSize }) =>
      options.segments ? [positionEmbedding("model.segment_emb", 2, hiddenSize)] : [],
  });
  const [width, layers, heads, mlp, words, positions] = sizes;
  return {
    ...row,
    build: (config, families) => {
      if (config.optionalFlag("add_cross_attention") === true)
        config.fail("add_cross_attention", "false: the text reads the image among its words");
      return row.build(
        overriding(config, {
          hidden_size: config.int("embed_dim", width),
          num_hidden_layers: config.layers("layers", layers),
          num_attention_heads: config.int("attention_heads", heads),
          ffn_dim: config.int("ffn_dim", mlp),
          vocab_size: config.int("vocab_size", words),
          max_position_embeddings: config.int("max_position_embeddings", positions),
        }),
        families,
      );
    },
  };
}

const kosmos2Text = kosmosText("kosmos_2_text_model", [2048, 24, 32, 8192, 65_037, 2048], {
  innerNorm: true,
  segments: false,
});
export const kosmos25Text = kosmosText("kosmos_2_5_text_model", [1536, 24, 16, 6144, 108_481, 4096], {
  innerNorm: false,
  segments: true,
});

/** Queries that attend to the image and themselves, after a linear into the text width. */
export function kosmosProjector({ config, textSize, visionSize }: CompositeParts, queries: number): Tensor[] {
  const at = (name: string): string => `image_to_text_projection.${name}`;
  return [
    vector(at("latent_query"), "projector", [config.int("latent_query_num", queries), textSize]),
    ...projection(at("dense"), textSize, visionSize, true),
    ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((name) =>
      projection(at(`x_attn.${name}`), textSize, textSize, true),
    ),
  ];
}

/** CLIP, and queries that attend to its patches and themselves. */
export const kosmos2 = compositeFamily({
  id: "kosmos-2",
  classNames: ["Kosmos2ForConditionalGeneration"],
  text: { modelType: "kosmos_2_text_model", readAs: kosmos2Text, tied: true, ties: "either" },
  names: "unchanged",
  towers: (config) => [
    clipVision(
      withDefaults(part(config, "vision_config"), {
        hidden_size: 1024,
        intermediate_size: 4096,
        num_hidden_layers: 24,
        num_attention_heads: 16,
        patch_size: 14,
      }),
      "vision_model.model",
    ),
  ],
  projector: (parts) => kosmosProjector(parts, 64),
});
