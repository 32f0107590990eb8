import type { Architecture } from "../architecture/model.ts";
import { estimate } from "./estimate.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { idleServingOptions } from "./idle-serving.ts";
import type { EstimateResult } from "./serve.ts";

/**
 * `estimate`, with the options that changed nothing among its notes: what people and scripts are told. A search asks for
 * sizes alone, and a page that loads the estimate does without.
 */
export function estimateNoted(model: Architecture, options: EstimateOptions): EstimateResult {
  const result = estimate(model, options);
  const idle = idleServingOptions(model, options);
  return idle.length === 0 ? result : { ...result, notes: [...result.notes, ...idle] };
}
