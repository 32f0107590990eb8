/** Decoders whose positions live in the attention scores: BLOOM, MPT, Falcon (early ones). */
import type { ConfigReader } from "../config-reader.ts";
import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { norm } from "../tensors.ts";

const fourTimes = (hiddenSize: number): number => 4 * hiddenSize;

const NAMES = {
  embedding: "transformer.word_embeddings",
  layers: "transformer.h",
  finalNorm: "transformer.ln_f",
};

/** A norm on the embedding, biases everywhere, MLP of 4h whatever the keys say, tied. */
export const bloom = familyOf({
  id: "bloom",
  classNames: ["BloomForCausalLM"],
  classSizes: [64, 256, 2, 8, 250880],
  tied: true,
  norm: "layer",
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  attention: { name: "self_attention", fused: "query_key_value", outName: "dense" },
  plainMlp: ["dense_h_to_4h", "dense_4h_to_h"],
  activation: "gelu",
  width: (_config, hiddenSize) => fourTimes(hiddenSize),
  names: NAMES,
  extras: (_config, { hiddenSize }) => norm("transformer.word_embeddings_layernorm", hiddenSize, "bias"),
});

/**
 * No bias anywhere, not even in LayerNorm, MLP of 4h, tied.
 * transformers builds this one layout: what it cannot build is refused.
 */
export const mpt = familyOf({
  id: "mpt",
  classNames: ["MptForCausalLM", "MPTForCausalLM"],
  classSizes: [2048, 8192, 24, 16, 50368],
  tied: true,
  norm: "layer-no-bias",
  layerNorms: ["norm_1", "norm_2"],
  attention: { name: "attn", fused: "Wqkv", outName: "out_proj" },
  plainMlp: ["up_proj", "down_proj"],
  mlpName: "ffn",
  activation: "gelu",
  width: (config, hiddenSize) => Math.floor(config.number("expansion_ratio", 4) * hiddenSize),
  names: { embedding: "transformer.wte", layers: "transformer.blocks", finalNorm: "transformer.norm_f" },
  check: (config) => {
    const type = config.child("attn_config")?.optionalText("attn_type");
    if (type !== undefined && type !== "multihead_attention")
      config.fail("attn_config", "attn_type multihead_attention");
    if (!(config.number("expansion_ratio", 4) >= 1)) config.fail("expansion_ratio", "a number from 1");
  },
});

const FALCON: DecoderRow = {
  id: "falcon",
  modelTypes: ["falcon", "RefinedWeb", "RefinedWebModel"],
  classNames: ["FalconForCausalLM", "RWForCausalLM"],
  classSizes: [4544, 18176, 32, 71, 65024],
  tied: true,
  norm: "layer",
  qkvBias: { key: "bias", otherwise: false },
  oBias: { key: "bias", otherwise: false },
  mlpBias: { key: "bias", otherwise: false },
  plainMlp: ["dense_h_to_4h", "dense_4h_to_h"],
  activation: "gelu",
  widthDefault: fourTimes,
  names: NAMES,
};

/**
 * The files of RefinedWeb, Falcon 40B as first published, say nothing of the new decoder architecture; its size does
 * ("Hack for falcon-40b" in vLLM, transformers_utils/configs/falcon.py).
 */
const isFirst40B = (config: ConfigReader): boolean =>
  /^RefinedWeb/.test(config.text("model_type", "falcon")) && config.optionalInt("hidden_size") === 8192;

/**
 * KV heads: `num_kv_heads` in the new decoder architecture, else 1 with `multi_query`, else all.
 * Norms: two unless the block is parallel; a parallel block of the new architecture has two by default.
 * The new architecture broadcasts K and V to every query head before transformers caches them.
 */
export const falcon = familyOf(FALCON, (config) => {
  const newer = config.flag("new_decoder_architecture", isFirst40B(config));
  const parallel = config.flag("parallel_attn", true);
  const parallelNorms = config.count("num_ln_in_parallel_attn", newer ? 2 : 1);
  return {
    layerNorms: !parallel
      ? ["input_layernorm", "post_attention_layernorm"]
      : parallelNorms === 2
        ? ["ln_attn", "ln_mlp"]
        : ["input_layernorm"],
    attention: { name: "self_attention", fused: "query_key_value", outName: "dense" },
    ...(newer ? { broadcastBeforeCache: true } : {}),
    sizes: (given) => {
      const hiddenSize = given.int(["n_embed", "hidden_size"]);
      const heads = given.int(["num_attention_heads", "n_head"]);
      const kvHeads = newer
        ? given.int(["num_kv_heads", "n_head_kv"], heads)
        : given.flag("multi_query", true)
          ? 1
          : heads;
      if (hiddenSize % heads !== 0)
        given.fail("num_attention_heads", `a divisor of the hidden size ${hiddenSize}`);
      if (heads % kvHeads !== 0) given.fail("num_kv_heads", `a divisor of the ${heads} attention heads`);
      return {
        hiddenSize,
        layers: given.layers(["num_hidden_layers", "n_layer"]),
        vocabSize: given.int("vocab_size"),
        heads,
        kvHeads,
        headDim: hiddenSize / heads,
      };
    },
  };
});
