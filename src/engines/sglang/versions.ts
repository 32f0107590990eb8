import { type Bytes, GiB, type Tokens } from "../../units.ts";
import type { Versioned } from "../versions.ts";

const MiB = 2 ** 20;

/** What a card of a size gets where no flag says otherwise. */
export interface Tier {
  /** Cards whose memory, as nvidia-smi prints it, is less than this. */
  readonly below: Bytes;
  readonly chunk: Tokens;
  /** Largest batch that CUDA graphs are captured for, up to three tensor ranks and from four on. */
  readonly graphBatch: readonly [few: number, many: number];
  /** Set aside by size alone, for `reserve: "by-tier"`: MiB, and MiB for each rank. */
  readonly aside?: readonly [base: number, perRank: number];
}

export interface SglangVersion extends Versioned {
  /** How `--mem-fraction-static` comes about: from the ranks, from the card's size, or from what will be used. */
  readonly reserve: "by-ranks" | "by-tier" | "by-use";
  /** Fraction from this many ranks on, most first, for `by-ranks`. */
  readonly rankFractions: readonly (readonly [ranks: number, fraction: number])[];
  readonly tiers: readonly Tier[];
  readonly unknownCard: { readonly chunk: Tokens; readonly graphBatch: number };
  /** Is the prefill captured in graphs of its own unless a flag says no? */
  readonly prefillGraphs: boolean;
  /** What those graphs are counted as for latent attention, which captures 2048 tokens only; absent: by their number. */
  readonly latentPrefillGraphs?: Bytes;
  /** Do layers with a window have a smaller pool of their own? */
  readonly windowPool: boolean;
  /** Requests that run at once by default: at least and at most, with one more slot in early releases. */
  readonly requests: { readonly least: number; readonly most: number };
}

const EVERY = Number.POSITIVE_INFINITY;

const FRACTIONS = (eight: number): SglangVersion["rankFractions"] => [
  [16, 0.79],
  [8, eight],
  [4, 0.85],
  [2, 0.87],
  [1, 0.88],
];

/** `server_args.py` of 0.3: the same on every card. */
const V0_3: SglangVersion = {
  version: "0.3",
  date: "2024-09",
  reserve: "by-ranks",
  rankFractions: FRACTIONS(0.83),
  tiers: [{ below: EVERY, chunk: 8192, graphBatch: [160, 160] }],
  unknownCard: { chunk: 8192, graphBatch: 160 },
  prefillGraphs: false,
  windowPool: false,
  requests: { least: 2049, most: 4097 },
};

/** Change 2044 and 2268: small cards read less at once and capture less. */
const V0_4: SglangVersion = {
  ...V0_3,
  version: "0.4",
  date: "2024-12",
  rankFractions: FRACTIONS(0.81),
  tiers: [
    { below: 25_000 * MiB, chunk: 2048, graphBatch: [8, 80] },
    { below: EVERY, chunk: 8192, graphBatch: [160, 160] },
  ],
};

/** What is set aside is a number for each size of card. */
const V0_4_7: SglangVersion = {
  ...V0_4,
  version: "0.4.7",
  date: "2025-06",
  reserve: "by-tier",
  rankFractions: [],
  tiers: [
    { below: 35 * GiB, chunk: 2048, graphBatch: [8, 80], aside: [2.8 * 1024, 102.4] },
    { below: 90 * GiB, chunk: 8192, graphBatch: [160, 160], aside: [9.5 * 1024, 512] },
    { below: 160 * GiB, chunk: 8192, graphBatch: [256, 256], aside: [12 * 1024, 512] },
    { below: EVERY, chunk: 16_384, graphBatch: [512, 512], aside: [32 * 1024, 0] },
  ],
  unknownCard: { chunk: 4096, graphBatch: 160 },
  requests: { least: 2048, most: 4096 },
};

/** Change 10975: what is set aside follows from the chunk, the graphs and the ranks. */
const V0_5_3: SglangVersion = {
  ...V0_4_7,
  version: "0.5.3",
  date: "2025-10",
  reserve: "by-use",
  tiers: [
    { below: 20 * GiB, chunk: 2048, graphBatch: [8, 8] },
    { below: 35 * GiB, chunk: 2048, graphBatch: [24, 80] },
    { below: 60 * GiB, chunk: 4096, graphBatch: [32, 160] },
    { below: 160 * GiB, chunk: 8192, graphBatch: [256, 512] },
    { below: EVERY, chunk: 16_384, graphBatch: [512, 512] },
  ],
};

/**
 * SGLang's defaults, oldest first. Source of each: `server_args.py` of its time, and the change that brought it.
 *
 * - 0.5.9: change 18039; before it hybrid pools were cut too small, and 0.5.5 switches them off for gpt-oss, Gemma and
 *   Olmo: those releases are sized without them.
 * - 0.5.10: change 16331, prefill graphs by default.
 * - 0.5.20: change 37898, larger chunks and graphs on cards of 20 to 35 GiB.
 */
export const SGLANG_VERSIONS: readonly [SglangVersion, ...SglangVersion[]] = [
  V0_3,
  V0_4,
  V0_4_7,
  V0_5_3,
  { ...V0_5_3, version: "0.5.9", date: "2026-02", windowPool: true },
  { ...V0_5_3, version: "0.5.10", date: "2026-04", windowPool: true, prefillGraphs: true },
  {
    ...V0_5_3,
    version: "0.5.20",
    date: "2026-09",
    windowPool: true,
    prefillGraphs: true,
    latentPrefillGraphs: 1536 * MiB,
    tiers: V0_5_3.tiers.map((tier) =>
      tier.below === 35 * GiB ? { ...tier, chunk: 4096, graphBatch: [48, 160] } : tier,
    ),
  },
];
