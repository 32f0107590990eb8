/** Image encoders alone (ViT, CLIP, SigLIP) and beside a text encoder (CLIP, SigLIP). */

import { part, projection } from "../composite.ts";
import type { ConfigReader } from "../config-reader.ts";
import { withDefaults } from "../config-reader.ts";
import { headLinear, labelCount, pooler } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { ArchitectureDraft, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import { towerAlone, towerFamily } from "../tower-family.ts";
import { clipLayer, clipVision, siglipVision } from "../towers/image-encoders.ts";
import type { Tower } from "../towers/tower.ts";
import { vitTower } from "../towers/vit.ts";

function matrix(name: string, outDim: number, inDim: number, bias = false): Tensor[] {
  return linear({ name, role: "other", group: "other", outDim, inDim, bias });
}

function textTower(config: ConfigReader, activation: string): Tower {
  const hiddenSize = config.int("hidden_size");
  const prefix = "text_model";
  return {
    stacks: [
      stackOf({
        role: "encoder",
        prefix: `${prefix}.encoder.layers`,
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        build: () => clipLayer(config, activation),
      }),
    ],
    tensors: [
      embedding(`${prefix}.embeddings.token_embedding`, config.int("vocab_size"), hiddenSize),
      positionEmbedding(
        `${prefix}.embeddings.position_embedding`,
        config.int("max_position_embeddings"),
        hiddenSize,
      ),
      ...norm(`${prefix}.final_layer_norm`, hiddenSize, "bias"),
    ],
  };
}

function pair(spec: {
  readonly family: string;
  readonly config: ConfigReader;
  readonly text: ConfigReader;
  readonly towers: readonly Tower[];
  readonly tensors: readonly Tensor[];
}): ArchitectureDraft {
  const { text, towers } = spec;
  return {
    family: spec.family,
    modelType: spec.config.text("model_type", spec.family),
    hiddenSize: text.int("hidden_size"),
    vocabSize: text.int("vocab_size"),
    tied: false,
    maxContextTokens: text.int("max_position_embeddings"),
    norm: "layer",
    stacks: towers.flatMap((tower) => tower.stacks),
    tensors: [...towers.flatMap((tower) => tower.tensors), ...spec.tensors],
    notes: [],
  };
}

/** Both encoders, a projection each of projection_dim, and the logit scale. */
export const clip: Family = {
  id: "clip",
  modelTypes: ["clip"],
  classNames: ["CLIPModel"],
  build: (config) => {
    const text = withDefaults(part(config, "text_config"), {
      vocab_size: 49_408,
      hidden_size: 512,
      intermediate_size: 2048,
      num_hidden_layers: 12,
      num_attention_heads: 8,
      max_position_embeddings: 77,
    });
    const vision = clipVision(part(config, "vision_config"), "vision_model");
    const width = config.int("projection_dim", 512);
    return pair({
      family: "clip",
      config,
      text,
      towers: [textTower(text, "quick_gelu"), vision],
      tensors: [
        ...matrix("text_projection", width, text.int("hidden_size")),
        ...projection("visual_projection", width, vision.stacks[0]!.hiddenSize, false),
        vector("logit_scale", "other", [1]),
      ],
    });
  },
};

/** SigLIP: the text encoder ends in a biased linear, the image encoder in attention pooling; a scale and a bias. */
export const siglip: Family = {
  id: "siglip",
  modelTypes: ["siglip"],
  classNames: ["SiglipModel"],
  build: (config) => {
    const text = withDefaults(part(config, "text_config"), {
      vocab_size: 32_000,
      hidden_size: 768,
      intermediate_size: 3072,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      max_position_embeddings: 64,
    });
    const hiddenSize = text.int("hidden_size");
    return pair({
      family: "siglip",
      config,
      text,
      towers: [
        textTower(text, "gelu_pytorch_tanh"),
        siglipVision(part(config, "vision_config"), "vision_model"),
      ],
      tensors: [
        ...matrix("text_model.head", text.int("projection_size", hiddenSize), hiddenSize, true),
        vector("logit_scale", "other", [1]),
        vector("logit_bias", "other", [1]),
      ],
    });
  },
};

/** CLIP's image encoder, with its projection in the class that has one. */
export const clipVisionModel: Family = {
  id: "clip_vision_model",
  modelTypes: ["clip_vision_model"],
  classNames: ["CLIPVisionModel", "CLIPVisionModelWithProjection"],
  build: (config) => {
    const tower = clipVision(config, "vision_model");
    const projected = config.texts("architectures")?.[0] === "CLIPVisionModelWithProjection";
    return towerAlone(
      "clip_vision_model",
      config,
      tower,
      projected
        ? projection(
            "visual_projection",
            config.int("projection_dim", 512),
            tower.stacks[0]!.hiddenSize,
            false,
          )
        : [],
    );
  },
};

export const siglipVisionModel: Family = {
  id: "siglip_vision_model",
  modelTypes: ["siglip_vision_model"],
  classNames: ["SiglipVisionModel"],
  build: (config) => towerAlone("siglip_vision_model", config, siglipVision(config, "vision_model"), []),
};

export const vit: Family = towerFamily({
  id: "vit",
  prefix: "vit",
  tower: vitTower({}),
  heads: {
    ViTModel: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    ViTForImageClassification: ({ config, hiddenSize }) =>
      headLinear("classifier", labelCount(config), hiddenSize),
  },
});
