/** Which option belongs to which engine. */
import { VramCalcError } from "../errors.ts";
import { ENGINE_IDS, type EngineId } from "./engine.ts";
import type { LlamaCppOptions } from "./llama-cpp/serve.ts";
import type { SglangOptions } from "./sglang/setting.ts";
import type { TransformersOptions } from "./transformers/serve.ts";
import type { VllmOptions } from "./vllm/serve.ts";

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
  sglang: [
    "memFractionStatic",
    "chunkedPrefillTokens",
    "maxRunningRequests",
    "maxTotalTokens",
    "pageTokens",
    "graphMaxBatch",
    "disableCudaGraph",
    "disablePrefillGraphs",
    "disableRadixCache",
    "swaFullTokensRatio",
    "stateSlots",
    "stateShare",
    "stateFormat",
  ],
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
