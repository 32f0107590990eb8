import type { Versioned } from "../versions.ts";
import type { PoolReport } from "./block-pool.ts";

/** Limits of the API server on a card that no flag speaks of. */
interface CardLimits {
  readonly sequences: number;
  readonly tokens: number;
}

/**
 * Where the limits come from when no flag sets them. `v0`: the same sequences on every card, and a step holds a whole
 * prompt, or a chunk of one longer than 32,768; `v1`: by card.
 */
export type SchedulerDefaults =
  | {
      readonly engine: "v0";
      readonly sequences: number;
      readonly chunk: {
        readonly tokens: number;
        /** Is a profile run in chunks sampled from? */
        readonly sampled: boolean;
      };
    }
  | {
      readonly engine: "v1";
      readonly largeCards: LargeCards;
      readonly large: CardLimits;
      readonly other: CardLimits;
    };

/** Cards with the larger limits: H100 and H200 by name; 70 GiB and more; of those, all but the A100. */
export type LargeCards = "hopper" | "70-gib" | "70-gib-no-ampere";

export interface VllmVersion extends Versioned {
  /** Bytes per vocabulary entry and sequence that the dummy sampler run takes besides the logits themselves. */
  readonly samplerBytes: number;
  /** Memory outside torch that the process takes after its start: GiB on one rank, and by tensor ranks. */
  readonly nonTorchGiB: { readonly one: number; readonly pair: number; readonly many: number };
  /**
   * What counts against the budget besides weights, peak and pool. `growth`: what was taken outside torch since the
   * start; `card`: all that is used on the card and not torch's, the driver context too.
   */
  readonly outside: "growth" | "card";
  /** CUDA graphs: GiB for the whole set of captured sizes, and per layer with all of `ALL_CAPTURES`. */
  readonly graphsGiB: { readonly base: number; readonly perLayer: number };
  /** Are graphs captured on trial before the pool is cut, and counted against the budget? */
  readonly graphsInBudget: boolean;
  /** `--gpu-memory-utilization` when it is not given. */
  readonly utilization: number;
  readonly scheduler: SchedulerDefaults;
  readonly poolReport: PoolReport;
  /** Steps whose tokens a window keeps besides itself: two where one is scheduled before the last is settled. */
  readonly batchesInFlight: number;
  /** Layer groups are padded to the larger when it is under this multiple of the smaller. */
  readonly padRatio: number;
}

const SMALL: CardLimits = { sequences: 256, tokens: 2048 };
const LARGE: CardLimits = { sequences: 1024, tokens: 8192 };
const byCard = (largeCards: LargeCards, other: CardLimits = SMALL): SchedulerDefaults => ({
  engine: "v1",
  largeCards,
  large: LARGE,
  other,
});

/**
 * PyTorch's sampler sorts and masks the rows: 38.1 bytes per entry with 2-byte logits on models of 0.6B to 70B alike at 0.11
 * (peak activation of six models on an 80 GB H100, llm-d-benchmark), the same 38.1 of the 1.26 GiB at 256 rows in 2024 (PR
 * 10511).
 */
export const NATIVE_SAMPLER = 36.1;

/**
 * FlashInfer's sorts nothing: 14.65 bytes at 0.19, and 16.7 with 4-byte logits, so the logits are apart. Where it is
 * installed 0.10 has it too: Qwen2-7B on an A100 at 0.25 has 93,872 tokens, which 14.65 bytes leave and 38.1 do not.
 */
export const FLASHINFER_SAMPLER = 12.65;

const FIRST: VllmVersion = {
  version: "0.6",
  date: "2024-10",
  samplerBytes: NATIVE_SAMPLER,
  nonTorchGiB: { one: 0.13, pair: 0.55, many: 0.6 },
  // PR 9352: the card's used bytes less those that torch has allocated
  outside: "card",
  graphsGiB: { base: 0.1, perLayer: 0 },
  graphsInBudget: false,
  utilization: 0.9,
  // chunks of 512 before PR 10544; Llama-3.1-8B at 35,000 tokens shows a peak of 0.06 GiB (issue 10517), where 256 rows of
  // logits would take 1.2
  scheduler: { engine: "v0", sequences: 256, chunk: { tokens: 512, sampled: false } },
  poolReport: "per-group",
  batchesInFlight: 1,
  padRatio: 1.25,
};

const GROWING: VllmVersion = {
  ...FIRST,
  version: "0.6.5",
  date: "2024-12",
  // PR 10511 measures against a look before the weights are loaded; PR 10544: chunks of 2048. The 81,536 tokens of a 14B
  // over two cards at 131,072 (issue 13061) leave 1.42 GiB for the rank that samples: 256 rows take 1.44
  outside: "growth",
  scheduler: { engine: "v0", sequences: 256, chunk: { tokens: 2048, sampled: true } },
};

const V1: VllmVersion = {
  ...FIRST,
  version: "0.8",
  date: "2025-03",
  // the V1 engine by default, whose worker looks at the whole card (PR 10528); 1024 sequences everywhere (PR 12369
  // raised the tokens on H100 and H200)
  scheduler: byCard("hopper", { ...SMALL, sequences: 1024 }),
};

/** Start-up logs of 38 runs on an 80 GB H100 at 0.95, llm-d-planner accuracy/results/v0.19.0. */
const LOGGED: VllmVersion = {
  ...V1,
  version: "0.19",
  date: "2026-04",
  outside: "growth",
  scheduler: byCard("70-gib-no-ampere"),
  samplerBytes: FLASHINFER_SAMPLER,
  nonTorchGiB: { one: 0.25, pair: 2.08, many: 2.17 },
  graphsGiB: { base: 0.36, perLayer: 0.0155 },
  padRatio: 1.5,
};

/**
 * PR 38284, in 0.20.0 though its log says 0.21: graphs are captured on trial and counted, and the default utilization
 * rises for it.
 */
const COUNTED: VllmVersion = {
  ...LOGGED,
  version: "0.20",
  date: "2026-04",
  graphsInBudget: true,
  // as its log estimates them on an RTX PRO 6000: 0.98 GiB for Llama-3.3-70B, 0.59 for StarCoder2-15B. Then 0.47 for
  // Qwen2.5-7B on an RTX 4080, where a log says 0.48; 0.22 for Qwen3.6-35B-A3B with 6 captures, where one says 0.19
  graphsGiB: { base: 0.2, perLayer: 0.00975 },
  utilization: 0.92,
};

/** v1/core/kv_cache_utils.py counts the pool by concurrency: logs of 0.21.0 and later do, 0.20.0's count per group. */
const BY_CONCURRENCY: VllmVersion = {
  ...COUNTED,
  version: "0.21",
  date: "2026-05",
  poolReport: "by-concurrency",
};

export const VLLM_VERSIONS: readonly [VllmVersion, ...VllmVersion[]] = [
  FIRST,
  GROWING,
  V1,
  // PR 16158: back to 256 sequences on other cards
  { ...V1, version: "0.8.4", date: "2025-04", scheduler: byCard("hopper") },
  // PR 17073: by memory, not by name
  { ...V1, version: "0.8.5", date: "2025-04", scheduler: byCard("70-gib") },
  // PR 17885: A100 left out
  { ...V1, version: "0.9", date: "2025-05", scheduler: byCard("70-gib-no-ampere") },
  // PRs 18974 and 19312: V0's measuring, what was taken since the start
  { ...V1, version: "0.9.2", date: "2025-07", outside: "growth", scheduler: byCard("70-gib-no-ampere") },
  // v1/core/kv_cache_utils.py
  {
    ...V1,
    version: "0.14",
    date: "2026-01",
    outside: "growth",
    scheduler: byCard("70-gib-no-ampere"),
    padRatio: 1.5,
  },
  // Llama-3.3-70B in NVFP4 leaves 2.27 GiB for its peak and what lies outside torch on an RTX PRO 6000: 2.20 with the
  // constants of 0.19, 4.95 with those of 0.11; between 0.11 and 0.17 nothing was read
  { ...LOGGED, version: "0.17", date: "2026-03" },
  LOGGED,
  COUNTED,
  BY_CONCURRENCY,
  // only DeepSeek V4 is laid out otherwise: compressed-layout.ts
  { ...BY_CONCURRENCY, version: "0.23", date: "2026-06" },
  // PR 47728. Issue 54703: a window of 512 in blocks of 32 with 16,384 tokens a step takes 1,041 = (511 + 32,768) / 32 + 1
  { ...BY_CONCURRENCY, version: "0.26", date: "2026-07", batchesInFlight: 2 },
  { ...BY_CONCURRENCY, version: "0.27", date: "2026-08", batchesInFlight: 2 },
];
