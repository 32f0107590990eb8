import type { Term } from "../../memory/term.ts";
import type { EngineCard } from "../engine.ts";
import { contextTerm } from "../process-overhead.ts";

/** What the build runs on. */
export type LlamaCppBackend = "cuda" | "vulkan" | "rocm";

const MIB = 2 ** 20;

/** MiB that the driver shows beyond the buffers of the log, right after the load. */
const BESIDE: { readonly [backend in Exclude<LlamaCppBackend, "cuda">]: readonly [number, number, number] } =
  {
    // b9849 and a fork: 5, 9, 10, 14, 17, 30 and 54 MiB on cards of 6 to 24 GB (test/vectors/llama-cpp-loads.json)
    vulkan: [14, 5, 60],
    // 253 or 254 "unaccounted" on each of three MI50 cards of a breakdown table, build of early 2026; band assumed
    rocm: [254, 150, 500],
  };

/**
 * A CUDA context with llama.cpp's kernels, in MiB: the driver keeps the state of every thread that can be resident, so
 * most of it grows with the multiprocessors (registers, local memory and what it takes to interrupt them).
 *
 * Right after a load: 154 on 36 multiprocessors (RTX 5070 Laptop), 297 and 298 on 84 (A40). The context before it, by
 * total less free of the breakdown tables: 113 and 119 on 28 (RTX 3060), 169 on 46 (RTX 4070), 264 and 279 on 82 (RTX
 * 3090), 281 on 84 (RTX 3090 Ti), 472 on 128 (RTX 4090), 561 to 621 on 188 (RTX PRO 6000). After a run: 451 and 456 on
 * 128, 705 to 712 on 188.
 */
function cudaBeside(multiprocessors: number): readonly [number, number, number] {
  const mebibytes = Math.round(60 + 2.85 * multiprocessors);
  return [mebibytes, 0.75 * mebibytes, 1.4 * mebibytes];
}

/**
 * The `runtime` term of a llama.cpp process on one card: the driver's context of CUDA, nearly nothing under Vulkan.
 *
 * @example backendTerm({ backend: "vulkan" }).bytes // 14_680_064 = 14 MiB
 */
export function backendTerm(of: {
  readonly backend: LlamaCppBackend | undefined;
  readonly card?: EngineCard | undefined;
}): Term {
  const { backend = "cuda", card } = of;
  const units = card?.multiprocessors;
  if (backend === "cuda" && units === undefined) return contextTerm(card?.generation);
  const [mebibytes, low, high] = backend === "cuda" ? cudaBeside(units!) : BESIDE[backend];
  return {
    id: "runtime",
    bytes: mebibytes * MIB,
    low: Math.round(low * MIB),
    high: Math.round(high * MIB),
    basis: "modelled",
    formula: "{mebibytes} MiB of the driver beside the buffers",
    inputs: { mebibytes },
  };
}
