/** From tensors to what the device shows: the caching allocator's reserve, libraries, the driver's context. */
import type { Bytes } from "../../units.ts";
import type { Term } from "../term.ts";
import type { Sharding } from "./sharding.ts";

const MIB = 2 ** 20;

export interface ReserveInput {
  /** Every phase: the allocator keeps what any of them needed. */
  readonly phases: readonly ReservePhase[];
  /** Allocated bytes of the phase with the most. */
  readonly allocated: Bytes;
  /** Gradients that are not alive at the peak but lie in a pool of their own. */
  readonly pooled: Bytes;
  readonly sharding: Sharding;
  /** Segments that grow in place, in which what is freed joins its neighbours. */
  readonly expandable: boolean;
  /** Batches of changing length, each of which leaves blocks of its own sizes in the cache. */
  readonly variedLengths: boolean;
  /** What the card has for the allocator (`allocatorRoom`): full, it gives its cache back and goes on. */
  readonly limit: Bytes | null;
  /** What a simulated run reserves, tensors and cache; null where none was simulated. */
  readonly simulated: SimulatedReserve | null;
}

export interface SimulatedReserve {
  readonly bytes: Bytes;
  /** What its tensors held at the most: the estimate's own peak, reached another way. */
  readonly allocated: Bytes;
  /** The card was full and the allocator gave cached blocks back. */
  readonly released: boolean;
}

export interface ReservePhase {
  readonly allocated: Bytes;
  /** Bytes of tensors that come and go (activations, logits, workspace): what fragments. */
  readonly transient: Bytes;
  /** Of those, the few large ones whose size follows the batch's length: logits and a layer's workspace. */
  readonly large: Bytes;
}

/**
 * What PyTorch's caching allocator reserves beyond the tensors that are live at the peak: segments are 2 MiB,
 * 20 MiB or the request rounded up to 2 MiB, and freed blocks of other sizes wait for reuse
 * (`c10/cuda/CUDACachingAllocator.cpp`). Pools belong to streams: the gradients that FSDP2 reduces on a stream
 * of its own are never reused for activations. cuBLAS keeps a workspace of 8.1 MiB, 32 MiB on Hopper, in it.
 *
 *     max over phases of (allocated + share x transient + varied x large) - allocated at the peak
 *       + pools of other streams + cuBLAS
 *
 * Where the card is known and holds the tensors, the cache ends with it: before PyTorch raises out of memory it gives back every segment that is wholly
 * free (`release_cached_blocks`) and tries again. A step whose tensors fit is then a step that fits; that pieces which are still
 * in use may hold a segment back is not modelled, only what a simulated run shows of it.
 */
export function allocatorTerm(input: ReserveInput): { readonly term: Term; readonly capped: boolean } {
  const { allocated, pooled, limit } = input;
  const share = fragmentation(input);
  const over = (spread: number, varied: number): Bytes => {
    const reserved = input.phases.map(
      (p) => p.allocated + p.transient * (share + spread) + (input.variedLengths ? p.large * varied : 0),
    );
    return Math.round(Math.max(allocated, ...reserved) - allocated + pooled + CUBLAS_BYTES);
  };
  const room = limit === null ? Number.MAX_SAFE_INTEGER : limit - allocated;
  const expected =
    input.simulated === null
      ? over(0, VARIED.expected)
      : Math.max(0, input.simulated.bytes - allocated) + CUBLAS_BYTES;
  const reuse = Math.min(room, expected);
  const high = over(0.25, VARIED.expected + VARIED.spread) + Math.round(0.02 * allocated) + 3 * CUBLAS_BYTES;
  const pools = Math.min(pooled, reuse - CUBLAS_BYTES);
  const term: Term = {
    id: "allocator",
    bytes: reuse,
    low: CUBLAS_BYTES,
    high: Math.max(reuse, Math.min(room, high)),
    basis: input.variedLengths ? "assumed" : "modelled",
    formula:
      "{reuse} B of freed blocks that wait for reuse + {pooled} B in other pools + {library} B of libraries",
    inputs: { reuse: reuse - pools - CUBLAS_BYTES, pooled: pools, library: CUBLAS_BYTES },
  };
  return { term, capped: expected > room || input.simulated?.released === true };
}

const CUBLAS_BYTES: Bytes = 20 * MIB;

/**
 * Reserved over allocated, less one, of what comes and goes. One card: 22.3 and 38.9 GB reserved in PEFT's benchmark
 * of Llama-3.2-3B. FSDP1, which frees by stream events: 9.84 GB allocated, 10.97 reserved (fsdp_qlora, 2 cards).
 * FSDP2: torchtitan's three logs of Llama 3 8B with compiled layers
 * on 8 and 128 cards (0.139, 0.143 and 0.157). SimpleFSDP makes its copies on the stream that computes (torchtitan pull request
 * 1881: FSDP2 uses two others), so that one pool serves everything, and torchtitan's `run_train.sh` lets it grow in place: half of
 * one card's share, which no reading was used for.
 */
const FRAGMENTATION: { readonly [S in Sharding]: number } = {
  none: 0.07,
  ddp: 0.07,
  zero1: 0.15,
  zero2: 0.15,
  zero3: 0.15,
  fsdp: 0.15,
  fsdp2: 0.14,
  "simple-fsdp": 0.035,
};

/**
 * Segments that grow in place halve it: simulated steps of one length of the real classes' rows reserve 0.12 of what comes and goes
 * beyond it and 0.06 with them (medians over 83 of `training-oracle.json`). FSDP's readings are with such segments already.
 */
function fragmentation({ sharding, expandable }: ReserveInput): number {
  const onePool = sharding === "none" || sharding === "ddp";
  return FRAGMENTATION[sharding] / (expandable && onePool ? 2 : 1);
}

/**
 * Batches of changing length, where no run is simulated (`train-reserve.ts`): a freed block serves the next length only when it is
 * large enough, so the few large tensors leave several copies of themselves. `expected` was read from ms-swift's LoRA rows of
 * Qwen up to 2048 tokens (torch 2.1, one card: 2.5 to 3.0); the simulated runs come to 2.4 without having seen them. The spread
 * stands for an order of samples with more or fewer new longest ones.
 */
const VARIED = { expected: 2.6, spread: 2.6 } as const;

/** Driver context and kernels of a process that loads modules lazily (CUDA 11.7 and later). */
export const CONTEXT_BYTES: Bytes = 500 * MIB;

const communicatorBytes = (world: number): Bytes => (world > 1 ? 600 * MIB : 0);

/**
 * What a card has for PyTorch's allocator beside the driver's context and communicators; null for any card (0), and for one that
 * does not hold the tensors: what they need is then said as on a card that does.
 */
export function allocatorRoom(of: {
  readonly cardBytes: Bytes;
  readonly contextBytes: Bytes;
  readonly world: number;
  readonly allocated: Bytes;
}): Bytes | null {
  if (of.cardBytes === 0) return null;
  const room = of.cardBytes - of.contextBytes - communicatorBytes(of.world);
  return of.allocated + CUBLAS_BYTES <= room ? room : null;
}

/** Driver context and kernels: 0.5 GiB with lazy loading, 1.3 GiB without; communicators come on top of it. */
export function runtimeTerm(world: number, context: Bytes = CONTEXT_BYTES): Term {
  const communicators = communicatorBytes(world);
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
