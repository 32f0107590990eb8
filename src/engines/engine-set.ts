/** Engines as a page or a program chooses them: what each takes, and what runs it. */
import type { EngineId, EngineResult, ServingInput } from "./engine.ts";
import type { LlamaCppOptions } from "./llama-cpp/serve.ts";
import type { SglangOptions } from "./sglang/setting.ts";
import type { TransformersOptions } from "./transformers/serve.ts";
import type { VllmOptions } from "./vllm/serve.ts";

/** Every engine's options in one record; an engine reads its own and ignores the others. */
export interface EngineInput
  extends ServingInput,
    VllmOptions,
    SglangOptions,
    TransformersOptions,
    LlamaCppOptions {}

/** What a model takes on each device under one engine. The `weights` term is the caller's. */
export type ServeOnEngine = (input: EngineInput) => EngineResult;

/** The engines that an estimator knows. */
export type EngineSet = { readonly [E in EngineId]?: ServeOnEngine };
