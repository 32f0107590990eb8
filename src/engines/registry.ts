import { nearestNames, VramCalcError } from "../errors.ts";
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

const ALIASES: { readonly [name: string]: EngineId } = {
  hf: "transformers",
  llamacpp: "llama.cpp",
  "llama-cpp": "llama.cpp",
  ollama: "llama.cpp",
  koboldcpp: "llama.cpp",
};

export interface EngineName {
  readonly engine: EngineId;
  readonly version?: string;
}

/** As releases, builds and logs print it: 0.19, v0.8.5.post1, b6400, 0.22.1rc1, 0.20.1.dev1+g0012cf6. */
const VERSION = /^[bv]?\d+(\.\d+)*([.-]?(dev|post|rc|a|b)\d*)*(\+[\w.]+)?$/;

/**
 * Reads `--engine`: a name, with `@version` for older constants.
 *
 * @throws unknown-name
 * @example parseEngine("vllm@0.11") // { engine: "vllm", version: "0.11" }
 */
export function parseEngine(text: string): EngineName {
  const [name = "", version] = text.trim().toLowerCase().split("@", 2);
  const engine = ENGINE_IDS.find((id) => id === name) ?? ALIASES[name];
  if (engine === undefined)
    throw new VramCalcError("unknown-name", {
      kind: "engine",
      name,
      nearest: nearestNames(name, ENGINE_IDS),
      hint: `engines are generic, ${ENGINE_IDS.join(", ")}`,
    });
  if (version === undefined) return { engine };
  if (!VERSION.test(version))
    throw new VramCalcError("bad-option", {
      option: "--engine",
      given: text,
      expected: "an engine, or one at a version such as vllm@0.19",
    });
  return { engine, version: version.replace(/^v/, "") };
}
