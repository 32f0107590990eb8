import type { Versioned } from "../versions.ts";
import type { PoolReport } from "./block-pool.ts";

export interface VllmVersion extends Versioned {
  /** Bytes per vocabulary entry and sequence that the dummy sampler run takes besides the logits themselves. */
  readonly samplerBytes: number;
  /** Memory outside torch that counts against the budget: GiB on one rank, and by tensor ranks. */
  readonly nonTorchGiB: { readonly one: number; readonly pair: number; readonly many: number };
  /** CUDA graphs: GiB for the whole set of captured sizes, and per layer. They lie outside the budget. */
  readonly graphsGiB: { readonly base: number; readonly perLayer: number };
  /**
   * Where limits come from when no flag sets them. `v0`: 256 sequences on every card, and a step holds a whole prompt;
   * `v1`: by card.
   */
  readonly scheduler: "v0" | "v1";
  readonly poolReport: PoolReport;
  /** Layer groups are padded to the larger when it is under this multiple of the smaller. */
  readonly padRatio: number;
}

/**
 * Sampler: a run of max_num_seqs rows sorts and masks the logits. Up to 0.11 that is 38.1 bytes per entry
 * with 2-byte logits on models of 0.6B to 70B alike (and 1.26 GiB at 256 rows in 2024: the same 38.1);
 * by 0.19 it is 14.65, and 16.7 with 4-byte logits, so the logits are apart.
 */
export const VLLM_VERSIONS: readonly [VllmVersion, ...VllmVersion[]] = [
  {
    version: "0.6",
    date: "2024-11",
    // peak activation of six models on an 80 GB H100 at 0.11, llm-d-benchmark; vLLM PR 10511 at 256 rows
    samplerBytes: 36.1,
    nonTorchGiB: { one: 0.13, pair: 0.55, many: 0.6 },
    graphsGiB: { base: 0.1, perLayer: 0 },
    scheduler: "v0",
    poolReport: "per-group",
    padRatio: 1.25,
  },
  {
    version: "0.8",
    date: "2025-03",
    // the V1 engine by default: engine/arg_utils.py `_set_default_args_v1`; the other constants are those
    // of 0.11 above
    samplerBytes: 36.1,
    nonTorchGiB: { one: 0.13, pair: 0.55, many: 0.6 },
    graphsGiB: { base: 0.1, perLayer: 0 },
    scheduler: "v1",
    poolReport: "per-group",
    padRatio: 1.25,
  },
  {
    version: "0.19",
    date: "2026-04",
    // start-up logs of 38 runs on an 80 GB H100 at 0.95, llm-d-planner accuracy/results/v0.19.0
    samplerBytes: 12.65,
    nonTorchGiB: { one: 0.25, pair: 2.08, many: 2.17 },
    graphsGiB: { base: 0.36, perLayer: 0.0155 },
    scheduler: "v1",
    poolReport: "per-group",
    padRatio: 1.5,
  },
  {
    version: "0.20",
    date: "2026-05",
    // v1/core/kv_cache_utils.py of 0.27 counts the pool by concurrency, 0.19 did not; the release between
    // them that changed it is assumed, the other constants are those of 0.19
    samplerBytes: 12.65,
    nonTorchGiB: { one: 0.25, pair: 2.08, many: 2.17 },
    graphsGiB: { base: 0.36, perLayer: 0.0155 },
    scheduler: "v1",
    poolReport: "by-concurrency",
    padRatio: 1.5,
  },
];
