/** The GPT-2 generation: LayerNorm with biases, plain MLP of 4h unless a key says otherwise. */

import { overriding } from "../config-reader.ts";
import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { POSITION_KEYS, readDecoderSizes } from "../decoder-sizes.ts";
import { positionEmbedding } from "../tensors.ts";

const fourTimes = (hiddenSize: number): number => 4 * hiddenSize;

/** Learned positions, biases everywhere, tied. */
export const GPT2: DecoderRow = {
  id: "gpt2",
  classNames: ["GPT2LMHeadModel"],
  classSizes: [768, 3072, 12, 12, 50257],
  tied: true,
  norm: "layer",
  layerNorms: ["ln_1", "ln_2"],
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  attention: { name: "attn", fused: "c_attn", outName: "c_proj" },
  plainMlp: ["c_fc", "c_proj"],
  activation: "gelu_new",
  widthDefault: fourTimes,
  names: { embedding: "transformer.wte", layers: "transformer.h", finalNorm: "transformer.ln_f" },
  extras: (config, { hiddenSize }) => [
    positionEmbedding("transformer.wpe", config.int(POSITION_KEYS, 1024), hiddenSize),
  ],
};

/** One KV head for all queries where `attention_head_type` says so: SantaCoder as its own class writes it. */
export const gpt2 = familyOf({ ...GPT2, alsoNamed: ["GPT2LMHeadCustomModel"] }, (config) => {
  const kind = config.text("attention_head_type", "multihead");
  if (kind === "multihead") return {};
  if (kind !== "multiquery") return config.fail("attention_head_type", "multihead or multiquery");
  return {
    sizes: (given) => readDecoderSizes(overriding(given, { num_key_value_heads: 1 }), { tied: true }),
  };
});

/** SantaCoder, StarCoder: one KV head for all queries unless `multi_query` is false; no other key counts. */
export const gptBigcode = familyOf({
  ...GPT2,
  id: "gpt_bigcode",
  classNames: ["GPTBigCodeForCausalLM"],
  activation: "gelu_pytorch_tanh",
  sizes: (config) => {
    const sizes = readDecoderSizes(overriding(config, { num_key_value_heads: null }), { tied: true });
    return { ...sizes, kvHeads: config.flag("multi_query", true) ? 1 : sizes.heads };
  },
});

/** GPT-Neo: no bias on q, k and v. Its local layers mask, but cache everything like the global ones. */
export const gptNeo = familyOf({
  ...GPT2,
  id: "gpt_neo",
  classNames: ["GPTNeoForCausalLM"],
  classSizes: [2048, 8192, 24, 16, 50257],
  qkvBias: false,
  attention: { name: "attn.attention", outName: "out_proj" },
  extras: (config, { hiddenSize }) => [
    positionEmbedding("transformer.wpe", config.int(POSITION_KEYS, 2048), hiddenSize),
  ],
});

/** Rotary, parallel block under one norm, no bias in attention, a bias on the head. */
const GPTJ: DecoderRow = {
  id: "gptj",
  classNames: ["GPTJForCausalLM"],
  classSizes: [4096, 16384, 28, 16, 50400],
  norm: "layer",
  layerNorms: ["ln_1"],
  mlpBias: true,
  headBias: true,
  attention: { name: "attn", outName: "out_proj" },
  plainMlp: ["fc_in", "fc_out"],
  activation: "gelu_new",
  widthDefault: fourTimes,
  names: { embedding: "transformer.wte", layers: "transformer.h", finalNorm: "transformer.ln_f" },
};
export const gptj = familyOf(GPTJ);
export const codegen = familyOf({
  ...GPTJ,
  id: "codegen",
  classNames: ["CodeGenForCausalLM"],
  classSizes: [4096, 16384, 28, 16, 50400],
  attention: { name: "attn", fused: "qkv_proj", outName: "out_proj" },
});

/** Pythia, RedPajama: rotary, biases by one key in attention and always in the MLP, untied. */
export const gptNeox = familyOf({
  id: "gpt_neox",
  classNames: ["GPTNeoXForCausalLM"],
  classSizes: [6144, 24576, 44, 64, 50432],
  norm: "layer",
  qkvBias: { key: "attention_bias", otherwise: true },
  oBias: { key: "attention_bias", otherwise: true },
  mlpBias: true,
  attention: { name: "attention", fused: "query_key_value", outName: "dense" },
  plainMlp: ["dense_h_to_4h", "dense_4h_to_h"],
  activation: "gelu",
  widthDefault: fourTimes,
  names: {
    embedding: "gpt_neox.embed_in",
    layers: "gpt_neox.layers",
    finalNorm: "gpt_neox.final_layer_norm",
    head: "embed_out",
  },
});
