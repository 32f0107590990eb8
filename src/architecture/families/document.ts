/** Readers of pages and of videos: GOT-OCR, PaddleOCR-VL, DeepSeek-VL with two encoders, VideoLLaMA 3. */

import { part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { overriding, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { convolution, norm, vector } from "../tensors.ts";
import { imageEncoder, SIGLIP_SO400M, siglipVision, type TowerBuilder } from "../towers/image-encoders.ts";
import { samNeck, samVision } from "../towers/sam-vision.ts";
import { inGroup } from "../towers/tower.ts";

const conv = (name: string, shape: readonly number[]): Tensor[] =>
  convolution({ name, group: "projector", shape });

/** Segment Anything's encoder, whose channels two strided convolutions double, and one square matrix. */
export const gotOcr2 = compositeFamily({
  id: "got_ocr2",
  classNames: ["GotOcr2ForConditionalGeneration"],
  modelTypes: ["got_ocr2", "pp_chart2table"],
  text: { modelType: "qwen2", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [samVision(part(config, "vision_config"), "model.vision_tower")],
  projector: ({ config, textSize }) => {
    const channels = part(config, "vision_config").int("output_channels", 256);
    const at = (name: string): string => `model.multi_modal_projector.${name}`;
    return [
      ...conv(`${at("conv_upsampler1")}`, [2 * channels, channels, 3, 3]),
      ...conv(`${at("conv_upsampler2")}`, [textSize, 2 * channels, 3, 3]),
      ...projection(at("multimodal_projector"), textSize, textSize, true),
    ];
  },
});

/** SigLIP without a head; 2 x 2 patches through a norm and two matrices. The text may stand at the top. */
export const paddleOcrVl = compositeFamily({
  id: "paddleocr_vl",
  classNames: ["PaddleOCRVLForConditionalGeneration"],
  text: {
    modelType: "ernie4_5",
    readAs: "ernie4_5",
    tied: true,
    ties: "either",
    defaults: {
      vocab_size: 103_424,
      hidden_size: 1024,
      intermediate_size: 3072,
      num_hidden_layers: 18,
      num_attention_heads: 16,
      num_key_value_heads: 2,
      head_dim: 128,
    },
  },
  names: "model.language_model",
  towers: (config) => [siglipWithoutHead(part(config, "vision_config"), "model.visual.vision_model")],
  projector: ({ config, textSize, visionSize }) => {
    const merged = visionSize * part(config, "vision_config").int("spatial_merge_size", 2) ** 2;
    return [
      ...inGroup("projector", norm("model.projector.pre_norm", visionSize, "bias")),
      ...projection("model.projector.linear_1", merged, merged, true),
      ...projection("model.projector.linear_2", textSize, merged, true),
    ];
  },
});

const siglipWithoutHead: TowerBuilder = (config, prefix) =>
  siglipVision(withDefaults(overriding(config, { vision_use_head: false }), SIGLIP_SO400M), prefix);

/** SigLIP for the gist and Segment Anything for the detail, each into half of the text width. */
export const deepseekVlHybrid = compositeFamily({
  id: "deepseek_vl_hybrid",
  classNames: ["DeepseekVLHybridForConditionalGeneration"],
  text: { modelType: "llama", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [
    imageEncoder(part(config, "vision_config"), "model.vision_model", "siglip_vision_model"),
    samVision(part(config, "high_res_vision_config"), "model.high_res_vision_model.vision_encoder"),
  ],
  projector: ({ config, textSize, visionSize }) => {
    const sam = part(config, "high_res_vision_config");
    const channels = sam.int("output_channels", 256);
    const half = Math.floor(textSize / 2);
    return [
      vector("model.high_res_vision_alpha", "projector", [1]),
      ...inGroup("projector", samNeck("model.high_res_vision_neck", channels, sam.int("hidden_size", 768))),
      ...conv("model.high_res_vision_proj.conv1", [2 * channels, channels, 3, 3]),
      ...conv("model.high_res_vision_proj.conv2", [4 * channels, 2 * channels, 3, 3]),
      ...projection("model.aligner.vision_proj", half, visionSize, true),
      ...projection("model.aligner.high_res_vision_proj", half, 4 * channels, true),
      ...projection("model.aligner.proj", textSize, textSize, true),
    ];
  },
});

/** SigLIP's layers over patches of any number: no positions of their own. */
export const videoLlama3Vision: TowerBuilder = (config, prefix) => {
  const tower = siglipWithoutHead(
    withDefaults(config, {
      hidden_size: 768,
      intermediate_size: 3072,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      patch_size: 16,
    }),
    prefix,
  );
  return { ...tower, tensors: tower.tensors.filter(({ role }) => role !== "position-embedding") };
};

/** Two linears behind the tower. */
export const videoLlama3 = compositeFamily({
  id: "video_llama_3",
  classNames: ["VideoLlama3ForConditionalGeneration"],
  text: { modelType: "qwen2", ties: "either" },
  names: "model.language_model",
  towers: (config) => [videoLlama3Vision(part(config, "vision_config"), "model.vision_model")],
  projector: ({ textSize, visionSize }) => [
    ...projection("model.projector.readout.0", textSize, visionSize, true),
    ...projection("model.projector.readout.2", textSize, textSize, true),
  ],
});
