import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { HIDDEN_KEYS } from "../decoder-sizes.ts";
import { expertsOf } from "../expert-rules.ts";
import { mtpStack } from "../mtp.ts";

/** Biases on q, k and v, gate and up in one projection, 2 KV heads. */
const GLM: DecoderRow = {
  id: "glm",
  classNames: ["GlmForCausalLM"],
  classSizes: [4096, 13696, 40, 32, 151552],
  kvHeads: 2,
  headDim: 128,
  qkvBias: { key: "attention_bias", otherwise: true },
  fusedGateUp: "gate_up_proj",
};
export const glm = familyOf(GLM);

/** GLM with norms around both sublayers. */
export const glm4 = familyOf({
  ...GLM,
  id: "glm4",
  classNames: ["Glm4ForCausalLM"],
  layerNorms: [
    "input_layernorm",
    "post_attention_layernorm",
    "post_self_attn_layernorm",
    "post_mlp_layernorm",
  ],
});

/** GLM-4.5: first layers dense, sigmoid routing with a choice bias, prediction layers with copies of both embeddings. */
const GLM4_MOE: DecoderRow = {
  id: "glm4_moe",
  classNames: ["Glm4MoeForCausalLM"],
  classSizes: [4096, 10944, 46, 96, 151552],
  kvHeads: 8,
  qkvBias: { key: "attention_bias", otherwise: false },
  qkNorm: "head",
  qkNormWhen: { key: "use_qk_norm", otherwise: false },
  experts: expertsOf({
    count: 128,
    active: 8,
    width: 1408,
    firstDense: 1,
    choiceBias: "buffer",
    shared: { count: ["n_shared_experts", 1] },
  }),
  mtp: (config, { hiddenSize, vocabSize }, body) =>
    mtpStack({ config, hiddenSize, body, copies: { vocabSize, of: ["embedding", "head"] } }),
};

/** Without a head_dim the class rounds hidden / heads down: 4096 / 96 is 42. */
export const glm4Moe = familyOf(GLM4_MOE, (config) => ({
  headDim: Math.floor(config.int(HIDDEN_KEYS) / config.int("num_attention_heads")),
}));
