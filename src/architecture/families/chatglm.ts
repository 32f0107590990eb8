import type { ConfigReader } from "../config-reader.ts";
import { buildRow, type DecoderRow } from "../decoder-row.ts";
import type { Family } from "../family.ts";

const CUSTOM_CODE = "one projection for q, k and v, another for gate and up";

/** ChatGLM 2 and 3, GLM-4-9B: grouped KV heads, RMSNorm, embedding of padded_vocab_size rows, untied. */
function chatglm2(config: ConfigReader): DecoderRow {
  const hiddenSize = config.int("hidden_size", 4096);
  const heads = config.int("num_attention_heads", 32);
  const grouped = config.flag("multi_query_attention", false);
  const kvHeads = grouped ? config.int("multi_query_group_num", 1) : heads;
  if (heads % kvHeads !== 0)
    config.fail("multi_query_group_num", `a divisor of the ${heads} attention heads`);
  const linearBias = config.flag("add_bias_linear", false);
  return {
    id: "chatglm",
    norm: config.flag("rmsnorm", true) ? "rms" : "layer",
    sizes: () => ({
      hiddenSize,
      layers: config.layers(["num_layers", "num_hidden_layers"]),
      vocabSize: config.int(["padded_vocab_size", "vocab_size"]),
      heads,
      kvHeads,
      headDim: config.int("kv_channels", 128),
    }),
    qkvBias: linearBias || config.flag("add_qkv_bias", false),
    oBias: linearBias,
    mlpBias: linearBias,
    attention: { name: "self_attention", fused: "query_key_value", outName: "dense" },
    gatedMlp: ["", "", "dense_4h_to_h"],
    fusedGateUp: "dense_h_to_4h",
    width: (given) => given.int("ffn_hidden_size"),
    finalNorm: config.flag("post_layer_norm", true),
    names: {
      embedding: "transformer.embedding.word_embeddings",
      layers: "transformer.encoder.layers",
      finalNorm: "transformer.encoder.final_layernorm",
      head: "transformer.output_layer",
    },
    customCode: CUSTOM_CODE,
  };
}

/** ChatGLM 1: LayerNorm, biases everywhere, a plain MLP of inner_hidden_size, tied. */
function chatglm1(config: ConfigReader): DecoderRow {
  return {
    id: "chatglm",
    tied: true,
    norm: "layer",
    qkvBias: true,
    oBias: true,
    mlpBias: true,
    attention: { name: "attention", fused: "query_key_value", outName: "dense" },
    plainMlp: ["dense_h_to_4h", "dense_4h_to_h"],
    width: () => config.int("inner_hidden_size"),
    names: {
      embedding: "transformer.word_embeddings",
      layers: "transformer.layers",
      finalNorm: "transformer.final_layernorm",
    },
    customCode: CUSTOM_CODE,
  };
}

export const chatglm: Family = {
  id: "chatglm",
  modelTypes: ["chatglm"],
  classNames: ["ChatGLMModel", "ChatGLMForConditionalGeneration"],
  build: (config) => buildRow(config.has("inner_hidden_size") ? chatglm1(config) : chatglm2(config), config),
};
