/** Models of the estimate's tests, read from published configs. */
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { MEASURED, modelOf } from "../engines/measured-rows.ts";

/** A model of test/vectors/serving-models.json. */
export function named(config: string): Architecture {
  const model = modelOf(MEASURED.find((row) => row.config === config)!);
  if (typeof model === "string") throw new Error(model);
  return model;
}

const TEXT = {
  hidden_size: 2048,
  intermediate_size: 11008,
  num_hidden_layers: 36,
  num_attention_heads: 16,
  num_key_value_heads: 2,
  vocab_size: 151936,
  max_position_embeddings: 128000,
} as const;

const read = (config: Record<string, unknown>): Architecture => readArchitecture(config, "config.json");

/** One model per way in which images become tokens; sizes from the published configs named. */
export const VISION: Readonly<Record<string, Architecture>> = {
  // Qwen/Qwen2.5-VL-3B-Instruct
  "qwen2.5-vl-3b": read({
    model_type: "qwen2_5_vl",
    ...TEXT,
    tie_word_embeddings: true,
    vision_config: {
      depth: 32,
      hidden_size: 1280,
      intermediate_size: 3420,
      num_heads: 16,
      out_hidden_size: 2048,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
    },
  }),
  // Qwen/Qwen3-VL-2B-Instruct
  "qwen3-vl-2b": read({
    model_type: "qwen3_vl",
    text_config: {
      model_type: "qwen3_vl_text",
      hidden_size: 2048,
      intermediate_size: 6144,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
      head_dim: 128,
      vocab_size: 151936,
      max_position_embeddings: 262144,
    },
    vision_config: {
      depth: 24,
      hidden_size: 1024,
      intermediate_size: 4096,
      num_heads: 16,
      out_hidden_size: 2048,
      patch_size: 16,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      num_position_embeddings: 2304,
      deepstack_visual_indexes: [5, 11, 17],
    },
  }),
  // llava-hf/llava-1.5-7b-hf
  "llava-1.5-7b": read({
    model_type: "llava",
    image_seq_length: 576,
    text_config: { model_type: "llama", max_position_embeddings: 4096, vocab_size: 32064 },
    vision_config: {
      model_type: "clip_vision_model",
      hidden_size: 1024,
      image_size: 336,
      intermediate_size: 4096,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      patch_size: 14,
      projection_dim: 768,
      vocab_size: 32000,
    },
  }),
  // mistralai/Ministral-3-3B-Instruct-2512: a Pixtral tower
  "mistral-small-3.1-24b": named("mistral-small-3.1-24b"),
  "gemma-3-4b": named("gemma-3-4b"),
};
