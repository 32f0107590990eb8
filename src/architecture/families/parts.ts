/** Parts of composites published by themselves: their towers, and their language models without a head. */
import { type LanguageModelOptions, languageModel } from "../composite.ts";
import { withDefaults } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { withoutHead } from "../headless.ts";
import { towerFamily } from "../tower-family.ts";
import { gemma3nAudio, gemma4Audio } from "../towers/gemma-audio.ts";
import { gemma4Vision } from "../towers/gemma-vision.ts";
import { glmOcrVision, glmVision } from "../towers/glm-vision.ts";
import { idefics3Vision, pixtralVision, siglip2Vision, type TowerBuilder } from "../towers/image-encoders.ts";
import { internVisionNative } from "../towers/intern-vision.ts";
import { moonVision, museVision } from "../towers/moon-vision.ts";
import { qwen3AudioTower } from "../towers/qwen-audio.ts";
import { qwen2Vision, qwen3Vision, qwen25Vision, qwen35Vision } from "../towers/qwen-vision.ts";
import { samVision } from "../towers/sam-vision.ts";
import { whisperTower } from "../towers/whisper-encoder.ts";
import { videoLlama3Vision } from "./document.ts";
import {
  COSMOS_EDGE_TEXT,
  cosmosEdgeVision,
  minicpmVision,
  qianfanVision,
  stepVision,
} from "./merged-patches.ts";
import {
  exaone45Vision,
  GLM_OCR_TEXT,
  GLM4V_MOE_TEXT,
  GLM4V_TEXT,
  QWEN2_VL_TEXT,
  QWEN3_VL_MOE_TEXT,
  QWEN3_VL_TEXT,
} from "./qwen-vl.ts";

/** Whisper's encoder at the sizes of large-v3. */
const whisperLarge =
  (keys: readonly [hidden: string, layers: string, heads: string, width: string]): TowerBuilder =>
  (config, prefix) => {
    const [hidden, layers, heads, width] = keys;
    return whisperTower(
      withDefaults(config, {
        [hidden]: 1280,
        [layers]: 32,
        [heads]: 20,
        [width]: 5120,
        num_mel_bins: 128,
      }),
      prefix,
    );
  };

/** Where a tower is published under the path of the composite, the path is part of its names. */
const TOWERS: { readonly [modelType: string]: readonly [TowerBuilder, prefix: string] } = {
  qwen2_vl_vision: [qwen2Vision, "visual"],
  qwen2_5_vl_vision: [qwen25Vision, "visual"],
  qwen3_vl_vision: [qwen3Vision, "visual"],
  qwen3_vl_moe_vision: [qwen3Vision, "visual"],
  qwen3_5_vision: [qwen35Vision, "visual"],
  qwen3_5_moe_vision: [qwen35Vision, "visual"],
  qwen4_exp_vision: [qwen35Vision, "visual"],
  cohere_compass_vision: [qwen3Vision, "visual"],
  exaone4_5_vision: [exaone45Vision, "visual"],
  glm4v_vision: [glmVision, "visual"],
  glm4v_moe_vision: [glmVision, "visual"],
  glm_ocr_vision: [glmOcrVision, "visual"],
  siglip2_vision_model: [siglip2Vision, "vision_model"],
  pixtral: [pixtralVision, "vision_tower"],
  idefics3_vision: [idefics3Vision, "vision_model"],
  smolvlm_vision: [idefics3Vision, "vision_model"],
  internvl_vision: [internVisionNative, "vision_tower"],
  sam_vision_model: [samVision, "vision_encoder"],
  qianfan_ocr_vision: [qianfanVision, "vision_tower"],
  minicpmv4_6_vision: [minicpmVision, "vision_tower"],
  minicpmv4_7_vision: [minicpmVision, "vision_tower"],
  step3p5_vision: [stepVision, "vision_model"],
  cosmos3_edge_vision: [cosmosEdgeVision, "visual"],
  video_llama_3_vision: [videoLlama3Vision, "vision_model"],
  kimi_k25_vision: [moonVision, "vision_tower"],
  muse_glimmer_vision: [museVision, "vision_tower"],
  gemma4_vision: [gemma4Vision, "vision_tower"],
  gemma4_audio: [gemma4Audio, "audio_tower"],
  gemma3n_audio: [gemma3nAudio, "audio_tower"],
  // Its two projections belong to the composite.
  qwen3_asr_encoder: [
    (config, prefix) => {
      const tower = qwen3AudioTower(config, prefix);
      return { ...tower, tensors: tower.tensors.filter(({ name }) => !name.includes(".proj")) };
    },
    "audio_tower",
  ],
  qwen2_audio_encoder: [
    whisperLarge(["d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim"]),
    "audio_tower",
  ],
  voxtral_encoder: [
    whisperLarge(["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]),
    "audio_tower",
  ],
};

/** A text class that has no head of its own, read as its composite reads it. */
function headlessText(id: string, className: string, options: LanguageModelOptions): Family {
  return {
    id,
    modelTypes: [id],
    classNames: [className],
    build: (config, families) => ({
      ...withoutHead(languageModel(config, families, options), className),
      family: id,
      modelType: id,
    }),
  };
}

export const PARTS: readonly Family[] = [
  ...Object.entries(TOWERS).map(([id, [tower, prefix]]) => towerFamily({ id, tower, prefix })),
  headlessText("qwen2_vl_text", "Qwen2VLTextModel", QWEN2_VL_TEXT),
  headlessText("qwen2_5_vl_text", "Qwen2_5_VLTextModel", QWEN2_VL_TEXT),
  headlessText("qwen3_vl_text", "Qwen3VLTextModel", QWEN3_VL_TEXT),
  headlessText("qwen3_vl_moe_text", "Qwen3VLMoeTextModel", QWEN3_VL_MOE_TEXT),
  headlessText("glm4v_text", "Glm4vTextModel", GLM4V_TEXT),
  headlessText("glm4v_moe_text", "Glm4vMoeTextModel", GLM4V_MOE_TEXT),
  headlessText("cosmos3_edge_text", "Cosmos3EdgeTextModel", COSMOS_EDGE_TEXT),
  headlessText("glm_ocr_text", "GlmOcrTextModel", GLM_OCR_TEXT),
];
