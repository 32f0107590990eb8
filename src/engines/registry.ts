/** Every engine there is. */
import type { EngineId, EngineResult } from "./engine.ts";
import type { EngineInput, EngineSet } from "./engine-set.ts";
import { serveOnLlamaCpp } from "./llama-cpp/serve.ts";
import { serveOnSglang } from "./sglang/serve.ts";
import { serveOnTransformers } from "./transformers/serve.ts";
import { serveOnVllm } from "./vllm/serve.ts";

export const ENGINES: Required<EngineSet> = {
  vllm: serveOnVllm,
  sglang: serveOnSglang,
  transformers: serveOnTransformers,
  "llama.cpp": serveOnLlamaCpp,
};

/** What the model takes on each device under an engine. The `weights` term is the caller's. */
export const serveOn = (engine: EngineId, input: EngineInput): EngineResult => ENGINES[engine](input);
