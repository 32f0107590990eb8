import { familyOf } from "../decoder-row.ts";
import { HIDDEN_KEYS, LAYER_KEYS } from "../decoder-sizes.ts";

/**
 * Qwen 1: q, k and v in one biased projection of kv_channels per head, an output of no bias, and an MLP
 * whose two inputs are each half of intermediate_size wide: 3*h*(f/2).
 */
export const qwen1 = familyOf({
  id: "qwen",
  classNames: ["QWenLMHeadModel"],
  sizes: (config) => {
    const heads = config.int(["num_attention_heads", "n_head"]);
    const headDim = config.int("kv_channels", 128);
    return {
      hiddenSize: config.int(HIDDEN_KEYS),
      layers: config.layers(LAYER_KEYS),
      vocabSize: config.int(["padded_vocab_size", "vocab_size"]),
      heads,
      kvHeads: heads,
      headDim,
    };
  },
  layerNorms: ["ln_1", "ln_2"],
  qkvBias: true,
  oBias: { key: "no_bias", otherwise: true, negated: true },
  mlpBias: { key: "no_bias", otherwise: true, negated: true },
  attention: { name: "attn", fused: "c_attn", outName: "c_proj" },
  gatedMlp: ["w2", "w1", "c_proj"],
  width: (config) => {
    const both = config.int(["intermediate_size", "ffn_hidden_size"]);
    if (both % 2 !== 0) config.fail("intermediate_size", "an even number, the width of w1 and w2 together");
    return both / 2;
  },
  names: { embedding: "transformer.wte", layers: "transformer.h", finalNorm: "transformer.ln_f" },
  customCode: "q, k and v in one biased projection, an MLP of half intermediate_size",
});
