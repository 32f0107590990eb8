/** Which option belongs to which engine. */
import { VramCalcError } from "../errors.ts";
import { checkOptions, type OptionKinds } from "../known-options.ts";
import { ENGINE_IDS, type EngineId } from "./engine.ts";
import type { LlamaCppOptions } from "./llama-cpp/serve.ts";
import type { SglangOptions } from "./sglang/setting.ts";
import type { TransformersOptions } from "./transformers/serve.ts";
import type { VllmOptions } from "./vllm/serve.ts";

/** The options that each engine has; those of `ServingInput` are everybody's. */
const OPTIONS: {
  readonly vllm: Omit<OptionKinds<VllmOptions>, "format" | "version" | "sparseBackend">;
  readonly sglang: OptionKinds<SglangOptions>;
  readonly transformers: OptionKinds<TransformersOptions>;
  readonly "llama.cpp": OptionKinds<LlamaCppOptions>;
} = {
  vllm: {
    gpuMemoryUtilization: "share",
    maxNumSeqs: 1,
    maxBatchedTokens: 1,
    enforceEager: "boolean",
    blockTokens: 1,
    stateBytes: 1,
    speculativeTokens: 0,
    prefixCaching: "boolean",
    hybridManager: "boolean",
    flashinferSampler: "boolean",
    kvCacheMemoryBytes: 1,
    numGpuBlocks: 1,
  },
  sglang: {
    memFractionStatic: "share",
    // -1 reads prompts whole.
    chunkedPrefillTokens: "number",
    maxRunningRequests: 1,
    maxTotalTokens: 1,
    pageTokens: 1,
    graphMaxBatch: 1,
    disableCudaGraph: "boolean",
    disablePrefillGraphs: "boolean",
    disableRadixCache: "boolean",
    swaFullTokensRatio: "share",
    stateSlots: 1,
    stateShare: "number",
    stateFormat: ["float32", "bfloat16", "float16"],
  },
  transformers: { attention: ["flash", "sdpa", "eager"], promptTokens: 1, cache: ["dynamic", "static"] },
  "llama.cpp": {
    gpuLayers: 0,
    tensorSplit: "list",
    cpuExpertLayers: 0,
    cpuExperts: "boolean",
    hostCache: "boolean",
    batchTokens: 1,
    flashAttention: "boolean",
    ubatchTokens: 1,
    unified: "boolean",
    swaFull: "boolean",
    projector: "boolean",
    speculativeTokens: 0,
    backend: ["cuda", "vulkan", "rocm"],
  },
};

/**
 * Refuses an option of another engine, or of any where there is none (null): it would be ignored; one that no engine
 * has, and a value that an option cannot have.
 *
 * @throws bad-option, unknown-name
 */
export function checkEngineOptions(
  engine: EngineId | null,
  options: Readonly<Record<string, unknown>>,
): void {
  const has = (id: EngineId, name: string): boolean => Object.hasOwn(OPTIONS[id], name);
  for (const name of Object.keys(options)) {
    if (engine !== null && has(engine, name)) continue;
    const owner = ENGINE_IDS.find((id) => has(id, name));
    if (engine !== null && owner === undefined) continue;
    throw new VramCalcError("bad-option", {
      option: "--set",
      given: `${name} for ${engine ?? "the generic engine"}`,
      expected: `--engine ${owner ?? ENGINE_IDS.join(", ")} with it`,
    });
  }
  if (engine !== null) checkOptions(options, OPTIONS[engine], engine);
}
