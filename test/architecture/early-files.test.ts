import { describe, expect, test } from "vitest";
import { readCommonArchitecture } from "../../src/architecture/common-registry.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";

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

/** state-spaces/mamba-2.8b-slimpj and mamba2-1.3b; totals of the classes with the vocabulary padded (transformers 5.18). */
describe("files of the mamba_ssm package name no model type", () => {
  const mamba = { d_model: 2560, n_layer: 64, vocab_size: 50_277, ssm_cfg: {}, pad_vocab_size_multiple: 8 };
  const mamba2 = {
    d_model: 2048,
    d_intermediate: 0,
    n_layer: 48,
    vocab_size: 50_277,
    ssm_cfg: { layer: "Mamba2" },
    attn_layer_idx: [],
    attn_cfg: {},
    rms_norm: true,
    pad_vocab_size_multiple: 16,
    tie_embeddings: true,
  };
  const odd = {
    d_model: 256,
    n_layer: 3,
    vocab_size: 510,
    ssm_cfg: {
      layer: "Mamba2",
      d_state: 64,
      expand: 3,
      headdim: 32,
      ngroups: 2,
      bias: true,
      conv_bias: false,
    },
    tie_embeddings: false,
  };
  test.each([
    ["Mamba 2.8B", mamba, "mamba", 2_768_345_600],
    ["Mamba-2 1.3B", mamba2, "mamba2", 1_343_757_312],
    ["every key of a block", odd, "mamba2", 2_268_704],
  ])("%s", (_, config, modelType, total) => {
    const model = read(config);
    expect([model.modelType, model.parameters.total]).toEqual([modelType, total]);
    expect(readCommonArchitecture(config, "config.json")).toBeNull();
  });

  test.each([
    ["attn_layer_idx", { ...mamba2, attn_layer_idx: [9, 18] }],
    ["d_intermediate", { ...mamba2, d_intermediate: 14_336 }],
    ["ssm_cfg.layer", { ...mamba2, ssm_cfg: { layer: "Mamba3" } }],
  ])("%s is refused where it asks for more", (key, config) => {
    expect(() => read(config)).toThrow(new RegExp(`"${key}"`));
  });
});

test("BERT's first files are pointed to --assume-family bert", () => {
  const config = {
    hidden_size: 768,
    intermediate_size: 3072,
    num_attention_heads: 12,
    num_hidden_layers: 12,
    type_vocab_size: 2,
    vocab_size: 21_128,
  };
  expect(() => read(config)).toThrow(/keys of BERT's first files; nearest known: bert \(--assume-family/);
  expect(readArchitecture(config, "config.json", { assumeFamily: "bert" }).parameters.total).toBeGreaterThan(
    0,
  );
});

test("a dtype of 8 bits is said as what it is, and no more is made of it", () => {
  const config = { ...FALCON_40B, torch_dtype: "float8_e4m3fn" };
  const { notes } = estimate(read(config), { contextTokens: 1 });
  const note = notes.find(({ code }) => code === "default-dtype");
  expect(note?.message).toContain("the config calls its weights float8_e4m3fn");
  expect(note?.details).toEqual({ dtype: "bf16", stated: "float8_e4m3fn" });
});
