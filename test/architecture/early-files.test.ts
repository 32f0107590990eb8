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

/** MosaicML's and Zhihan Zhou's classes: per layer 2 x 3072 x 768 without a bias for 3072 x 768 + 3072, no positions. */
describe("BERT with alibi_starting_size has a gated MLP and no table of positions", () => {
  const base = {
    architectures: ["BertForMaskedLM"],
    model_type: "bert",
    alibi_starting_size: 512,
    hidden_size: 768,
    intermediate_size: 3072,
    num_attention_heads: 12,
    num_hidden_layers: 12,
    max_position_embeddings: 512,
  };
  test.each([
    ["DNABERT-2: 89,192,704 - 512 x 768 + 12 x 2,356,224", 4096, 117_074_176],
    ["MosaicBERT base: 109,518,912 - 512 x 768 + 12 x 2,356,224", 30_528, 137_400_384],
  ])("%s", (_, vocab_size, total) => {
    expect(read({ ...base, vocab_size }).parameters.total).toBe(total);
    const { alibi_starting_size, ...plain } = base;
    expect(read({ ...plain, vocab_size }).parameters.total).toBe(total + 512 * 768 - 12 * 2_356_224);
  });
});

/** InstaDeep's EsmIntermediate and EsmOutput: [2f, h] and [h, f], biased by add_bias_fnn. */
describe("ESM with add_bias_fnn is Nucleotide Transformer v2, whose MLP is gated", () => {
  const base = {
    add_bias_fnn: false,
    architectures: ["EsmForMaskedLM"],
    model_type: "esm",
    max_position_embeddings: 2050,
    num_attention_heads: 16,
    position_embedding_type: "rotary",
    tie_word_embeddings: false,
    vocab_size: 4107,
  };
  const large = { ...base, hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 29 };
  const small = { ...base, hidden_size: 512, intermediate_size: 2048, num_hidden_layers: 12 };
  test.each([
    ["500M: 374,759,900 + 29 x (4096 x 1024 - 4096 - 1024)", large, 496_246_236],
    ["50M: 42,303,180 + 12 x (2048 x 512 - 2048 - 512)", small, 54_855_372],
    ["500M with biases: 29 x (2 x 4096 + 1024) more", { ...large, add_bias_fnn: true }, 496_513_500],
  ])("%s", (_, config, total) => expect(read(config).parameters.total).toBe(total));
});
