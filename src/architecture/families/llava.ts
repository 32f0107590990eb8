/** An image encoder, a projector and a language model: LLaVA and its relatives. */

import { composite, languageModel, part, type TieRule } from "../composite.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { linear, norm, vector } from "../tensors.ts";
import { imageEncoder } from "../towers/image-encoders.ts";

/** A linear of the projector. */
export function projection(
  name: string,
  outDim: number,
  inDim: number,
  bias: boolean,
  group: "projector" | "audio" = "projector",
): Tensor[] {
  return linear({ name, role: "other", group, outDim, inDim, bias });
}

/** Layers whose features the projector reads side by side: one, or as many as are listed. */
function featureLayers(config: ConfigReader): number {
  const listed = config.raw.vision_feature_layer;
  if (!Array.isArray(listed)) return 1;
  if (listed.length === 0 || listed.length > 1000) config.fail("vision_feature_layer", "one to 1,000 layers");
  return listed.length;
}

const PROJECTOR = "multi_modal_projector";

/** Two linears of the text width; LLaVA-NeXT adds a vector that marks the end of an image row. */
function llavaFamily(
  id: string,
  classNames: readonly string[],
  newline: boolean,
  ties: TieRule = "either",
): Family {
  return {
    id,
    modelTypes: [id],
    classNames,
    build: (config, families) => {
      const text = languageModel(config, families, { modelType: "llama", ties });
      const vision = part(config, "vision_config");
      const tower = imageEncoder(vision, "vision_tower.vision_model", "clip_vision_model");
      const bias = config.flag("multimodal_projector_bias", true);
      const visionSize = tower.stacks[0]!.hiddenSize * featureLayers(config);
      return composite({
        family: id,
        config,
        text,
        names: "language_model",
        towers: [tower],
        projector: [
          ...projection(`${PROJECTOR}.linear_1`, text.hiddenSize, visionSize, bias),
          ...projection(`${PROJECTOR}.linear_2`, text.hiddenSize, text.hiddenSize, bias),
          ...(newline ? [vector("image_newline", "projector", [text.hiddenSize])] : []),
        ],
      });
    },
  };
}

export const llava = llavaFamily("llava", ["LlavaForConditionalGeneration"], false);
export const llavaNext = llavaFamily("llava_next", ["LlavaNextForConditionalGeneration"], true, "top-alone");
export const llavaOneVision = llavaFamily(
  "llava_onevision",
  ["LlavaOnevisionForConditionalGeneration"],
  true,
);

/** Pixtral tower; the projector merges spatial_merge_size squared patches before its two linears. */
export const mistral3: Family = {
  id: "mistral3",
  modelTypes: ["mistral3"],
  classNames: ["Mistral3ForConditionalGeneration"],
  build: (config, families) => {
    // The class would tie by default; the published files without the key hold a head of their own.
    const text = languageModel(config, families, { modelType: "mistral", ties: "top" });
    const tower = imageEncoder(part(config, "vision_config"), "vision_tower", "pixtral");
    const visionSize = tower.stacks[0]!.hiddenSize;
    const merge = config.int("spatial_merge_size", 2);
    const bias = config.flag("multimodal_projector_bias", false);
    return composite({
      family: "mistral3",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: [
        ...norm(`${PROJECTOR}.norm`, visionSize),
        ...projection(`${PROJECTOR}.patch_merger.merging_layer`, visionSize, visionSize * merge ** 2, false),
        ...projection(`${PROJECTOR}.linear_1`, text.hiddenSize, visionSize * featureLayers(config), bias),
        ...projection(`${PROJECTOR}.linear_2`, text.hiddenSize, text.hiddenSize, bias),
      ].map((tensor) => ({ ...tensor, group: "projector" as const })),
    });
  },
};

/** SigLIP tower; a norm and one matrix without a bias into the text width. */
export const gemma3: Family = {
  id: "gemma3",
  modelTypes: ["gemma3"],
  classNames: ["Gemma3ForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "gemma3_text", ties: "top" });
    const tower = imageEncoder(
      part(config, "vision_config"),
      "vision_tower.vision_model",
      "siglip_vision_model",
    );
    const visionSize = tower.stacks[0]!.hiddenSize;
    return composite({
      family: "gemma3",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: [
        vector(`${PROJECTOR}.mm_input_projection_weight`, "projector", [visionSize, text.hiddenSize]),
        vector(`${PROJECTOR}.mm_soft_emb_norm.weight`, "projector", [visionSize]),
      ],
    });
  },
};

/** SigLIP tower and one biased linear of projection_dim. */
export const paligemma: Family = {
  id: "paligemma",
  modelTypes: ["paligemma"],
  classNames: ["PaliGemmaForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "gemma", ties: "top" });
    const vision = part(config, "vision_config");
    const tower = imageEncoder(vision, "vision_tower.vision_model", "siglip_vision_model");
    const projected = vision.int("projection_dim", config.int("projection_dim", 2048));
    return composite({
      family: "paligemma",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: projection(`${PROJECTOR}.linear`, projected, tower.stacks[0]!.hiddenSize, true),
    });
  },
};

/** Pixel shuffle by scale_factor, then one matrix into the text width. */
export const idefics3: Family = {
  id: "idefics3",
  modelTypes: ["idefics3", "smolvlm"],
  classNames: ["Idefics3ForConditionalGeneration", "SmolVLMForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "llama", ties: "top-alone" });
    const tower = imageEncoder(part(config, "vision_config"), "model.vision_model", "idefics3_vision");
    const scale = config.int("scale_factor", 2);
    return composite({
      family: "idefics3",
      config,
      text,
      names: "unchanged",
      towers: [tower],
      projector: projection(
        "model.connector.modality_projection.proj",
        text.hiddenSize,
        tower.stacks[0]!.hiddenSize * scale ** 2,
        false,
      ),
    });
  },
};
