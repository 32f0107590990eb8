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
  /** Layers with a window keep a cache of its length; before, one as long as all others'. */
  readonly windowCache: boolean;
}

/** Builds by their number, "b7000". Order and dates from the files named; the boundaries are approximate. */
export const LLAMA_CPP_VERSIONS: readonly [LlamaCppVersion, ...LlamaCppVersion[]] = [
  {
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
    windowCache: false,
  },
  {
    version: "5140",
    date: "2025-04",
    // files with split kv_b keep the latent, and values of its width
    head: "counts-last",
    padTokens: { flash: 256, plain: 32 },
    latentCache: "latent-and-values",
    reservedLogits: "micro-batch",
    mask: "cast",
    valueIndices: false,
    gatesInPlace: true,
    windowCache: false,
  },
  {
    version: "5430",
    date: "2025-05",
    // PR 13194 (20 May): a cache of its own for layers with a window
    head: "counts-last",
    padTokens: { flash: 256, plain: 32 },
    latentCache: "latent-and-values",
    reservedLogits: "micro-batch",
    mask: "cast",
    valueIndices: false,
    gatesInPlace: true,
    windowCache: true,
  },
  {
    version: "5780",
    date: "2025-06",
    // PR 14158 (June): gated activations are one operation, which does not work in place
    head: "counts-last",
    padTokens: { flash: 256, plain: 32 },
    latentCache: "latent-and-values",
    reservedLogits: "micro-batch",
    mask: "cast",
    valueIndices: false,
    gatesInPlace: false,
    windowCache: true,
  },
  {
    version: "7000",
    date: "2025-11",
    // llama-model.cpp: start = layers + 1 - ngl; llama-context.cpp: n_ctx padded to 256; no V for latent
    // models
    head: "counts-first",
    padTokens: { flash: 256, plain: 256 },
    latentCache: "latent",
    reservedLogits: "micro-batch",
    mask: "cast",
    valueIndices: true,
    gatesInPlace: false,
    windowCache: true,
  },
  {
    version: "9400",
    date: "2026-06",
    // PR 23764: the mask of flash attention is made in F16; PR 23861: the server reserves logits for its
    // sequences. b9272 (22 May) has neither, b9496 both
    head: "counts-first",
    padTokens: { flash: 256, plain: 256 },
    latentCache: "latent",
    reservedLogits: "sequences",
    mask: "half",
    valueIndices: true,
    gatesInPlace: false,
    windowCache: true,
  },
];
