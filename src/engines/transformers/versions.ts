import type { Versioned } from "../versions.ts";

export interface TransformersVersion extends Versioned {
  readonly latentCache: "compressed" | "expanded";
  /** Positions whose logits a prefill computes: all of them before `num_logits_to_keep` came. */
  readonly prefillLogits: "last" | "all";
  /**
   * What is alive twice while the cache grows by a token. `whole`: the cache is a tuple, and the caller holds the
   * old one until forward has returned all of the new one. `layer`: each layer's is replaced in place.
   */
  readonly growth: "whole" | "layer";
}

export const TRANSFORMERS_VERSIONS: readonly [TransformersVersion, ...TransformersVersion[]] = [
  {
    version: "4.0",
    date: "2020-11",
    // generation/utils.py before 4.36: model_inputs keeps past_key_values, a tuple of tensors, over the
    // whole forward
    latentCache: "expanded",
    prefillLogits: "all",
    growth: "whole",
  },
  {
    version: "4.36",
    date: "2023-12",
    // cache_utils.py DynamicCache; forward computes logits of every position
    latentCache: "expanded",
    prefillLogits: "all",
    growth: "layer",
  },
  {
    version: "4.45",
    date: "2024-09",
    // generation/utils.py keeps the last position's logits (logits_to_keep)
    latentCache: "expanded",
    prefillLogits: "last",
    growth: "layer",
  },
  {
    version: "5.0",
    date: "2025-12",
    // modeling_deepseek_v3.py caches before it expands; tensors of 5.18.0 compared in test/engines
    latentCache: "compressed",
    prefillLogits: "last",
    growth: "layer",
  },
];
