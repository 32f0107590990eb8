/** From tensors to what the device shows: the caching allocator's reserve, libraries, the driver's context. */
import type { Bytes } from "../../units.ts";
import type { Term } from "../term.ts";
import type { Sharding } from "./sharding.ts";

const MIB = 2 ** 20;

export interface ReserveInput {
  /** Bytes of tensors that come and go (activations, logits, workspace): what fragments. */
  readonly transient: Bytes;
  readonly allocated: Bytes;
  /** Gradients that are not alive at the peak but lie in a pool of their own. */
  readonly pooled: Bytes;
  readonly sharding: Sharding;
  /** Batches of changing length, each of which leaves blocks of its own sizes in the cache. */
  readonly variedLengths: boolean;
}

/**
 * What PyTorch's caching allocator reserves beyond the tensors that are live at the peak: segments are 2 MiB,
 * 20 MiB or the request rounded up to 2 MiB, and freed blocks of other sizes wait for reuse
 * (`c10/cuda/CUDACachingAllocator.cpp`). Pools belong to streams: the gradients that FSDP2 reduces on a stream
 * of its own are never reused for activations. cuBLAS keeps a workspace of 8.1 MiB, 32 MiB on Hopper, in it.
 */
export function allocatorTerm(input: ReserveInput): Term {
  const { transient, allocated, pooled } = input;
  const share = FRAGMENTATION[input.sharding] + (input.variedLengths ? VARIED.expected : 0);
  const spread = input.variedLengths ? VARIED.spread : 0.25;
  return {
    id: "allocator",
    bytes: Math.round(transient * share + pooled + CUBLAS_BYTES),
    low: CUBLAS_BYTES,
    high: Math.round(transient * (share + spread) + pooled + 0.02 * allocated + 4 * CUBLAS_BYTES),
    basis: input.variedLengths ? "assumed" : "modelled",
    formula:
      "{transient} B of tensors that come and go x {share} + {pooled} B in other pools + {library} B of libraries",
    inputs: { transient, share, pooled, library: CUBLAS_BYTES },
  };
}

const CUBLAS_BYTES: Bytes = 20 * MIB;

/**
 * Reserved over allocated, less one, of what comes and goes. One card: 22.3 and 38.9 GB reserved in PEFT's benchmark
 * of Llama-3.2-3B. FSDP1, which frees by stream events: 9.84 GB allocated, 10.97 reserved (fsdp_qlora, 2 cards).
 * FSDP2: torchtitan's logs of Llama 3 8B on 8 to 128 cards.
 */
const FRAGMENTATION: { readonly [S in Sharding]: number } = {
  none: 0.07,
  ddp: 0.07,
  zero1: 0.15,
  zero2: 0.15,
  zero3: 0.15,
  fsdp: 0.15,
  fsdp2: 0.1,
};

/**
 * Batches of changing length without a limit on block sizes: ms-swift's benchmark of eight 7B to 34B models (torch 2.1,
 * one card) reserved 0.5 to 3.7 times what comes and goes on top of it, about twice in the middle. The spread is that of
 * the readings: nothing in a configuration tells which.
 */
const VARIED = { expected: 2, spread: 2.5 } as const;

/** Driver context and kernels of a process that loads modules lazily (CUDA 11.7 and later). */
export const CONTEXT_BYTES: Bytes = 500 * MIB;

/** Driver context and kernels: 0.5 GiB with lazy loading, 1.3 GiB without; communicators come on top of it. */
export function runtimeTerm(world: number, context: Bytes = CONTEXT_BYTES): Term {
  const communicators = world > 1 ? 600 * MIB : 0;
  return {
    id: "runtime",
    bytes: context + communicators,
    low: Math.min(context, 300 * MIB) + (world > 1 ? 200 * MIB : 0),
    high: Math.max(context, 1400 * MIB) + (world > 1 ? 1600 * MIB : 0),
    basis: "assumed",
    formula: "{context} B driver context + {communicators} B of NCCL",
    inputs: { context, communicators },
  };
}
