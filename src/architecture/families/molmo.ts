/** Molmo: OLMo's or Qwen's decoder in modules of its own, with CLIP's ViT-L and a pooling of 2 x 2 patches. */

import { projection } from "../composite.ts";
import { overriding } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { customCodeNote } from "../decoder-row.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { embedding, vector } from "../tensors.ts";
import { clipVision } from "../towers/image-encoders.ts";
import { inGroup, type Tower } from "../towers/tower.ts";

const VISION = "model.vision_backbone";

/** CLIP's encoder at 336 pixels without its last layer and last norm: the class fixes it. */
function clipTower(config: Parameters<typeof clipVision>[0]): Tower {
  const tower = clipVision(
    overriding(config, {
      hidden_size: 1024,
      intermediate_size: 4096,
      num_hidden_layers: 23,
      num_attention_heads: 16,
      image_size: 336,
      patch_size: 14,
      num_channels: 3,
      hidden_act: "quick_gelu",
    }),
    `${VISION}.image_vit`,
  );
  return { ...tower, tensors: tower.tensors.filter(({ name }) => !name.includes("post_layernorm")) };
}

/** Two layers' features side by side, pooled by attention, then a gated projector as wide as the text's MLP. */
function connector(textSize: number, width: number): Tensor[] {
  const at = (name: string): string => `${VISION}.${name}`;
  return [
    ...["wq", "wk", "wv"].flatMap((name) => projection(at(`image_pooling_2d.${name}`), 1024, 2048, true)),
    ...projection(at("image_pooling_2d.wo"), 1024, 1024, true),
    ...projection(at("image_projector.w1"), width, 1024, false),
    ...projection(at("image_projector.w3"), width, 1024, false),
    ...projection(at("image_projector.w2"), textSize, width, false),
    vector(at("pad_embed"), "projector", [2, 2048]),
  ];
}

/**
 * q, k and v in one matrix, gate and up in one of intermediate_size, 128 rows of embedding for special tokens apart.
 *
 * @example Molmo-7B-D: 7,616,075,264 + 404,950,016 = 8,021,025,280
 */
export const molmo: Family = {
  id: "molmo",
  modelTypes: ["molmo"],
  classNames: ["MolmoForCausalLM"],
  build: (given) => {
    const rows = given.int("embedding_size", given.int("vocab_size"));
    const tied = given.flag("weight_tying", false);
    const config = overriding(given, { vocab_size: rows, tie_word_embeddings: tied });
    const sizes = readDecoderSizes(config, { tied });
    const { hiddenSize, heads, kvHeads, headDim } = sizes;
    const width = Math.max(1, Math.floor(config.int("intermediate_size") / 2));
    const tower = clipTower(config);
    const text = decoder({
      family: "molmo",
      config,
      sizes,
      tiedByDefault: tied,
      norm: config.text("layer_norm_type", "rms") === "rms" ? "rms" : "layer-no-bias",
      layerNorms: ["attn_norm", "ff_norm"],
      mixer: () =>
        selfAttention({
          name: "",
          hiddenSize,
          heads,
          kvHeads,
          keyDim: headDim,
          fused: "att_proj",
          outName: "attn_out",
          bias: { qkv: config.flag("qkv_bias", false) },
          ...(config.flag("attention_layer_norm", false) ? { qkNorm: "projection" } : {}),
        }),
      feedForward: () =>
        gatedFeedForward(config, hiddenSize, {
          name: "",
          width,
          names: ["gate", "up", "ff_out"],
          fused: "ff_proj",
        }),
      names: {
        embedding: "model.transformer.wte",
        layers: "model.transformer.blocks",
        finalNorm: "model.transformer.ln_f",
        head: "model.transformer.ff_out",
      },
    });
    return {
      ...text,
      stacks: [...text.stacks, ...tower.stacks],
      tensors: [
        ...text.tensors,
        ...inGroup("embedding", [embedding("model.transformer.wte.new_embedding", 128, hiddenSize)]),
        ...tower.tensors,
        ...connector(hiddenSize, width),
      ],
      notes: [...text.notes, customCodeNote("molmo", "OLMo's decoder with CLIP")],
    };
  },
};
