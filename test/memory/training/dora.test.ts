import { expect, test } from "vitest";
import { readArchitecture } from "../../../src/architecture/registry.ts";
import { train } from "../../../src/estimate/train.ts";

/**
 * PEFT 0.21 and transformers 5.18 on fake tensors, every storage counted: one step of `LlamaForCausalLM` with DoRA of rank 16 on
 * all seven linears, without dropout. Bytes above the weights at the most of forward and of backward.
 */
const RECORDED = [
  {
    adapters: "bf16",
    tokens: 1024,
    layers: 1,
    checkpointing: "none",
    forward: 1_121_432_576,
    backward: 759_269_376,
  },
  {
    adapters: "bf16",
    tokens: 1024,
    layers: 2,
    checkpointing: "none",
    forward: 1_495_353_344,
    backward: 1_124_801_536,
  },
  {
    adapters: "bf16",
    tokens: 2048,
    layers: 1,
    checkpointing: "none",
    forward: 1_478_820_864,
    backward: 1_518_290_944,
  },
  {
    adapters: "fp32",
    tokens: 1024,
    layers: 1,
    checkpointing: "none",
    forward: 2_351_240_192,
    backward: 961_071_104,
  },
  {
    adapters: "fp32",
    tokens: 1024,
    layers: 2,
    checkpointing: "none",
    forward: 2_926_974_976,
    backward: 1_528_417_280,
  },
  { adapters: "bf16", tokens: 1024, layers: 2, checkpointing: "full", backward: 1_163_393_024 },
  { adapters: "fp32", tokens: 1024, layers: 2, checkpointing: "full", backward: 2_426_767_360 },
] as const;

test.each(RECORDED)(
  "DoRA of $layers layers, $adapters adapters, $tokens tokens, checkpointing $checkpointing",
  (row) => {
    const model = readArchitecture(
      {
        model_type: "llama",
        architectures: ["LlamaForCausalLM"],
        hidden_size: 4096,
        intermediate_size: 14_336,
        num_hidden_layers: row.layers,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        vocab_size: 32_000,
      },
      "config.json",
    );
    const { devices } = train(model, {
      method: "lora",
      loraRank: 16,
      loraDropout: 0,
      dora: true,
      adapterFormat: row.adapters,
      seqTokens: row.tokens,
      checkpointing: row.checkpointing,
    });
    const beside = ({ phase, terms }: (typeof devices)[0]["phases"][0]): readonly [boolean, number] => [
      phase === "forward",
      terms.reduce(
        (sum, { id, bytes }) => (["weights", "adapters", "optimizer"].includes(id) ? sum : sum + bytes),
        0,
      ),
    ];
    const phases = devices[0]!.phases.filter((p) => p.phase !== "optimizer-step").map(beside);
    const most = (forward: boolean): number =>
      Math.max(...phases.flatMap(([is, bytes]) => (is === forward ? [bytes] : [])));
    const near = (ours: number, recorded: number): void => {
      expect(ours / recorded).toBeGreaterThan(0.98);
      expect(ours / recorded).toBeLessThan(1.02);
    };
    if ("forward" in row) near(most(true), row.forward);
    near(most(false), row.backward);
  },
);
