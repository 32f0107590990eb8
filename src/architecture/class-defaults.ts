/**
 * What a model class assumes for keys that a config leaves out.
 *
 * A published config.json states its sizes, so at the top of a file a missing size is an error. A nested
 * `text_config` is written without the keys that equal the class default (`PreTrainedConfig.to_diff_dict`
 * of transformers), so there the class default is what the author meant.
 */

import { type ConfigReader, readConfig } from "./config-reader.ts";
import { HIDDEN_KEYS, LAYER_KEYS, WIDTH_KEYS } from "./decoder-sizes.ts";
import type { Note } from "./model.ts";

/** Hidden size, MLP width, layers, query heads, vocabulary: the first five keys of every decoder class. */
export type ClassSizes = readonly [
  hiddenSize: number,
  width: number,
  layers: number,
  heads: number,
  vocab: number,
];

const SIZE_KEYS: readonly (readonly string[])[] = [
  HIDDEN_KEYS,
  WIDTH_KEYS,
  LAYER_KEYS,
  ["num_attention_heads", "n_head", "n_heads", "num_heads"],
  ["vocab_size", "padded_vocab_size"],
];

export interface Completed {
  readonly config: ConfigReader;
  readonly notes: readonly Note[];
}

/** Fills the sizes that a nested config leaves to its class; a config at the top of a file is unchanged. */
export function withClassSizes(config: ConfigReader, sizes: ClassSizes | undefined): Completed {
  if (config.parent === undefined || sizes === undefined) return { config, notes: [] };
  const filled: Record<string, unknown> = {};
  SIZE_KEYS.forEach((keys, i) => {
    if (!config.has(keys)) filled[keys[0]!] = sizes[i]!;
  });
  const keys = Object.keys(filled);
  if (keys.length === 0) return { config, notes: [] };
  const at = { path: config.path, parent: config.parent };
  return {
    config: readConfig({ ...config.raw, ...filled }, config.file, at),
    notes: [
      {
        code: "class-defaults",
        message: `${config.path} leaves ${keys.join(", ")} to its class, whose values are used`,
        details: Object.fromEntries(keys.map((key) => [key, filled[key] as number])),
      },
    ],
  };
}

/**
 * `max_position_embeddings` of the text classes that composites nest, from their configuration classes in
 * transformers 5.18. The published gemma-3-4b-it states none: its class says 131,072.
 */
const CLASS_POSITIONS: { readonly [modelType: string]: number } = {
  llama: 2048,
  mistral: 131_072,
  ministral3: 262_144,
  mixtral: 131_072,
  mistral4: 1_048_576,
  qwen2: 32_768,
  qwen2_moe: 32_768,
  qwen3: 32_768,
  qwen3_moe: 32_768,
  qwen3_next: 32_768,
  qwen3_5_text: 32_768,
  qwen3_5_moe_text: 32_768,
  gemma: 8192,
  gemma2: 8192,
  gemma3_text: 131_072,
  gemma3n_text: 32_768,
  gemma4_text: 131_072,
  cohere2: 8192,
  glm4: 131_072,
  glm4_moe: 131_072,
  deepseek_v3: 4096,
  llama4_text: 131_072,
  mllama_text_model: 131_072,
  lfm2: 128_000,
  lfm2_moe: 128_000,
  minimax_m3_vl_text: 524_288,
  granite: 2048,
  phi3: 4096,
  smollm3: 32_768,
  gpt_oss: 131_072,
  muse_glimmer_text: 131_072,
};

/** Positions that a nested config without the key has by its class; none for a config at the top of a file. */
export function classPositions(config: ConfigReader): number | undefined {
  const modelType = config.optionalText("model_type");
  if (config.parent === undefined || modelType === undefined) return undefined;
  return Object.hasOwn(CLASS_POSITIONS, modelType) ? CLASS_POSITIONS[modelType] : undefined;
}
