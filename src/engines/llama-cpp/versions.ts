import type { Versioned } from "../versions.ts";

export interface LlamaCppVersion extends Versioned {
  /** Whether the head is the first or the last thing that `-ngl` offloads. */
  readonly head: "counts-first" | "counts-last";
  /** Multiple that the context is rounded up to; without flash attention builds of 2025 took 32. */
  readonly padTokens: { readonly flash: number; readonly plain: number };
  readonly latentCache: "latent" | "latent-and-values" | "expanded";
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
  },
  {
    version: "5140",
    date: "2025-04",
    // files with split kv_b keep the latent, and values of its width
    head: "counts-last",
    padTokens: { flash: 256, plain: 32 },
    latentCache: "latent-and-values",
  },
  {
    version: "7000",
    date: "2025-11",
    // llama-model.cpp: start = layers + 1 - ngl; llama-context.cpp: n_ctx padded to 256; no V for latent
    // models
    head: "counts-first",
    padTokens: { flash: 256, plain: 256 },
    latentCache: "latent",
  },
];
