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
export function allocatorTerm(transient: Bytes, allocatedBytes: Bytes, sharded: boolean): Term {
  const share = sharded ? FRAGMENTATION.sharded : FRAGMENTATION.single;
  const bytes = Math.round(transient * share + CUBLAS_BYTES);
  return {
    id: "allocator",
    bytes,
    low: CUBLAS_BYTES,
    high: Math.round(transient * FRAGMENTATION.high + 0.02 * allocatedBytes + 4 * CUBLAS_BYTES),
    basis: "modelled",
    formula: "{transient} B of tensors that come and go x {share} + {library} B of library workspace",
    inputs: { transient, share, library: CUBLAS_BYTES },
  };
}

const CUBLAS_BYTES: Bytes = 20 * MIB;
/**
 * Reserved over allocated, less one, of what comes and goes. One card: 22.3 and 38.9 GB reserved in PEFT's benchmark
 * of Llama-3.2-3B. Sharded, with gathers on a stream of their own: torchtitan's logs, 1.05 to 1.36.
 */
const FRAGMENTATION = { single: 0.07, sharded: 0.15, high: 0.35 } as const;

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
