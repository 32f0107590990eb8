import { describe, expect, test } from "vitest";
import { readCommonArchitecture } from "../../src/architecture/common-registry.ts";
import { mainRegistry } from "../../src/architecture/main-registry.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";

const read = (config: object) => readArchitecture(config, "config.json");
const cachePerToken = (config: object): number =>
  estimate(read(config), { contextTokens: 1 }).devices[0]!.terms.find(({ id }) => id === "kv-cache")!.bytes;

const base = { num_hidden_layers: 1, tie_word_embeddings: false, torch_dtype: "bfloat16" };
/** SafeAILab/EAGLE, eagle/traineagle3/config.json. */
const LLAMA_8B = {
  ...base,
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128_256,
  draft_vocab_size: 32_000,
};
/** sgl-project/SpecForge, configs/. */
const KIMI_K2 = {
  ...base,
  architectures: ["LlamaForCausalLMEagle3"],
  model_type: "kimi_k2",
  eagle_config: { eagle_aux_hidden_state_layer_ids: [2, 30, 58], use_aux_hidden_state: true },
  head_dim: 128,
  hidden_size: 7168,
  intermediate_size: 18_432,
  num_attention_heads: 64,
  num_key_value_heads: 64,
  vocab_size: 163_840,
  draft_vocab_size: 32_000,
};
const GEMMA3_27B = {
  ...base,
  architectures: ["LlamaForCausalLMEagle3"],
  model_type: "llama",
  head_dim: 128,
  hidden_size: 5376,
  intermediate_size: 21_504,
  num_attention_heads: 32,
  num_key_value_heads: 16,
  vocab_size: 262_208,
  draft_vocab_size: 262_208,
};
const QWEN3_8B_DFLASH = {
  ...base,
  architectures: ["DFlashDraftModel"],
  model_type: "qwen3",
  block_size: 16,
  head_dim: 128,
  hidden_size: 4096,
  intermediate_size: 12_288,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  num_hidden_layers: 5,
  num_target_layers: 36,
  vocab_size: 151_936,
};

/** V h + D h + 3 h^2 + 2 h (q + 2 kv) + q h + 3 h f + 4 h: SpecForge, specforge/modeling/draft/llama3_eagle.py. */
describe("EAGLE-3", () => {
  test.each([
    [
      "Llama 3.1 8B: 128,256 x 4096 + 32,000 x 4096 + 3 x 4096^2 + 8192 x 6144 + 4096^2 + 3 x 4096 x 14,336 + 16,384",
      LLAMA_8B,
      950_026_240,
    ],
    [
      "Kimi K2: 163,840 x 7168 + 32,000 x 7168 + 3 x 7168^2 + 14,336 x 24,576 + 8192 x 7168 + 3 x 7168 x 18,432 + 28,672",
      KIMI_K2,
      2_365_353_984,
    ],
    [
      "Gemma 3 27B: 2 x 262,208 x 5376 + 3 x 5376^2 + 10,752 x 8192 + 4096 x 5376 + 3 x 5376 x 21,504 + 21,504",
      GEMMA3_27B,
      3_362_903_040,
    ],
  ])("%s", (_, config, total) => {
    const model = read(config);
    expect(model.parameters.total).toBe(total);
    // d2t and t2d, which say what tokens of one vocabulary are in the other.
    expect(model.parameters.stored).toBe(total + config.draft_vocab_size + config.vocab_size);
    expect(model.notes.map(({ code }) => code)).toContain("draft-model");
    // The smaller sets leave it to all families, as they would size another model.
    expect(mainRegistry.reads(config)).toBe(false);
    expect(readCommonArchitecture(config, "config.json")).toBeNull();
  });

  test("one layer of Kimi K2's draft keeps 2 x 64 x 128 x 2 B = 32,768 B a token", () =>
    expect(cachePerToken(KIMI_K2)).toBe(32_768));

  test("a file of the speculators library nests the layer", () => {
    const { draft_vocab_size, architectures, ...layer } = LLAMA_8B;
    const nested = {
      architectures: ["Eagle3Speculator"],
      speculators_model_type: "eagle3",
      draft_vocab_size,
      transformer_layer_config: layer,
    };
    expect(read(nested).parameters.total).toBe(950_026_240);
  });
});

test("DFlash for Qwen 3 8B: 5 x 192,946,432 + 5 x 4096^2 + 2 x 4096, words and head of the larger model", () => {
  const model = read(QWEN3_8B_DFLASH);
  expect([model.parameters.total, model.vocabSize]).toEqual([1_048_626_432, 0]);
});

test.each([
  ["experts", { ...LLAMA_8B, architectures: ["Qwen3MoEForCausalLMEagle3"] }, /Qwen3MoEForCausalLMEagle3/],
  ["a prediction layer", { ...LLAMA_8B, architectures: ["Qwen3MoeForCausalLMMTP"] }, /ForCausalLMMTP/],
  ["two layers", { ...LLAMA_8B, num_hidden_layers: 2 }, /num_hidden_layers/],
  ["DSpark", { ...QWEN3_8B_DFLASH, architectures: ["DSparkDraftModel"] }, /DSparkDraftModel/],
  ["latent attention", { ...QWEN3_8B_DFLASH, dflash_config: { attention_mode: "mla" } }, /attention_mode/],
  ["another speculator", { ...LLAMA_8B, speculators_model_type: "dspark" }, /speculators_model_type/],
])("a draft with %s is refused, not sized as the decoder whose type it carries", (_, config, said) => {
  expect(() => read(config)).toThrow(said);
});
