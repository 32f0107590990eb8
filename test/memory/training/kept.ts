import type { Architecture } from "../../../src/index.ts";
import { holdingOf } from "../../../src/memory/training/holding.ts";
import { momentsOf } from "../../../src/memory/training/moments.ts";
import { segmentsOf } from "../../../src/memory/training/segments.ts";

/** Bytes that one pass without checkpoints keeps for backward, in bf16 on one device. */
export function keptBytes(
  model: Architecture,
  of: {
    readonly method: "full" | "lora" | "qlora";
    readonly attention: "eager" | "sdpa";
    readonly batch: number;
    readonly seqTokens: number;
  },
): number {
  const { method, attention, batch, seqTokens } = of;
  const holding = holdingOf(model, {
    method,
    width: 2,
    packed: "nf4-dq",
    kbitPreparation: false,
    lora: { rank: 16, targets: "all-linear", dropout: 0.05, width: 4, dora: false },
  });
  const segments = segmentsOf(model, {
    batch,
    seqTokens,
    attention,
    autocast: false,
    keepsSoftmaxInput: false,
    compiled: false,
    fillsCache: false,
    repeatsKv: false,
    keepsPackedInput: false,
    holding,
    kernels: { fusedNorm: false, fusedGate: false, fusedRotary: false },
    loss: { kind: "hf", chunks: 1 },
    inputGradients: false,
    stepBefore: false,
    sequenceShards: 1,
    ends: { input: true, output: true },
  });
  return momentsOf(model, segments, {
    checkpointEvery: 0,
    nth: 1,
    selective: false,
    offloadCheckpoints: false,
    buffersCheckpoints: false,
    outlive: false,
    graphStays: true,
    holdsEmbedding: true,
    accumulating: false,
    stepsInBackward: false,
    stepBefore: false,
    holding,
  }).keptBytes;
}
