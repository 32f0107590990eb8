import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";

const read = (config: object) => readArchitecture(config, "config.json");

/** Falcon as first published. */
const REFINED_WEB = {
  alibi: false,
  architectures: ["RWForCausalLM"],
  bias: false,
  parallel_attn: true,
  torch_dtype: "bfloat16",
  vocab_size: 65_024,
};
const FALCON_40B = {
  ...REFINED_WEB,
  model_type: "RefinedWeb",
  hidden_size: 8192,
  n_head: 128,
  n_head_kv: 8,
  n_layer: 60,
};

describe("Falcon 40B's first file says nothing of the new decoder architecture, which it has", () => {
  test("41,303,293,952 parameters, as FalconForCausalLM (transformers 5.18) with the key", () => {
    expect(read(FALCON_40B).parameters.total).toBe(41_303_293_952);
    expect(read({ ...FALCON_40B, new_decoder_architecture: true }).parameters.total).toBe(41_303_293_952);
  });

  test("8 KV heads of 64, which in 60 layers are 122,880 B a token", () => {
    expect(read(FALCON_40B).stacks[0]!.kinds[0]!.mixers[0]).toMatchObject({ kvHeads: 8, keyDim: 64 });
  });

  test("Falcon 7B's has one KV head and one norm: 6,921,720,704, the class's", () => {
    const small = {
      ...REFINED_WEB,
      model_type: "RefinedWebModel",
      hidden_size: 4544,
      n_head: 71,
      n_layer: 32,
    };
    expect(read({ ...small, multi_query: true }).parameters.total).toBe(6_921_720_704);
  });
});
