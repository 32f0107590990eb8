/** What a CUDA process holds outside any tensor: context, communicators, library workspaces. */
import type { Term } from "../memory/term.ts";
import type { Degrees } from "../parallelism/degrees.ts";
import type { Bytes } from "../units.ts";

const MIB = 2 ** 20;

interface ContextRow {
  readonly generation: string;
  readonly bytes: Bytes;
  readonly low: Bytes;
  readonly high: Bytes;
}

/** Driver context with lazily loaded kernels (the default from CUDA 12.2 on Linux), by card generation. */
const CONTEXTS: readonly ContextRow[] = [
  {
    generation: "hopper",
    bytes: 522 * MIB,
    low: 400 * MIB,
    high: 700 * MIB,
    // 0.51 GiB of a vLLM process on an H100, CUDA 12, lazy loading (llm-d capacity planner study)
  },
  {
    generation: "ampere",
    bytes: 358 * MIB,
    low: 250 * MIB,
    high: 600 * MIB,
    // 0.35 GiB outside torch on an RTX 3090 (vLLM issue 10517)
  },
  {
    generation: "ada",
    bytes: 343 * MIB,
    low: 250 * MIB,
    high: 600 * MIB,
    // 0.27 GiB of an SGLang process on each of four L4, 0.40 on each of two RTX 4090, less what its ranks talk with
    // (rows sglang-qwq-32b-4xl4 and sglang-qwen3.5-9b-2x4090 of serving-sglang.json)
  },
  {
    generation: "volta",
    bytes: 400 * MIB,
    low: 300 * MIB,
    high: 1343 * MIB,
    // high: 1343 MiB on a V100, CUDA 11.2 with eager loading (Hugging Face BERT page); low assumed
  },
];

/** No reading for the card: small CUDA programs take about this (LEAP docs: about 0.5 GiB). */
const UNKNOWN_CONTEXT: Omit<ContextRow, "generation"> = {
  bytes: 450 * MIB,
  low: 200 * MIB,
  high: 900 * MIB,
  // about 0.5 GiB for small CUDA programs
};

export interface Overhead {
  readonly bytes: Bytes;
  readonly low: Bytes;
  readonly high: Bytes;
}

/**
 * Driver context of a process on a card of this generation.
 *
 * @example cudaContext("hopper").bytes // 547_356_672 = 522 MiB
 */
export function cudaContext(generation: string | undefined): Overhead {
  return CONTEXTS.find((row) => row.generation === generation) ?? UNKNOWN_CONTEXT;
}

/**
 * cuBLAS workspace of one handle and stream: 2 x 4096 KiB + 8 x 16 KiB, on Hopper and later 32 MiB
 * (PyTorch `CUDABlas`, forum 178671).
 */
export function cublasWorkspace(generation: string | undefined): Bytes {
  return generation === "hopper" || generation === "blackwell" ? 32 * MIB : 8_519_680;
}

/** Ranks that exchange tensors: replicas do not, unless experts are spread over them. */
export function talkingRanks({ tp, pp, ep, dp }: Degrees): number {
  return tp * pp * (ep > 1 ? dp : 1);
}

/**
 * NCCL's buffers on one rank: about 1 GiB once two ranks of a node talk, hardly more for four.
 *
 * Reading: a vLLM process on H100s grows from 0.51 GiB to 1.53 (TP 2), 1.55 (TP 4) and 1.43 (PP 2).
 */
export function communicationTerm(ranks: number): Term | null {
  if (ranks < 2) return null;
  return {
    id: "communication",
    bytes: 1044 * MIB,
    low: 300 * MIB,
    high: 2048 * MIB,
    basis: "modelled",
    formula: "{mebibytes} MiB of NCCL communicators",
    inputs: { mebibytes: 1044 },
  };
}

/**
 * Whether ranks on such cards read each other's memory over links of their own, for which communicators keep large
 * buffers: boards with the chips of servers have them (6.0 to 10.0, 10.3), other cards talk over the bus. Unknown cards do.
 *
 * @example linkedRanks({ generation: "ada" }) // false
 */
export const linkedRanks = (card: {
  readonly generation?: string;
  readonly computeCapability?: string;
}): boolean =>
  card.computeCapability === undefined
    ? card.generation !== "turing" && card.generation !== "ada"
    : /^([6-9]|10)\.[03]$/.test(card.computeCapability);

/** The `runtime` term of a plain PyTorch process. */
export function contextTerm(generation: string | undefined): Term {
  const { bytes, low, high } = cudaContext(generation);
  const known = CONTEXTS.some((row) => row.generation === generation);
  return {
    id: "runtime",
    bytes,
    low,
    high,
    basis: known ? "modelled" : "assumed",
    formula: "{mebibytes} MiB of driver context",
    inputs: { mebibytes: bytes / MIB },
  };
}
