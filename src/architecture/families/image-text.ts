/** Image encoders alone (ViT, CLIP, SigLIP) and beside a text encoder (CLIP, SigLIP). */

import { labelCount } from "../class-heads.ts";
import { classNamed } from "../class-named.ts";
import { part, projection } from "../composite.ts";
import type { ConfigReader } from "../config-reader.ts";
import { withDefaults } from "../config-reader.ts";
import { headLinear, pooler } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { ArchitectureDraft } from "../model.ts";
import { matrix, pair } from "../pair-row.ts";
import { stackOf } from "../stack.ts";
import { embedding, norm, positionEmbedding, vector } from "../tensors.ts";
import { towerAlone, towerFamily } from "../tower-family.ts";
import { clipLayer, clipVision, siglipVision, type TowerBuilder } from "../towers/image-encoders.ts";
import type { Tower } from "../towers/tower.ts";
import { vitTower } from "../towers/vit.ts";

/** CLIP's encoder of text: words and positions, layers as the image encoder has, a norm. */
export function textTower(config: ConfigReader, activation: string, prefix = "text_model"): Tower {
  const hiddenSize = config.int("hidden_size");
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

export const CLIP_TEXT = {
  vocab_size: 49_408,
  hidden_size: 512,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  max_position_embeddings: 77,
} as const;

/** Both encoders, a projection each of projection_dim, and the logit scale. */
export const clip: Family = {
  id: "clip",
  modelTypes: ["clip"],
  classNames: ["CLIPModel", "CLIPForImageClassification"],
  build: (config) => {
    if (classNamed(config, ["CLIPModel", "CLIPForImageClassification"]) === "CLIPForImageClassification")
      return imageClassifier("clip", config, clipVision);
    const text = withDefaults(part(config, "text_config"), CLIP_TEXT);
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

/** The image encoder alone and the scores of its labels. */
function imageClassifier(family: string, config: ConfigReader, vision: TowerBuilder): ArchitectureDraft {
  const own = part(config, "vision_config");
  const tower = vision(own, "vision_model");
  const head = headLinear("classifier", labelCount(config), tower.stacks[0]!.hiddenSize);
  return { ...towerAlone(family, own, tower, head), modelType: config.text("model_type", family) };
}

const SIGLIP_TEXT = {
  vocab_size: 32_000,
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  max_position_embeddings: 64,
} as const;

/** SigLIP: the text encoder ends in a biased linear, the image encoder in attention pooling; a scale and a bias. */
export function siglipFamily(id: string, className: string, vision: TowerBuilder): Family {
  const classifies = className.replace(/Model$/, "ForImageClassification");
  return {
    id,
    modelTypes: [id],
    classNames: [className, classifies],
    build: (config) => {
      if (classNamed(config, [className, classifies]) === classifies)
        return imageClassifier(id, config, vision);
      const text = withDefaults(part(config, "text_config"), SIGLIP_TEXT);
      const hiddenSize = text.int("hidden_size");
      return pair({
        family: id,
        config,
        text,
        towers: [textTower(text, "gelu_pytorch_tanh"), vision(part(config, "vision_config"), "vision_model")],
        tensors: [
          ...matrix("text_model.head", text.int("projection_size", hiddenSize), hiddenSize, true),
          vector("logit_scale", "other", [1]),
          vector("logit_bias", "other", [1]),
        ],
      });
    },
  };
}

export const siglip = siglipFamily("siglip", "SiglipModel", siglipVision);

/** CLIP's encoder of text alone, with its projection in the class that has one. */
export const clipText: Family = {
  id: "clip_text_model",
  modelTypes: ["clip_text_model"],
  classNames: ["CLIPTextModel", "CLIPTextModelWithProjection"],
  build: (given) => {
    const config = withDefaults(given, CLIP_TEXT);
    const projected = config.texts("architectures")?.[0] === "CLIPTextModelWithProjection";
    const tensors = projected
      ? matrix("text_projection", config.int("projection_dim", 512), config.int("hidden_size"))
      : [];
    return pair({
      family: "clip_text_model",
      config,
      text: config,
      towers: [textTower(config, "quick_gelu")],
      tensors,
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
