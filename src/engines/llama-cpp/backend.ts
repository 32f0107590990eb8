import type { Term } from "../../memory/term.ts";
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
 * The `runtime` term of a llama.cpp process on one card: the driver's context of CUDA, nearly nothing under Vulkan.
 *
 * @example backendTerm({ backend: "vulkan" }).bytes // 14_680_064 = 14 MiB
 */
export function backendTerm(of: {
  readonly backend: LlamaCppBackend | undefined;
  readonly generation?: string | undefined;
}): Term {
  if (of.backend === undefined || of.backend === "cuda") return contextTerm(of.generation);
  const [bytes, low, high] = BESIDE[of.backend];
  return {
    id: "runtime",
    bytes: bytes * MIB,
    low: low * MIB,
    high: high * MIB,
    basis: "modelled",
    formula: "{mebibytes} MiB of the driver beside the buffers",
    inputs: { mebibytes: bytes },
  };
}
