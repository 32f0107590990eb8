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
