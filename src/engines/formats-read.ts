/** Which formats each engine reads, for a note where an asked one is not known to be among them. */
import type { Note } from "../architecture/model.ts";
import type { EngineId } from "./engine.ts";

interface Reads {
  readonly weights: RegExp;
  readonly cache: RegExp;
}

const SIXTEEN = "fp16|bf16|fp32";
/** Formats of files that only their own loaders read. */
const FOREIGN = "(?!exl[23]|mlx)";

/** From each engine's loaders: vLLM 0.27, SGLang 0.5, transformers 5.18, llama.cpp b7000. */
const READS: { readonly [E in EngineId]: Reads } = {
  vllm: {
    weights: new RegExp(`^${FOREIGN}`),
    cache: new RegExp(`^(${SIXTEEN}|fp8|nvfp4|turboquant_\\w+|\\w+_per_token_head)$`),
  },
  sglang: { weights: new RegExp(`^${FOREIGN}`), cache: new RegExp(`^(${SIXTEEN}|fp8|nvfp4)$`) },
  transformers: {
    weights: new RegExp(`^${FOREIGN}`),
    cache: new RegExp(`^(${SIXTEEN}|quanto_int\\d|hqq_int\\d)$`),
  },
  "llama.cpp": {
    weights: new RegExp(
      `^(gguf_)?(${SIXTEEN}|f16|f32|(i|t)?q\\d\\w*|mxfp4\\w*|(ggml_)?nvfp4)(-imatrix)?$`,
      "i",
    ),
    cache: new RegExp(`^(${SIXTEEN}|q8_0|q5_1|q5_0|q4_1|q4_0|iq4_nl)$`),
  },
};

/** Notes on formats that the engine is not known to read; they are sized as they say all the same. */
export function unreadFormats(
  engine: EngineId,
  asked: { readonly weights: string | undefined; readonly cache: string },
): readonly Note[] {
  const { weights, cache } = READS[engine];
  const notes: Note[] = [];
  const unread = (what: string, format: string): void => {
    notes.push({
      code: "format-not-read",
      message: `${engine} is not known to read ${what} in ${format}: the figure is what the format takes`,
      details: { engine, format },
    });
  };
  if (asked.weights !== undefined && !weights.test(asked.weights)) unread("weights", asked.weights);
  for (const format of new Set(asked.cache.split("/"))) if (!cache.test(format)) unread("a cache", format);
  return notes;
}
