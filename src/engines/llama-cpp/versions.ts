import type { Versioned } from "../versions.ts";

export interface LlamaCppVersion extends Versioned {
  /** Whether the head is the first or the last thing that `-ngl` offloads. */
  readonly head: "counts-first" | "counts-last";
  /** Multiple that the context is rounded up to; without flash attention builds of 2025 took 32. */
  readonly padTokens: { readonly flash: number; readonly plain: number };
  readonly latentCache: "latent" | "latent-and-values" | "expanded";
  /** What a graph is reserved for: logits of every token of a micro-batch, or of one per sequence. */
  readonly reservedLogits: "micro-batch" | "sequences";
  /** With flash attention: an F32 mask is sent and cast to F16, or sent in F16. */
  readonly mask: "cast" | "half";
  /** Without flash attention each value is written to a cell of its own index (`ggml_set_rows`). */
  readonly valueIndices: boolean;
  /** silu and product in place, before `ggml_swiglu_split` made a row of its own. */
  readonly gatesInPlace: boolean;
  /** Queries, keys and values of one fused matrix are copied out of its result before they are rotated or stored. */
  readonly copiedParts: boolean;
  /** Layers with a window keep a cache of its length; before, one as long as all others'. */
  readonly windowCache: boolean;
  /** What a quantized cache holds is turned by a Hadamard matrix: queries, keys, values and results have a copy. */
  readonly turnedCache: boolean;
}

const FIRST = {
  version: "1000",
  date: "2023-08",
  // logs of 2024 and early 2025 show K 1464 + V 976 MiB for 512 cells of DeepSeek-V3
  head: "counts-last",
  padTokens: { flash: 256, plain: 32 },
  latentCache: "expanded",
  reservedLogits: "micro-batch",
  mask: "cast",
  valueIndices: false,
  gatesInPlace: true,
  copiedParts: true,
  windowCache: false,
  turnedCache: false,
} as const satisfies LlamaCppVersion;

/** Files with split kv_b keep the latent, and values of its width. */
const B5140 = { ...FIRST, version: "5140", date: "2025-04", latentCache: "latent-and-values" } as const;

/** PR 13194 (20 May): a cache of its own for layers with a window. */
const B5430 = { ...B5140, version: "5430", date: "2025-05", windowCache: true } as const;

/** PR 14158 (June): gated activations are one operation, which does not work in place. */
const B5780 = { ...B5430, version: "5780", date: "2025-06", gatesInPlace: false } as const;

/** PR 15662 (8 September): parts of a fused matrix are read where they lie. */
const B6420 = { ...B5780, version: "6420", date: "2025-09", copiedParts: false } as const;

/** llama-model.cpp: start = layers + 1 - ngl; llama-context.cpp: n_ctx padded to 256; no V for latent models. */
const B7000 = {
  ...B6420,
  version: "7000",
  date: "2025-11",
  head: "counts-first",
  padTokens: { flash: 256, plain: 256 },
  latentCache: "latent",
  valueIndices: true,
} as const;

/** PR 21038 (1 April): heads of a multiple of 64 are turned before they reach a quantized cache. */
const B8600 = { ...B7000, version: "8600", date: "2026-04", turnedCache: true } as const;

/**
 * PR 23764: the mask of flash attention is made in F16; PR 23861: the server reserves logits for its sequences. b9272
 * (22 May) has neither, b9496 both.
 */
const B9400 = {
  ...B8600,
  version: "9400",
  date: "2026-06",
  reservedLogits: "sequences",
  mask: "half",
} as const;

/** Builds by their number, "b7000". Order and dates from the files named; the boundaries are approximate. */
export const LLAMA_CPP_VERSIONS: readonly [LlamaCppVersion, ...LlamaCppVersion[]] = [
  FIRST,
  B5140,
  B5430,
  B5780,
  B6420,
  B7000,
  B8600,
  B9400,
];
