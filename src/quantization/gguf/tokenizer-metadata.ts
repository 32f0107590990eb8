/** What a GGUF file holds before its tensors: nearly all of it is the tokenizer. */
import type { Architecture } from "../../architecture/model.ts";
import type { Bytes } from "../../units.ts";

/**
 * Bytes per vocabulary entry: text with its length, score and type for SentencePiece; text, type and the
 * merges, two texts each, for byte-pair vocabularies. Measured as file size minus tensor bytes of
 * published files: Llama-3.1-8B 7.84 MB / 128,256; Qwen3-0.6B 5.95 MB / 151,936; gpt-oss-20b 13.0 MB /
 * 201,088; Mistral-7B-v0.1 0.735 MB / 32,000; TinyLlama (with merges) 1.71 MB / 32,000.
 */
const BYTES_PER_TOKEN = {
  "llama-3": 61,
  qwen: 39,
  "gpt-oss": 65,
  bpe: 55,
  sentencepiece: 23,
  "sentencepiece-merges": 53,
} as const;

export type TokenizerKind = keyof typeof BYTES_PER_TOKEN;

/** Tokenizers whose metadata is sized. */
export const TOKENIZER_KINDS = Object.keys(BYTES_PER_TOKEN) as readonly TokenizerKind[];

/** Families whose large vocabulary is SentencePiece without merges. */
const SENTENCEPIECE = /^(gemma|paligemma|t5gemma|baichuan|internlm|xlm)/;

/** The tokenizer that a model of this vocabulary usually has. */
export function usualTokenizer(model: Architecture): TokenizerKind {
  const { vocabSize, modelType } = model;
  if (SENTENCEPIECE.test(modelType)) return "sentencepiece";
  if (vocabSize === 128_256) return "llama-3";
  if (vocabSize === 201_088) return "gpt-oss";
  if (modelType.startsWith("qwen") || (vocabSize >= 151_643 && vocabSize <= 152_064)) return "qwen";
  return vocabSize > 40_000 ? "bpe" : "sentencepiece";
}

/**
 * Header bytes of a GGUF file of this model: vocabulary x bytes per entry of its tokenizer.
 *
 * @example metadataBytes(llama_3_1_8b, "llama-3") // 7_823_616 = 128,256 x 61
 */
export function metadataBytes(model: Architecture, tokenizer: TokenizerKind): Bytes {
  return model.vocabSize * BYTES_PER_TOKEN[tokenizer];
}
