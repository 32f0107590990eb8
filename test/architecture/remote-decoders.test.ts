import { describe, expect, test } from "vitest";
import { REMOTE_DECODERS } from "../../src/architecture/families/remote-decoders.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import * as models from "./remote-models.ts";

const total = (config: object): number => readArchitecture(config, "config.json").parameters.total;
const cacheOf = (config: object, contextTokens: number): number | undefined =>
  estimate(readArchitecture(config, "config.json"), { contextTokens }).devices[0]!.terms.find(
    ({ id }) => id === "kv-cache",
  )?.bytes;

const LLADA_8B = {
  model_type: "llada",
  architectures: ["LLaDAModelLM"],
  d_model: 4096,
  n_heads: 32,
  n_kv_heads: 32,
  n_layers: 32,
  mlp_hidden_size: 12_288,
  vocab_size: 126_464,
  embedding_size: 126_464,
  weight_tying: false,
  max_sequence_length: 4096,
};
const DREAM_7B = {
  model_type: "Dream",
  hidden_size: 3584,
  num_hidden_layers: 28,
  num_attention_heads: 28,
  num_key_value_heads: 4,
  intermediate_size: 18_944,
  vocab_size: 152_064,
  tie_word_embeddings: false,
};
const DECI = {
  model_type: "deci",
  hidden_size: 4096,
  num_hidden_layers: 4,
  num_attention_heads: 32,
  num_key_value_heads_per_layer: [4, 4, 2, 1],
  intermediate_size: 14_336,
  vocab_size: 32_000,
};
const JAIS_13B = {
  model_type: "jais",
  n_embd: 5120,
  n_head: 40,
  n_layer: 40,
  n_inner: 13_653,
  vocab_size: 84_992,
  activation_function: "swiglu",
  position_embedding_type: "alibi",
};

const ARCTIC = {
  model_type: "arctic",
  hidden_size: 7168,
  intermediate_size: 4864,
  num_attention_heads: 56,
  num_key_value_heads: 8,
  num_hidden_layers: 35,
  num_local_experts: 128,
  num_experts_per_tok: 2,
  moe_layer_frequency: 1,
  parallel_attn_mlp_res: true,
  vocab_size: 32_000,
};
const GROK_1 = {
  model_type: "grok-1",
  hidden_size: 6144,
  intermediate_size: 32_768,
  num_attention_heads: 48,
  num_key_value_heads: 8,
  num_hidden_layers: 64,
  num_experts: 8,
  num_experts_per_tok: 2,
  vocab_size: 131_072,
  tie_word_embeddings: true,
};
const MOBILELLM_125M = {
  model_type: "mobilellm",
  hidden_size: 576,
  intermediate_size: 1536,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  num_hidden_layers: 30,
  vocab_size: 32_000,
  share_embedding: true,
  layer_sharing: false,
};

describe("totals that the publishers state", () => {
  test.each<[string, number, object]>([
    ["LLaDA-8B", 8_015_581_184, LLADA_8B],
    ["Dream-v0 7B, the tensors of Qwen2.5-7B", 7_615_616_512, DREAM_7B],
  ])("%s", (_, published, config) => {
    expect(total(config)).toBe(published);
  });

  test.each<[string, number, object]>([
    ["MobileLLM-125M: 124.6 million", 124.6e6, MOBILELLM_125M],
    [
      "Apriel-5B: 4.83 billion",
      4.83e9,
      {
        model_type: "apriel",
        hidden_size: 4096,
        intermediate_size: 8192,
        num_attention_heads: 24,
        num_key_value_heads: 8,
        head_dim: 128,
        num_hidden_layers: 28,
        vocab_size: 131_072,
        tie_word_embeddings: false,
      },
    ],
    ["Arctic: 480 billion", 480e9, ARCTIC],
    ["Grok 1: 314 billion", 314e9, GROK_1],
  ])("%s, to the digits stated", (_, published, config) => {
    expect(Math.abs(total(config) / published - 1)).toBeLessThan(0.006);
  });
});

describe("sums by hand", () => {
  test("Grok 1: 64 layers of 8 experts of 3 x 6144 x 32,768 under four norms, tied", () => {
    const attention = 2 * 6144 ** 2 + 2 * 1024 * 6144;
    const experts = 8 * 3 * 6144 * 32_768 + 8 * 6144;
    expect(total(GROK_1)).toBe(131_072 * 6144 + 64 * (attention + experts + 4 * 6144) + 6144);
  });

  test("Arctic: 35 layers of 128 experts beside an MLP of 3 x 7168 x 7168 under a third norm", () => {
    const attention = 2 * 7168 ** 2 + 2 * 1024 * 7168;
    const experts = 128 * 3 * 7168 * 4864 + 128 * 7168;
    const layer = attention + experts + 3 * 7168 ** 2 + 3 * 7168;
    expect(total(ARCTIC)).toBe(2 * 32_000 * 7168 + 35 * layer + 7168);
    const everySecond = { ...ARCTIC, moe_layer_frequency: 2 };
    const dense = attention + 3 * 7168 * 4864 + 2 * 7168;
    expect(total(everySecond)).toBe(2 * 32_000 * 7168 + 17 * layer + 18 * dense + 7168);
  });

  test("Jais 13B: 84,992 x 5120 tied, 40 layers of fused q, k, v and a gated MLP with biases", () => {
    const attention = 4 * 5120 ** 2 + 3 * 5120 + 5120;
    const mlp = 3 * 5120 * 13_653 + 2 * 13_653 + 5120;
    const norms = 2 * 2 * 5120;
    expect(total(JAIS_13B)).toBe(84_992 * 5120 + 40 * (attention + mlp + norms) + 2 * 5120);
    const learned = { ...JAIS_13B, position_embedding_type: "learned", n_positions: 2048 };
    expect(total(learned) - total(JAIS_13B)).toBe(2048 * 5120);
    expect(total({ ...JAIS_13B, activation_function: "gelu" })).toBe(
      total(JAIS_13B) - 40 * (5120 * 13_653 + 13_653),
    );
  });

  test("DeciLM: 4 + 4 + 2 + 1 KV heads of 128, in the weights and in the cache", () => {
    const heads = 11;
    const attention = 4 * 2 * 4096 ** 2 + heads * 128 * 2 * 4096;
    const mlp = 4 * 3 * 4096 * 14_336;
    expect(total(DECI)).toBe(2 * 32_000 * 4096 + attention + mlp + (2 * 4 + 1) * 4096);
    expect(cacheOf(DECI, 1000)).toBe(1000 * heads * 128 * 2 * 2);
    expect(() => total({ ...DECI, num_key_value_heads_per_layer: [4, 4, 3, 1] })).toThrow(
      /divisors of the 32/,
    );
  });

  test("a model that fills in masks keeps no cache", () => {
    expect(cacheOf(LLADA_8B, 4096)).toBeUndefined();
    expect(cacheOf(DREAM_7B, 4096)).toBeUndefined();
    expect(cacheOf({ ...DREAM_7B, model_type: "sdar", head_dim: 128 }, 4096)).toBe(
      4096 * 28 * 2 * 4 * 128 * 2,
    );
  });

  test("SDAR is Qwen3, dense or with experts", () => {
    const { model_type: _, ...shape } = DREAM_7B;
    const experts = { ...shape, num_experts: 16, num_experts_per_tok: 2, moe_intermediate_size: 768 };
    expect(total({ ...shape, model_type: "sdar" })).toBe(total({ ...shape, model_type: "qwen3" }));
    expect(total({ ...experts, model_type: "sdar_moe" })).toBe(
      total({ ...experts, model_type: "qwen3_moe" }),
    );
  });

  test("layers of MobileLLM that run twice are refused", () => {
    const shared = { model_type: "mobilellm", hidden_size: 64, num_attention_heads: 4, num_hidden_layers: 2 };
    expect(() => total({ ...shared, intermediate_size: 128, vocab_size: 100, layer_sharing: true })).toThrow(
      /"layer_sharing" is true, expected false/,
    );
  });
});

test("every family of repositories has its sum here or in remote-sums.test.ts", () => {
  const here = [LLADA_8B, DREAM_7B, MOBILELLM_125M, DECI, JAIS_13B, GROK_1, ARCTIC];
  const there = [
    models.TELECHAT_7B,
    models.PLAMO_2_1B,
    models.PLAMO_3,
    models.MOTIF_2_6B,
    models.OURO_1_4B,
    models.PANGU_EMBEDDED_7B,
    models.PANGU_PRO_MOE,
    models.STEP_1,
    models.STEP_3_TEXT,
    models.HUNYUAN_LARGE,
  ];
  const sized = [...here, ...there].map((config) => readArchitecture(config, "config.json").family);
  expect([...sized, "sdar", "sdar_moe"].sort()).toEqual(REMOTE_DECODERS.map(({ id }) => id).sort());
});
