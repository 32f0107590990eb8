import { describe, expect, test } from "vitest";
import { train } from "../../../src/estimate/train.ts";
import type { TrainRequest } from "../../../src/estimate/train-request.ts";
import { loadModel } from "../../../src/sources/load-model.ts";

const models = await Promise.all(
  ["llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v2-lite", "gemma-3-1b"].map(async (id) => {
    const { architecture } = await loadModel(id);
    const layers = architecture.stacks.find((s) => s.role === "decoder")!.counts.reduce((a, b) => a + b, 0);
    return { id, architecture, layers };
  }),
);

describe.each(models)("one checkpoint for N layers of $id", ({ architecture, layers }) => {
  const peak = (request: TrainRequest): number => train(architecture, request).totals.allocated.bytes;
  const requests: readonly TrainRequest[] = [
    { seqTokens: 4096 },
    { seqTokens: 8192, microBatch: 4 },
    { seqTokens: 8192, microBatch: 4, gradAccum: 4, loss: "fused" },
    { seqTokens: 4096, microBatch: 8, precision: "amp-bf16" },
    { seqTokens: 4096, microBatch: 8, method: "lora" },
  ];

  test.each(requests)(
    "%o: never above keeping everything, and one group beyond the last layer",
    (request) => {
      const none = peak({ ...request, checkpointing: "none" });
      const full = peak({ ...request, checkpointing: "full" });
      const most = Math.max(none, full);
      const whole = peak({ ...request, checkpointing: layers });
      // A checkpoint more than nothing: the first layer's input, and the positions that a checkpoint holds.
      const tokens = request.seqTokens! * (request.microBatch ?? 1);
      const input = tokens * architecture.hiddenSize * 4;
      for (let n = 1; n <= layers; n++) {
        const grouped = peak({ ...request, checkpointing: n });
        expect(grouped, `every=${n}`).toBeLessThanOrEqual(most + 2 * input);
      }
      expect(peak({ ...request, checkpointing: 1 })).toBe(full);
      expect(peak({ ...request, checkpointing: layers + 1 })).toBe(whole);
      expect(peak({ ...request, checkpointing: 1000 })).toBe(whole);
    },
  );
});
