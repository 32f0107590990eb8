/** Which formats of weights and caches a runtime reads, and which of them fit. */
import { type Runtime, runtimeOf } from "../engines/engine-name.ts";
import { estimate } from "../estimate/estimate.ts";
import type { EstimateResult } from "../estimate/serve.ts";
import type { Bytes } from "../units.ts";
import { headroomOf } from "./headroom.ts";
import type { SolveInput } from "./inverse.ts";

/** What files of quantized weights are commonly offered in, for each runtime; best first. */
const WEIGHT_FORMATS: { readonly [R in Runtime]: readonly string[] } = {
  generic: ["bf16", "fp8", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq4_xs", "q3_k_m", "q2_k", "iq2_xs"],
  "llama.cpp": [
    "bf16",
    "q8_0",
    "q6_k",
    "q5_k_m",
    "q4_k_m",
    "iq4_xs",
    "q3_k_m",
    "iq3_xxs",
    "q2_k",
    "iq2_xs",
    "iq1_m",
  ],
  vllm: ["bf16", "fp8", "w8a8", "nvfp4", "awq-4bit-g128", "gptq-4bit-g128", "mxfp4"],
  sglang: ["bf16", "fp8", "w8a8", "nvfp4", "awq-4bit-g128", "gptq-4bit-g128", "mxfp4"],
  transformers: ["bf16", "int8", "awq-4bit-g128", "gptq-4bit-g128", "nf4", "nf4-dq", "hqq-3bit-g64"],
};

/** Formats that the cache can step down to, gentlest first: engines read no others. */
const CACHE_FORMATS: { readonly [R in Runtime]: readonly string[] } = {
  generic: ["fp8", "q4_0"],
  "llama.cpp": ["q8_0", "q5_1", "q4_0"],
  vllm: ["fp8"],
  sglang: ["fp8"],
  transformers: [],
};

/** Names of weight formats to try on an engine, best first. */
export const weightFormatsOf = (engine: string | undefined): readonly string[] =>
  WEIGHT_FORMATS[runtimeOf(engine)];

/** Names of cache formats to step down to on an engine, gentlest first. */
export const cacheFormatsOf = (engine: string | undefined): readonly string[] =>
  CACHE_FORMATS[runtimeOf(engine)];

/** One format tried. */
export interface FormatAnswer {
  readonly dtype: string;
  /** Bytes of the weights on the worst device. */
  readonly weightBytes: Bytes;
  /** What the worst device needs in all. */
  readonly bytes: Bytes;
  readonly headroom: number;
  readonly fits: boolean;
}

/**
 * The formats with what they need, the one with the most bytes first: that is the best, and the first one
 * that fits is the answer. `undefined` stands for the weights as published.
 */
export function formatsThatFit(
  { model, options, budgetBytes }: SolveInput,
  formats: readonly (string | undefined)[],
): readonly FormatAnswer[] {
  return formats
    .map((dtype): FormatAnswer => {
      const result = estimate(model, dtype === undefined ? options : { ...options, dtype });
      const headroom = headroomOf(result, budgetBytes);
      const weightBytes = heaviestWeights(result);
      const { bytes } = result.total;
      return { dtype: result.request.dtype, weightBytes, bytes, headroom, fits: headroom >= 0 };
    })
    .sort((a, b) => b.bytes - a.bytes || b.weightBytes - a.weightBytes);
}

/** Bytes of the weights on the device that holds the most of them. */
export function heaviestWeights({ devices }: Pick<EstimateResult, "devices">): Bytes {
  let most = 0;
  for (const { terms } of devices)
    for (const term of terms) if (term.id === "weights" && term.bytes > most) most = term.bytes;
  return most;
}

/**
 * Formats to try on a model: all of the engine's, or, when its files are quantized already, those files and
 * what is smaller than them.
 */
export function candidateFormats({
  model,
  options,
}: Omit<SolveInput, "budgetBytes">): readonly (string | undefined)[] {
  const names = weightFormatsOf(options.engine);
  const { stored } = options;
  if (stored === undefined) return names;
  const published = stored.bytesOf(model);
  const bytesIn = (dtype: string): Bytes => estimate(model, { dtype, weightsOnly: true }).total.bytes;
  return [undefined, ...names.filter((dtype) => dtype !== stored.id && bytesIn(dtype) < published)];
}
