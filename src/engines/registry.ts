import { VramCalcError } from "../errors.ts";
import { ENGINE_IDS, type EngineId, type EngineResult, type ServingInput } from "./engine.ts";
import { type LlamaCppOptions, serveOnLlamaCpp } from "./llama-cpp/serve.ts";
import { type SglangOptions, serveOnSglang } from "./sglang/serve.ts";
import { serveOnTransformers, type TransformersOptions } from "./transformers/serve.ts";
import { serveOnVllm, type VllmOptions } from "./vllm/serve.ts";

/** Every engine's options in one record; an engine reads its own and ignores the others. */
export interface EngineInput
  extends ServingInput,
    VllmOptions,
    SglangOptions,
    TransformersOptions,
    LlamaCppOptions {}

/** What the model takes on each device under an engine. The `weights` term is the caller's. */
export function serveOn(engine: EngineId, input: EngineInput): EngineResult {
  switch (engine) {
    case "vllm":
      return serveOnVllm(input);
    case "sglang":
      return serveOnSglang(input);
    case "transformers":
      return serveOnTransformers(input);
    case "llama.cpp":
      return serveOnLlamaCpp(input);
  }
}

/** The options that each engine has; those of `ServingInput` are everybody's. */
const OPTIONS: {
  readonly vllm: readonly Exclude<keyof VllmOptions, "format">[];
  readonly sglang: readonly (keyof SglangOptions)[];
  readonly transformers: readonly (keyof TransformersOptions)[];
  readonly "llama.cpp": readonly (keyof LlamaCppOptions)[];
} = {
  vllm: [
    "gpuMemoryUtilization",
    "maxNumSeqs",
    "maxBatchedTokens",
    "enforceEager",
    "blockTokens",
    "stateBytes",
    "speculativeTokens",
    "prefixCaching",
    "hybridManager",
    "flashinferSampler",
    "kvCacheMemoryBytes",
    "numGpuBlocks",
  ],
  sglang: ["memFractionStatic", "swaFullTokensRatio", "chunkedPrefillTokens", "disableRadixCache"],
  transformers: ["attention", "promptTokens", "cache"],
  "llama.cpp": [
    "gpuLayers",
    "tensorSplit",
    "cpuExpertLayers",
    "cpuExperts",
    "hostCache",
    "batchTokens",
    "flashAttention",
    "ubatchTokens",
    "unified",
    "swaFull",
    "projector",
    "speculativeTokens",
    "backend",
  ],
};

/**
 * Refuses an option of another engine, or of any where there is none (null): it would be ignored.
 *
 * @throws bad-option
 */
export function checkEngineOptions(
  engine: EngineId | null,
  options: Readonly<Record<string, unknown>>,
): void {
  const has = (id: EngineId, name: string): boolean => (OPTIONS[id] as readonly string[]).includes(name);
  for (const name of Object.keys(options)) {
    if (engine !== null && has(engine, name)) continue;
    const owner = ENGINE_IDS.find((id) => has(id, name));
    throw new VramCalcError("bad-option", {
      option: "--set",
      given: `${name} for ${engine ?? "the generic engine"}`,
      expected:
        owner !== undefined
          ? `--engine ${owner} with it`
          : engine === null
            ? "an engine beside it: --engine vllm, sglang, transformers or llama.cpp"
            : `an option of ${engine}: ${OPTIONS[engine].join(", ")}`,
    });
  }
}
