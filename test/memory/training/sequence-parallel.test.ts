import { expect, test } from "vitest";
import { readArchitecture } from "../../../src/architecture/registry.ts";
import { train } from "../../../src/estimate/train.ts";

/** The 22B GPT of Korthikanti et al. (arXiv:2205.05198, table 3), sequence parallel over 8: 34 s b h / t a layer without scores. */
test("learned positions are divided with the sequence", () => {
  const [h, layers, s, b, t] = [6144, 48, 2048, 4, 8] as const;
  const model = readArchitecture(
    {
      model_type: "gpt2",
      architectures: ["GPT2LMHeadModel"],
      n_embd: h,
      n_layer: layers,
      n_head: 64,
      n_positions: s,
      vocab_size: 51_200,
    },
    "config.json",
  );
  const { devices } = train(model, {
    framework: "megatron",
    seqTokens: s,
    microBatch: b,
    parallel: { tp: t, sequenceParallel: true },
  });
  const backward = devices[0]!.phases.find((p) => p.phase === "loss-backward")!;
  const kept = backward.terms.find((term) => term.id === "activations")!.bytes;
  const paper = (34 * s * b * h * layers) / t;
  expect(kept / paper).toBeGreaterThan(0.98);
  expect(kept / paper).toBeLessThan(1.03);
});
