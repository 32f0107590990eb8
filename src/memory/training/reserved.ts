/** From tensors to what the device shows: the caching allocator's reserve, libraries, the driver's context. */
import type { Bytes } from "../../units.ts";
import type { Term } from "../term.ts";

const MIB = 2 ** 20;

/**
 * What PyTorch's caching allocator reserves beyond the tensors that are live at the peak: segments are 2 MiB,
 * 20 MiB or the request rounded up to 2 MiB, and freed blocks of other sizes wait for reuse
 * (`c10/cuda/CUDACachingAllocator.cpp`). cuBLAS keeps a workspace of 8.1 MiB, 32 MiB on Hopper, in it.
 *
 * @param transient bytes of tensors that come and go (activations, logits, workspace): what fragments
 */
export function allocatorTerm(transient: Bytes, allocatedBytes: Bytes): Term {
  const bytes = Math.round(transient * FRAGMENTATION.expected + CUBLAS_BYTES);
  return {
    id: "allocator",
    bytes,
    low: CUBLAS_BYTES,
    high: Math.round(transient * FRAGMENTATION.high + 0.02 * allocatedBytes + 4 * CUBLAS_BYTES),
    basis: "modelled",
    formula: "{transient} B of tensors that come and go x {share} + {library} B of library workspace",
    inputs: { transient, share: FRAGMENTATION.expected, library: CUBLAS_BYTES },
  };
}

const CUBLAS_BYTES: Bytes = 20 * MIB;
const FRAGMENTATION = { expected: 0.05, high: 0.25 } as const;

/** Driver context and kernels: 0.5 GiB with lazy loading; communicators come on top of it. */
export function runtimeTerm(world: number): Term {
  const context = 500 * MIB;
  const communicators = world > 1 ? 600 * MIB : 0;
  return {
    id: "runtime",
    bytes: context + communicators,
    low: 300 * MIB + (world > 1 ? 200 * MIB : 0),
    high: 1400 * MIB + (world > 1 ? 1600 * MIB : 0),
    basis: "assumed",
    formula: "{context} B driver context + {communicators} B of NCCL",
    inputs: { context, communicators },
  };
}
