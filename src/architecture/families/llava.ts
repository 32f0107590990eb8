/** An image encoder, a projector and a language model: LLaVA and its relatives. */

import { part, projection, type TieRule } from "../composite.ts";
import { type CompositeParts, compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { norm, vector } from "../tensors.ts";
import { imageEncoder } from "../towers/image-encoders.ts";
import { inGroup, type Tower } from "../towers/tower.ts";

/** Layers whose features the projector reads side by side: one, or as many as are listed. */
function featureLayers(config: ConfigReader, key: string, otherwise: number): number {
  const listed = config.raw[key];
  if (!Array.isArray(listed)) return otherwise;
  if (listed.length === 0 || listed.length > 1000) config.fail(key, "one to 1,000 layers");
  return listed.length;
}

const at = (name: string): string => `multi_modal_projector.${name}`;

/** The image encoder that `vision_config` names, at a module path. */
export const encoderAt =
  (prefix: string, fallback: string) =>
  (config: ConfigReader): readonly Tower[] => [imageEncoder(part(config, "vision_config"), prefix, fallback)];

/** lin(d, h) and lin(h, h), d the features of the listed layers side by side. */
function twoLinears({ config, textSize, visionSize }: CompositeParts): Tensor[] {
  const bias = config.flag("multimodal_projector_bias", true);
  const features = visionSize * featureLayers(config, "vision_feature_layer", 1);
  return [
    ...projection(at("linear_1"), textSize, features, bias),
    ...projection(at("linear_2"), textSize, textSize, bias),
  ];
}

/** Two linears of the text width; LLaVA-NeXT adds a vector that marks the end of an image row. */
function llavaFamily(
  id: string,
  className: string,
  options: { readonly newline?: true; readonly ties?: TieRule } = {},
): Family {
  return compositeFamily({
    id,
    classNames: [className],
    text: { modelType: "llama", ties: options.ties ?? "either" },
    names: "language_model",
    towers: encoderAt("vision_tower.vision_model", "clip_vision_model"),
    projector: (parts) => [
      ...twoLinears(parts),
      ...(options.newline === true ? [vector("image_newline", "projector", [parts.textSize])] : []),
    ],
  });
}

export const llava = llavaFamily("llava", "LlavaForConditionalGeneration");
export const llavaNext = llavaFamily("llava_next", "LlavaNextForConditionalGeneration", {
  newline: true,
  ties: "top-alone",
});
export const llavaNextVideo = llavaFamily("llava_next_video", "LlavaNextVideoForConditionalGeneration", {
  newline: true,
});
export const llavaOneVision = llavaFamily("llava_onevision", "LlavaOnevisionForConditionalGeneration", {
  newline: true,
});

/** Two encoders of one config, for images and for the frames of a video. */
export const videoLlava = compositeFamily({
  id: "video_llava",
  classNames: ["VideoLlavaForConditionalGeneration"],
  text: { modelType: "llama", ties: "top-alone" },
  names: "language_model",
  towers: (config) =>
    ["image_tower", "video_tower"].flatMap((prefix) => encoderAt(prefix, "clip_vision_model")(config)),
  projector: twoLinears,
});

/** Features of five layers, normalised before the two linears. */
export const vipLlava = compositeFamily({
  id: "vipllava",
  classNames: ["VipLlavaForConditionalGeneration"],
  text: { modelType: "llama", ties: "top-alone" },
  names: "language_model",
  towers: encoderAt("vision_tower.vision_model", "clip_vision_model"),
  projector: ({ config, textSize, visionSize }) => {
    const single = typeof config.raw.vision_feature_layers === "number" ? 1 : 5;
    const features = visionSize * featureLayers(config, "vision_feature_layers", single);
    return [
      ...inGroup("projector", norm(at("projector_layernorm"), features, "bias")),
      ...projection(at("linear_1"), textSize, features, true),
      ...projection(at("linear_2"), textSize, textSize, true),
    ];
  },
});

/** RMSNorm, spatial_merge_size squared patches merged into one, then two linears. */
function mergingProjector(at: (name: string) => string, features: (config: ConfigReader) => number) {
  return ({ config, textSize, visionSize }: CompositeParts): Tensor[] => {
    const merge = config.int("spatial_merge_size", 2);
    const bias = config.flag("multimodal_projector_bias", false);
    return inGroup("projector", [
      ...norm(at("norm"), visionSize),
      ...projection(at("patch_merger.merging_layer"), visionSize, visionSize * merge ** 2, false),
      ...projection(at("linear_1"), textSize, visionSize * features(config), bias),
      ...projection(at("linear_2"), textSize, textSize, bias),
    ]);
  };
}

export const mistral3 = compositeFamily({
  id: "mistral3",
  classNames: ["Mistral3ForConditionalGeneration"],
  // The class would tie by default; the published files without the key hold a head of their own.
  text: { modelType: "mistral", ties: "top" },
  names: "language_model",
  towers: encoderAt("vision_tower", "pixtral"),
  projector: mergingProjector(at, (config) => featureLayers(config, "vision_feature_layer", 1)),
});

export const lightOnOcr = compositeFamily({
  id: "lighton_ocr",
  classNames: ["LightOnOcrForConditionalGeneration"],
  text: { modelType: "qwen3", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: encoderAt("model.vision_encoder", "pixtral"),
  projector: mergingProjector(
    (name) => `model.vision_projection.${name}`,
    () => 1,
  ),
});

/** SigLIP tower; a norm and one matrix without a bias into the text width. */
export const gemma3 = compositeFamily({
  id: "gemma3",
  modelTypes: ["gemma3", "shieldgemma2"],
  classNames: ["Gemma3ForConditionalGeneration", "ShieldGemma2ForImageClassification"],
  text: { modelType: "gemma3_text", ties: "top" },
  names: "language_model",
  towers: encoderAt("vision_tower.vision_model", "siglip_vision_model"),
  projector: ({ textSize, visionSize }) => [
    vector(at("mm_input_projection_weight"), "projector", [visionSize, textSize]),
    vector(at("mm_soft_emb_norm.weight"), "projector", [visionSize]),
  ],
});

/** SigLIP tower and one biased linear of projection_dim. */
export const paligemma = compositeFamily({
  id: "paligemma",
  classNames: ["PaliGemmaForConditionalGeneration"],
  text: { modelType: "gemma", ties: "top" },
  names: "language_model",
  towers: encoderAt("vision_tower.vision_model", "siglip_vision_model"),
  projector: ({ config, visionSize }) => {
    const projected = part(config, "vision_config").int("projection_dim", config.int("projection_dim", 2048));
    return projection(at("linear"), projected, visionSize, true);
  },
});

/** Pixel shuffle by scale_factor, then one matrix into the text width. */
export const idefics3 = compositeFamily({
  id: "idefics3",
  modelTypes: ["idefics3", "smolvlm"],
  classNames: ["Idefics3ForConditionalGeneration", "SmolVLMForConditionalGeneration"],
  text: { modelType: "llama", ties: "top-alone" },
  names: "unchanged",
  towers: encoderAt("model.vision_model", "idefics3_vision"),
  projector: ({ config, textSize, visionSize }) =>
    projection(
      "model.connector.modality_projection.proj",
      textSize,
      visionSize * config.int("scale_factor", 2) ** 2,
      false,
    ),
});

/** SigLIP with its pooling head, and two biased linears. */
export const deepseekVl = compositeFamily({
  id: "deepseek_vl",
  classNames: ["DeepseekVLForConditionalGeneration"],
  text: { modelType: "llama", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: encoderAt("model.vision_model", "siglip_vision_model"),
  projector: ({ textSize, visionSize }) => [
    ...projection("model.aligner.linear1", textSize, visionSize, true),
    ...projection("model.aligner.linear2", textSize, textSize, true),
  ],
});
