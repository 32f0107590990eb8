import type { Versioned } from "../versions.ts";

export interface TransformersVersion extends Versioned {
  readonly latentCache: "compressed" | "expanded";
  /** Positions whose logits a prefill computes: all of them before `num_logits_to_keep` came. */
  readonly prefillLogits: "last" | "all";
}

export const TRANSFORMERS_VERSIONS: readonly [TransformersVersion, ...TransformersVersion[]] = [
  {
    version: "4.36",
    date: "2023-12",
    // cache_utils.py DynamicCache; forward computes logits of every position
    latentCache: "expanded",
    prefillLogits: "all",
  },
  {
    version: "4.45",
    date: "2024-09",
    // generation/utils.py keeps the last position's logits (logits_to_keep)
    latentCache: "expanded",
    prefillLogits: "last",
  },
  {
    version: "5.0",
    date: "2025-12",
    // modeling_deepseek_v3.py caches before it expands; tensors of 5.18.0 compared in test/engines
    latentCache: "compressed",
    prefillLogits: "last",
  },
];
