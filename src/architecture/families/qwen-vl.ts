/** Qwen with pictures and video: a patch-merging tower in front of a Qwen2, Qwen3 or Qwen3.5 decoder. */
import { type LanguageModelOptions, part, type TextNames } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { withDefaults } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { glmOcrVision, glmVision } from "../towers/glm-vision.ts";
import type { TowerBuilder } from "../towers/image-encoders.ts";
import { qwen2Vision, qwen3Vision, qwen25Vision, qwen35Vision } from "../towers/qwen-vision.ts";

interface Row {
  readonly id: string;
  readonly modelTypes?: readonly string[];
  readonly className: string;
  /** Classes of the same layout under its other model types. */
  readonly also?: readonly string[];
  readonly text: LanguageModelOptions;
  readonly names: TextNames;
  readonly tower: TowerBuilder;
  readonly prefix: string;
}

const family = ({ className, also = [], tower, prefix, ...row }: Row): Family =>
  compositeFamily({
    ...row,
    classNames: [className, ...also],
    towers: (config) => [tower(part(config, "vision_config"), prefix)],
  });

export const QWEN2_VL_TEXT = {
  modelType: "qwen2",
  readAs: "qwen2",
  ties: "either",
  defaults: {
    hidden_size: 8192,
    intermediate_size: 29_568,
    num_hidden_layers: 80,
    num_attention_heads: 64,
    num_key_value_heads: 8,
    vocab_size: 152_064,
  },
} as const;

export const qwen2Vl = family({
  id: "qwen2_vl",
  className: "Qwen2VLForConditionalGeneration",
  text: QWEN2_VL_TEXT,
  names: "unchanged",
  tower: qwen2Vision,
  prefix: "visual",
});

export const qwen25Vl = family({
  id: "qwen2_5_vl",
  className: "Qwen2_5_VLForConditionalGeneration",
  text: QWEN2_VL_TEXT,
  names: "unchanged",
  tower: qwen25Vision,
  prefix: "visual",
});

const NEW_NAMES = { names: "model.language_model", prefix: "model.visual" } as const;

export const QWEN3_VL_TEXT: LanguageModelOptions = {
  modelType: "qwen3",
  readAs: "qwen3",
  ties: "top-alone",
  defaults: {
    hidden_size: 4096,
    intermediate_size: 22_016,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    vocab_size: 151_936,
    max_position_embeddings: 128_000,
  },
};

export const qwen3Vl = family({
  id: "qwen3_vl",
  modelTypes: ["qwen3_vl", "cosmos3_omni"],
  className: "Qwen3VLForConditionalGeneration",
  also: ["Cosmos3OmniForConditionalGeneration"],
  text: QWEN3_VL_TEXT,
  tower: qwen3Vision,
  ...NEW_NAMES,
});

export const QWEN3_VL_MOE_TEXT: LanguageModelOptions = {
  modelType: "qwen3_moe",
  readAs: "qwen3_moe",
  ties: "top-alone",
  defaults: {
    hidden_size: 2048,
    intermediate_size: 5632,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    num_key_value_heads: 16,
    vocab_size: 151_936,
    max_position_embeddings: 128_000,
    moe_intermediate_size: 1408,
    num_experts: 60,
    num_experts_per_tok: 4,
  },
};

export const qwen3VlMoe = family({
  id: "qwen3_vl_moe",
  className: "Qwen3VLMoeForConditionalGeneration",
  text: QWEN3_VL_MOE_TEXT,
  tower: qwen3Vision,
  ...NEW_NAMES,
});

export const qwen35 = family({
  id: "qwen3_5",
  className: "Qwen3_5ForConditionalGeneration",
  text: { modelType: "qwen3_5_text", readAs: "qwen3_5_text", ties: "top-alone" },
  tower: qwen35Vision,
  ...NEW_NAMES,
});

export const qwen35Moe = family({
  id: "qwen3_5_moe",
  className: "Qwen3_5MoeForConditionalGeneration",
  text: { modelType: "qwen3_5_moe_text", readAs: "qwen3_5_moe_text", ties: "top-alone" },
  tower: qwen35Vision,
  ...NEW_NAMES,
});

/** The text class biases q, k and v whatever attention_bias says, and takes hidden / heads without a head_dim. */
export const GLM4V_TEXT: LanguageModelOptions = {
  modelType: "glm4",
  readAs: "glm4",
  ties: "either",
  defaults: { head_dim: null },
  fixed: { attention_bias: true },
};

export const glm4v = family({
  id: "glm4v",
  modelTypes: ["glm4v", "glm46v", "glmga"],
  className: "Glm4vForConditionalGeneration",
  also: ["Glm46VForConditionalGeneration"],
  text: GLM4V_TEXT,
  tower: glmVision,
  ...NEW_NAMES,
});

/** GLM-4.5V. */
export const GLM4V_MOE_TEXT: LanguageModelOptions = {
  modelType: "glm4_moe",
  readAs: "glm4_moe",
  ties: "either",
  defaults: { vocab_size: 151_424, attention_bias: true },
  fixed: { use_qk_norm: false },
};

export const glm4vMoe = family({
  id: "glm4v_moe",
  className: "Glm4vMoeForConditionalGeneration",
  text: GLM4V_MOE_TEXT,
  tower: glmVision,
  ...NEW_NAMES,
});

/** GLM-4's norms around both sublayers over 16 layers, with heads of 128 whatever their number. */
export const GLM_OCR_TEXT: LanguageModelOptions = {
  modelType: "glm4",
  readAs: "glm4",
  ties: "either",
  defaults: {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 16,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: null,
    vocab_size: 59_392,
    max_position_embeddings: 131_072,
  },
  fixed: { attention_bias: false },
};

export const glmOcr = family({
  id: "glm_ocr",
  className: "GlmOcrForConditionalGeneration",
  text: GLM_OCR_TEXT,
  tower: glmOcrVision,
  ...NEW_NAMES,
});

/** Qwen2.5-VL's tower with fewer heads of keys than of queries. */
export const exaone45Vision: TowerBuilder = (config, prefix) =>
  qwen25Vision(withDefaults(config, { hidden_size: 3584, num_key_value_heads: 8 }), prefix);

export const exaone45 = family({
  id: "exaone4_5",
  className: "Exaone4_5_ForConditionalGeneration",
  text: { modelType: "exaone4", ties: "top-alone" },
  tower: exaone45Vision,
  ...NEW_NAMES,
});
