import { expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { VramCalcError } from "../../src/errors.ts";

const llama = {
  model_type: "llama",
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 100,
  vocab_size: 101,
};
const experts = { ...llama, model_type: "mixtral", num_key_value_heads: 2 };
const deepseek = {
  ...llama,
  model_type: "deepseek_v3",
  q_lora_rank: 16,
  kv_lora_rank: 16,
  qk_nope_head_dim: 8,
  qk_rope_head_dim: 8,
  v_head_dim: 8,
  moe_intermediate_size: 20,
  n_routed_experts: 8,
  num_experts_per_tok: 2,
};

function refusal(config: unknown): VramCalcError {
  try {
    readArchitecture(config, "config.json");
  } catch (error) {
    if (error instanceof VramCalcError) return error;
    throw error;
  }
  throw new Error("sized, not refused");
}

test.for([
  ["a size that is missing", { ...llama, hidden_size: undefined }, "hidden_size"],
  ["a dtype that torch lacks", { ...llama, torch_dtype: "float99" }, "torch_dtype"],
  ["a window below 0", { ...llama, sliding_window: -1 }, "sliding_window"],
  ["experts in a dense family", { ...llama, n_routed_experts: 8 }, "n_routed_experts"],
  ["local experts in a dense family", { ...llama, num_local_experts: 8 }, "num_local_experts"],
  ["latent attention in a family of heads", { ...llama, kv_lora_rank: 16 }, "kv_lora_rank"],
  ["a size of 0", { ...llama, vocab_size: 0 }, "vocab_size"],
  ["a size that is a text", { ...llama, num_hidden_layers: "32" }, "num_hidden_layers"],
  ["3 KV heads under 4 heads", { ...llama, num_key_value_heads: 3 }, "num_key_value_heads"],
  ["5 heads over 64 without a head size", { ...llama, num_attention_heads: 5 }, "num_attention_heads"],
  [
    "a kind of layer that llama has not",
    { ...llama, model_type: "olmo3", layer_types: Array(4).fill("mamba") },
    "layer_types",
  ],
  [
    "a list of 3 kinds for 4 layers",
    { ...llama, model_type: "olmo3", layer_types: Array(3).fill("full_attention") },
    "layer_types",
  ],
  ["widths for 3 of 4 layers", { ...llama, intermediate_size: [100, 100, 100] }, "intermediate_size"],
  ["3 of 2 experts", { ...experts, num_local_experts: 2, num_experts_per_tok: 3 }, "num_experts_per_tok"],
  [
    "an MLP that is neither dense nor sparse",
    { ...deepseek, mlp_layer_types: Array(4).fill("wide") },
    "mlp_layer_types",
  ],
  [
    "an indexer that is neither full nor shared",
    { ...deepseek, model_type: "glm_moe_dsa", index_topk_pattern: "FSXF" },
    "index_topk_pattern",
  ],
  [
    "a compression of 7 tokens",
    { ...deepseek, model_type: "deepseek_v4", compress_ratios: [0, 0, 4, 7] },
    "compress_ratios",
  ],
  ["a flag that is a number", { ...llama, attention_bias: 1 }, "attention_bias"],
  [
    "a pattern of letters that are no kinds",
    { ...llama, model_type: "exaone4", num_key_value_heads: 4, sliding_window_pattern: "LLX" },
    "sliding_window_pattern",
  ],
  [
    "blocks for 1 of 4 layers",
    { ...llama, model_type: "nemotron-nas", block_configs: [{}] },
    "block_configs",
  ],
  [
    "attention that MPT's class cannot build",
    {
      model_type: "mpt",
      d_model: 64,
      n_layers: 2,
      n_heads: 4,
      vocab_size: 101,
      attn_config: { attn_type: "multiquery_attention" },
    },
    "attn_config",
  ],
  [
    "heads that Helium's output has not",
    { ...experts, model_type: "helium", num_key_value_heads: 4, head_dim: 32 },
    "head_dim",
  ],
  ["heads that ESM Cambrian's norms have not", { model_type: "esmc", head_dim: 128 }, "head_dim"],
] as const)("%s is refused, naming %s", ([, config, key]) => {
  const error = refusal(config);
  expect(error.code).toBe("bad-config");
  expect((error as VramCalcError<"bad-config">).details.key).toBe(key);
  expect(error.exitCode).toBe(2);
});

test("an unknown model type is refused, with the nearest known", () => {
  const error = refusal({ ...llama, model_type: "lama" }) as VramCalcError<"unsupported-model">;
  expect(error.code).toBe("unsupported-model");
  expect(error.details.nearest).toContain("llama");
});

test("a known class name does not make an unknown model type known", () => {
  expect(refusal({ ...llama, model_type: "zebra", architectures: ["LlamaForCausalLM"] }).code).toBe(
    "unsupported-model",
  );
});

test("a text decoder with a tower beside it is refused: the text alone would be too small", () => {
  const error = refusal({ ...llama, model_type: "qwen2", num_key_value_heads: 4, vision_config: {} });
  expect(error.message).toMatch(/vision_config/);
});

test("a class of the model's own repository is sized with a note that names the layout", () => {
  const model = readArchitecture({ ...llama, model_type: "baichuan" }, "config.json");
  expect(model.notes).toEqual([
    expect.objectContaining({
      code: "custom-code-layout",
      details: expect.objectContaining({ modelType: "baichuan" }),
    }),
  ]);
});

test("an assumed family that is not needed is said, one that does not exist refused", () => {
  const notes = (assumeFamily: string) => readArchitecture(llama, "config.json", { assumeFamily }).notes;
  expect(notes("qwen2").map(({ code }) => code)).toContain("assumed-family-unused");
  expect(() => notes("zzz")).toThrow(/unknown family "zzz"/);
});

test("a model cut down to its first dense layers keeps the keys of its experts", () => {
  const cut = { ...deepseek, num_hidden_layers: 2, first_k_dense_replace: 3 };
  expect(readArchitecture(cut, "config.json").parameters.total).toBeGreaterThan(0);
});

test.each([
  [
    "a class is named",
    { ...llama, model_type: "bert", architectures: ["BertForVision"] },
    /is \["BertForVision"\]/,
  ],
  ["NaN is NaN", { ...llama, hidden_size: Number.NaN }, /"hidden_size" is NaN/],
  [
    "100,000 digits are too many",
    { ...llama, hidden_size: Number.POSITIVE_INFINITY },
    /is a number that is too large/,
  ],
  ["null is null", null, /\(the whole file\)" is null/],
  ["an unlike model type", { ...llama, model_type: "zzzzzzzzzzzz" }, /--assume-family NAME/],
])("a refusal says what was read: %s", (_, config, said) => {
  expect(refusal(config).message).toMatch(said);
});
