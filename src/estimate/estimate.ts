import type { Architecture } from "../architecture/model.ts";
import { ENGINES } from "../engines/registry.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { estimateOn } from "./estimator.ts";
import type { EstimateResult } from "./serve.ts";

/**
 * Memory to serve a model, term by term: the pure core of `vram-calc <model>`.
 *
 * @returns devices with their terms, the worst device's total with its band, the effective request and notes
 * @throws unknown-name for a format, an engine or an option that there is not, bad-option for what is of the wrong type or
 * not a whole number from 1, for degrees that the model does not divide by and for 2^53 bytes or more
 * @example estimate(typicalArchitecture(14e9), { dtype: "fp16", weightsOnly: true }).total.bytes // 28_000_000_000
 */
export function estimate(model: Architecture, options: EstimateOptions = {}): EstimateResult {
  return estimateOn(ENGINES, model, options);
}
