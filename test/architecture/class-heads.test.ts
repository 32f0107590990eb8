import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";

const read = (config: object) => readArchitecture(config, "config.json");
const codes = (config: object) => read(config).notes.map(({ code }) => code);

/** Qwen2.5-Math-PRM-7B without what sizes nothing. */
const QWEN2_7B = {
  model_type: "qwen2",
  hidden_size: 3584,
  intermediate_size: 18_944,
  num_attention_heads: 28,
  num_hidden_layers: 28,
  num_key_value_heads: 4,
  tie_word_embeddings: false,
  vocab_size: 152_064,
};
/** internlm2-1_8b-reward. */
const INTERNLM2 = {
  model_type: "internlm2",
  bias: false,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_attention_heads: 16,
  num_hidden_layers: 24,
  num_key_value_heads: 8,
  vocab_size: 92_544,
};
const withClass = (config: object, name: string) => ({ ...config, architectures: [name] });

describe("reward models have a score where the head was", () => {
  test.each([
    ["Qwen2ForProcessRewardModel: 7,070,619,136 + 3584^2 + 3584 + 2 x 3584 + 2", QWEN2_7B, 7_083_474_946],
    ["Qwen2ForRewardModel: 7,070,619,136 + 3584^2 + 3584 + 3584 + 1", QWEN2_7B, 7_083_471_361],
    ["InternLM2ForRewardModel: 1,889,110,016 - 92,544 x 2048 + 2048", INTERNLM2, 1_699_581_952],
  ])("%s", (title, config, total) =>
    expect(read(withClass(config, title.split(":")[0]!)).parameters.total).toBe(total),
  );
});

describe("a class that no rule of the family explains is said", () => {
  test.each(["Qwen3BidirForMaskedLM", "AutoModelForCausalLMWithValueHead", "JinaForRanking"])(
    "%s",
    (name) => {
      const model = read(withClass(QWEN2_7B, name));
      const note = model.notes.find(({ code }) => code === "class-not-known");
      expect(note?.details).toEqual({ class: name, sizedAs: "Qwen2ForCausalLM" });
      expect(note?.message).toContain(name);
      expect(model.parameters.total).toBe(read(QWEN2_7B).parameters.total);
    },
  );

  test.each([
    ["the family's own", withClass(QWEN2_7B, "Qwen2ForCausalLM")],
    ["its model without a head", withClass(QWEN2_7B, "Qwen2Model")],
    ["another case of letters", withClass(QWEN2_7B, "QWen2ForCausalLM")],
    ["none", QWEN2_7B],
  ])("%s is not", (_, config) => expect(codes(config)).not.toContain("class-not-known"));
});

test("SantaCoder in its own class has one KV head: 1,124,886,528 parameters, as GPTBigCodeForCausalLM with multi_query", () => {
  const model = read({
    architectures: ["GPT2LMHeadCustomModel"],
    attention_head_type: "multiquery",
    model_type: "gpt2",
    n_embd: 2048,
    n_head: 16,
    n_inner: 8192,
    n_layer: 24,
    n_positions: 2048,
    vocab_size: 49_280,
  });
  expect(model.parameters.total).toBe(1_124_886_528);
  expect(model.notes).toEqual([]);
  expect(model.stacks[0]!.kinds[0]!.mixers[0]).toMatchObject({ kvHeads: 1, keyDim: 128 });
});

/** transformers 5.18 on the meta device, the class's own sizes: 4,747,846,400 and 2 scores of 2304 with a bias. */
test.each(["T5Gemma2ForSequenceClassification", "T5Gemma2ForTokenClassification"])(
  "%s: 4,747,851,010",
  (name) => {
    const model = read({ model_type: "t5gemma2", architectures: [name] });
    expect([model.parameters.total, model.tied]).toEqual([4_747_851_010, false]);
  },
);
