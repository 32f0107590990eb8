import { describe, expect, test } from "vitest";
import { holdingOf } from "../../../src/memory/training/holding.ts";
import { momentsOf } from "../../../src/memory/training/moments.ts";
import { segmentsOf } from "../../../src/memory/training/segments.ts";
import { modelOf, readVectors, rowsOf } from "../../estimate/training-vectors.ts";

const table = readVectors("training-saved.json");
const rows = rowsOf(table);

describe("bytes kept for backward, against the real classes", () => {
  test.for(
    rows.map((row) => ({
      row,
      title: `${row.model} ${row.method} ${row.attention} ${row.microBatch}x${row.seqTokens}: ${row.saved} B`,
    })),
  )("$title", ({ row }) => {
    const model = modelOf(table, row.model as string);
    const holding = holdingOf(model, {
      method: row.method as "full",
      width: 2,
      packed: "nf4-dq",
      kbitPreparation: false,
      lora: { rank: 16, targets: "all-linear", dropout: 0.05, width: 4, dora: false },
    });
    const segments = segmentsOf(model, {
      batch: row.microBatch as number,
      seqTokens: row.seqTokens as number,
      attention: row.attention as "sdpa",
      autocast: false,
      keepsSoftmaxInput: false,
      compiled: false,
      fillsCache: false,
      repeatsKv: false,
      holding,
      kernels: { fusedNorm: false, fusedGate: false, fusedRotary: false },
      loss: { kind: "hf", chunks: 1 },
      inputGradients: false,
      stepBefore: false,
      sequenceShards: 1,
      ends: { input: true, output: true },
    });
    const { keptBytes } = momentsOf(model, segments, {
      checkpointEvery: 0,
      nth: 1,
      selective: false,
      offloadCheckpoints: false,
      buffersCheckpoints: false,
      outlive: false,
      accumulating: false,
      stepsInBackward: false,
      stepBefore: false,
      holding,
    });
    expect(Math.abs(keptBytes - (row.saved as number)) / (row.saved as number)).toBeLessThan(0.005);
  });
});
