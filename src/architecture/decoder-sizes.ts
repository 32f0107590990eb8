/** The sizes that every decoder config states, under the many names that classes give their keys. */
import { type ConfigReader, readHeads } from "./config-reader.ts";

export interface DecoderSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

export interface DecoderDefaults {
  /** `tie_word_embeddings` of the class. */
  readonly tied: boolean;
  /** KV heads of the class when the key is absent; else the query heads. */
  readonly kvHeads?: number;
  /** Head size of the class when the key is absent; else hidden / heads. */
  readonly headDim?: number;
}

/** Names of each size across configs, the usual one first. */
export const HIDDEN_KEYS = ["hidden_size", "n_embd", "n_embed", "d_model", "dim"] as const;
export const LAYER_KEYS = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"] as const;
export const POSITION_KEYS = [
  "max_position_embeddings",
  "n_positions",
  "n_ctx",
  "max_seq_len",
  "seq_length",
  "max_sequence_length",
] as const;
export const WIDTH_KEYS = ["intermediate_size", "n_inner", "ffn_hidden_size", "ffn_dim", "d_ff"] as const;

/** The six numbers that every decoder config states, under any of their names. */
export function readDecoderSizes(config: ConfigReader, defaults: DecoderDefaults): DecoderSizes {
  const hiddenSize = config.int(HIDDEN_KEYS);
  return {
    hiddenSize,
    layers: config.layers(LAYER_KEYS),
    vocabSize: config.int(["vocab_size", "padded_vocab_size"]),
    ...readHeads(config, { ...defaults, hiddenSize }),
  };
}
