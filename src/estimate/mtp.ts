/** Multi-token-prediction layers, loaded to propose tokens. */
import type { Architecture } from "../architecture/model.ts";
import type { EngineId } from "../engines/engine.ts";
import { VramCalcError } from "../errors.ts";
import { predictionCache, predictionWeights } from "../memory/prediction-layers.ts";
import type { Term } from "../memory/term.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import type { Prepared } from "./prepare.ts";

const MOST_TOKENS = 64;

/** Classes whose prediction layers llama.cpp runs, since May 2026 (b9842, src/models: a graph_mtp). */
const IN_LLAMA_CPP = /^qwen3_5/;

/**
 * Checks that prediction layers can be loaded.
 *
 * @throws bad-option for a model without them, an engine that leaves them in the file, or no number of tokens
 */
export function checkMtp(model: Architecture, options: EstimateOptions, engine: EngineId | null): void {
  const { mtp } = options;
  if (mtp === undefined) return;
  const fail = (given: string, expected: string): never => {
    throw new VramCalcError("bad-option", { option: "--mtp", given, expected });
  };
  if (!Number.isSafeInteger(mtp) || mtp < 1 || mtp > MOST_TOKENS)
    fail(String(mtp), `a number of proposed tokens from 1 to ${MOST_TOKENS}`);
  if (!model.stacks.some((stack) => stack.role === "mtp"))
    fail(
      `a ${model.family} model`,
      "a model with multi-token-prediction layers; --draft takes a second model",
    );
  if (engine === "transformers" || (engine === "llama.cpp" && !IN_LLAMA_CPP.test(model.modelType)))
    fail(`--engine ${engine}`, "generic, vllm or sglang: this engine leaves prediction layers in the file");
}

/** Flags that make an engine's own terms count the layers: vLLM's cache of them, llama.cpp's states to go back to. */
export function mtpFlags(
  options: EstimateOptions,
  engine: EngineId | null,
): { readonly speculativeTokens?: number } {
  return options.mtp === undefined || (engine !== "vllm" && engine !== "llama.cpp")
    ? {}
    : { speculativeTokens: options.mtp };
}

/** Weights of the layers on a device, and their cache where the engine's own terms leave it out. */
export function mtpTerms(
  held: Architecture,
  at: {
    readonly options: EstimateOptions;
    readonly prepared: Prepared;
    readonly engine: EngineId | null;
    readonly sequences: number;
  },
): readonly Term[] {
  const { prepared, sequences } = at;
  if (at.options.mtp === undefined) return [];
  const weights = predictionWeights(held, prepared.storage);
  if (weights === null) return [];
  if (prepared.weightsOnly || at.engine === "vllm") return [weights];
  const { contextTokens, cacheFormat: format } = prepared;
  return [weights, ...predictionCache(held, { contextTokens, sequences, format })];
}
