/** Decoders that few configs name: the earlier generations, and small variations of the llama layout. */
import { ATTENTION_BIAS, familyOf, MLP_BIAS } from "../decoder-row.ts";
import { POSITION_KEYS } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import { linear, norm, positionEmbedding, vector } from "../tensors.ts";
import { everyLayerWindow } from "../windows.ts";
import { bailing } from "./bailing.ts";
import { axK1 } from "./deepseek.ts";
import { hyV3, solarOpen } from "./dots.ts";
import { biogpt, xglm } from "./fairseq-decoders.ts";
import { afmoe, laguna } from "./gated-attention.ts";
import { axK2, hyV4 } from "./indexed-latents.ts";
import { jetMoe } from "./jetmoe.ts";
import { LLAMA } from "./llama.ts";
import { minimax } from "./minimax.ts";
import { modernbertDecoder } from "./modernbert-decoder.ts";
import { nemotronNas } from "./nemotron-nas.ts";
import { cohere2Moe, graniteMoeSwa, mellum, mistral4 } from "./rare-experts.ts";
import { step35 } from "./step.ts";

/** BitNet b1.58: norms inside both sublayers, before o and before down. */
const bitnet = familyOf({
  ...LLAMA,
  id: "bitnet",
  classNames: ["BitNetForCausalLM"],
  classSizes: [2560, 6912, 30, 20, 128256],
  kvHeads: 5,
  mlpBias: false,
  activation: "relu2",
  layerExtras: (config, { hiddenSize }) => [
    ...norm("self_attn.attn_sub_norm", hiddenSize),
    ...norm("mlp.ffn_sub_norm", config.int("intermediate_size")),
  ],
});

/** Persimmon, the text part of Fuyu: biases everywhere, LayerNorms on query and key heads. */
const persimmon = familyOf({
  id: "persimmon",
  classNames: ["PersimmonForCausalLM"],
  classSizes: [4096, 16384, 36, 64, 262144],
  norm: "layer",
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  qkNorm: "head",
  qkNormWhen: { key: "qk_layernorm", otherwise: true },
  attention: {
    fused: "query_key_value",
    outName: "dense",
    qkNormNames: ["q_layernorm", "k_layernorm"],
    qkNormBias: true,
  },
  plainMlp: ["dense_h_to_4h", "dense_4h_to_h"],
  activation: "relu2",
  names: { finalNorm: "model.final_layernorm" },
});

/** GPT-NeoX without biases but one, on the last layer's output. */
const gptNeoxJapanese = familyOf({
  id: "gpt_neox_japanese",
  classNames: ["GPTNeoXJapaneseForCausalLM"],
  tied: true,
  norm: "layer",
  attention: { name: "attention", fused: "query_key_value", outName: "dense" },
  plainMlp: ["dense_h_to_4h", "dense_4h_to_h"],
  activation: "gelu",
  width: (config, hiddenSize) => hiddenSize * config.int("intermediate_multiple_size", 4),
  names: {
    embedding: "gpt_neox_japanese.embed_in",
    layers: "gpt_neox_japanese.layers",
    finalNorm: "gpt_neox_japanese.final_layer_norm",
    head: "embed_out",
  },
  extras: (_config, { hiddenSize, layers }) => [
    vector(`gpt_neox_japanese.layers.${layers - 1}.attention.dense_bias`, "attention", [hiddenSize]),
  ],
});

/** CTRL: sinusoidal positions, a bias on the head. */
const ctrl = familyOf({
  id: "ctrl",
  classNames: ["CTRLLMHeadModel"],
  tied: true,
  norm: "layer",
  layerNorms: ["layernorm1", "layernorm2"],
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  headBias: true,
  attention: { name: "multi_head_attention", names: ["Wq", "Wk", "Wv", "dense"] },
  mlpName: "ffn",
  plainMlp: ["0", "2"],
  activation: "relu",
  width: (config) => config.int("dff", 8192),
  names: { embedding: "transformer.w", layers: "transformer.h", finalNorm: "transformer.layernorm" },
});

/** The first GPT: norms after the sublayers, none at the end. */
const openaiGpt = familyOf({
  id: "openai-gpt",
  classNames: ["OpenAIGPTLMHeadModel"],
  tied: true,
  norm: "layer",
  layerNorms: ["ln_1", "ln_2"],
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  attention: { name: "attn", fused: "c_attn", outName: "c_proj" },
  plainMlp: ["c_fc", "c_proj"],
  activation: "gelu_new",
  width: (_config, hiddenSize) => 4 * hiddenSize,
  finalNorm: false,
  names: { embedding: "transformer.tokens_embed", layers: "transformer.h" },
  extras: (config, { hiddenSize }) => [
    positionEmbedding("transformer.positions_embed", config.int(POSITION_KEYS, 512), hiddenSize),
  ],
});

/** Differential attention: four learned vectors per layer; the norm of its heads has no weight. */
const diffllama = familyOf({
  ...LLAMA,
  id: "diffllama",
  classNames: ["DiffLlamaForCausalLM"],
  classSizes: [2048, 8192, 16, 32, 32000],
  mlpBias: false,
  layerExtras: (_config, { headDim }) =>
    ["lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"].map((name) =>
      vector(`self_attn.${name}`, "attention", [headDim]),
    ),
});

/** Doge: a learned mask per KV head, weighted residuals. */
const doge = familyOf({
  ...LLAMA,
  id: "doge",
  classNames: ["DogeForCausalLM"],
  classSizes: [1024, 2048, 32, 8, 32768],
  qkNorm: "head",
  window: everyLayerWindow,
  check: (config) => {
    if (config.flag("is_moe", false)) config.fail("is_moe", "false: layers without experts");
  },
  layerExtras: (config, { hiddenSize, kvHeads, headDim }) => [
    vector("input_residual", "other", [hiddenSize]),
    vector("post_attention_residual", "other", [hiddenSize]),
    vector("self_attn.A", "attention", [kvHeads], "kv-heads"),
    ...linear({
      name: "self_attn.dt_proj",
      role: "other",
      group: "attention",
      outDim: kvHeads,
      inDim: kvHeads * headDim,
      bias: config.flag("attention_bias", false),
    }),
  ],
});

/** nanochat: norms without weights, squared ReLU. */
const nanochat = familyOf({
  id: "nanochat",
  classNames: ["NanoChatForCausalLM"],
  classSizes: [768, 8192, 12, 6, 50304],
  norm: "none",
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  plainMlp: ["fc1", "fc2"],
  activation: "relu2",
});

/** Jais 2: LayerNorms, biases everywhere, squared ReLU. */
const jais2 = familyOf({
  id: "jais2",
  classNames: ["Jais2ForCausalLM"],
  classSizes: [3328, 26624, 32, 26, 150272],
  norm: "layer",
  qkvBias: { key: "attention_bias", otherwise: true },
  oBias: { key: "attention_bias", otherwise: true },
  mlpBias: { key: "mlp_bias", otherwise: true },
  plainMlp: ["up_proj", "down_proj"],
  activation: "relu2",
});

/** HyperCLOVA X: by a key, a norm after each sublayer too. */
const hyperclovax = familyOf(
  { ...LLAMA, id: "hyperclovax", classNames: ["HyperCLOVAXForCausalLM"], mlpBias: MLP_BIAS },
  (config) =>
    config.flag("use_post_norm", true)
      ? { layerNorms: ["input_layernorm", "post_attention_layernorm", "post_norm1", "post_norm2"] }
      : {},
);

export const RARE_DECODERS: readonly Family[] = [
  bitnet,
  persimmon,
  xglm,
  biogpt,
  gptNeoxJapanese,
  ctrl,
  openaiGpt,
  diffllama,
  doge,
  nanochat,
  jais2,
  hyperclovax,
  cohere2Moe,
  mistral4,
  mellum,
  graniteMoeSwa,
  axK1,
  axK2,
  hyV4,
  modernbertDecoder,
  jetMoe,
  minimax,
  laguna,
  afmoe,
  step35,
  bailing,
  nemotronNas,
  solarOpen,
  hyV3,
];
