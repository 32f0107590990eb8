/** Classes that live in a model's own repository and follow llama but for names and biases. */
import { type DecoderRow, familyOf } from "../decoder-row.ts";

/** One key puts a bias on q, k, v and o: true in the 7B files. */
const INTERNLM: DecoderRow = {
  id: "internlm",
  classNames: ["InternLMForCausalLM"],
  qkvBias: { key: "bias", otherwise: true },
  oBias: { key: "bias", otherwise: true },
  customCode: "llama with biases in attention",
};
export const internlm = familyOf(INTERNLM);

/** q, k and v in one projection grouped by KV head. */
export const internlm2 = familyOf({
  ...INTERNLM,
  id: "internlm2",
  classNames: ["InternLM2ForCausalLM"],
  layerNorms: ["attention_norm", "ffn_norm"],
  attention: { name: "attention", fused: "wqkv", outName: "wo" },
  mlpName: "feed_forward",
  gatedMlp: ["w1", "w3", "w2"],
  names: { embedding: "model.tok_embeddings", head: "output" },
  customCode: "llama with q, k and v in one projection",
});

/** One key for q, k and v, another for o and the MLP. */
export const internlm3 = familyOf({
  id: "internlm3",
  classNames: ["InternLM3ForCausalLM"],
  qkvBias: { key: "qkv_bias", otherwise: false },
  oBias: { key: "bias", otherwise: false },
  mlpBias: { key: "bias", otherwise: false },
  customCode: "llama with a bias key for q, k and v and one for the rest",
});

/** 7B rotary, 13B ALiBi, both with as many KV heads as heads; Baichuan 2 normalises the head's rows. */
export const baichuan = familyOf({
  id: "baichuan",
  classNames: ["BaichuanForCausalLM", "BaiChuanForCausalLM"],
  attention: { fused: "W_pack" },
  customCode: "llama with q, k and v in one projection",
});
