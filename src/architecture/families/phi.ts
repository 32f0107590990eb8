import { ATTENTION_BIAS, type DecoderRow, familyOf } from "../decoder-row.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { expertsOf } from "../expert-rules.ts";
import { everyLayerWindow } from "../windows.ts";
import { MIXTRAL_EXPERTS } from "./mixtral.ts";

/** Parallel block under one LayerNorm, biases everywhere, the head included. */
const PHI: DecoderRow = {
  id: "phi",
  classNames: ["PhiForCausalLM"],
  classSizes: [2048, 8192, 24, 32, 51200],
  norm: "layer",
  layerNorms: ["input_layernorm"],
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  headBias: true,
  plainMlp: ["fc1", "fc2"],
  activation: "gelu_new",
  qkNorm: "head",
  qkNormWhen: { key: "qk_layernorm", otherwise: false },
  attention: { outName: "dense", qkNormBias: true, qkNormNames: ["q_layernorm", "k_layernorm"] },
};
export const phi = familyOf(PHI);

/** The files of Phi-1 and Phi-1.5 as first published: GPT-2 key names, n_inner null for 4h. */
export const phiMsft = familyOf({
  ...PHI,
  id: "phi-msft",
  modelTypes: ["phi-msft", "mixformer-sequential"],
  classNames: ["MixFormerSequentialForCausalLM"],
  alsoNamed: ["PhiForCausalLM"],
  widthDefault: (hiddenSize) => 4 * hiddenSize,
  sizes: (config) => {
    const sizes = readDecoderSizes(config, { tied: false });
    const multiple = config.int("pad_vocab_size_multiple", 64);
    return { ...sizes, vocabSize: Math.ceil(sizes.vocabSize / multiple) * multiple };
  },
  customCode: "phi",
});

/** Llama with q/k/v in one projection and gate/up in one; `sliding_window` holds in every layer. */
export const phi3 = familyOf({
  id: "phi3",
  classNames: ["Phi3ForCausalLM"],
  classSizes: [3072, 8192, 32, 32, 32064],
  attention: { fused: "qkv_proj" },
  fusedGateUp: "gate_up_proj",
  window: everyLayerWindow,
});

/** Phi-3 small: LayerNorm and biases everywhere, gate and up in one projection, tied. */
export const phi3small = familyOf({
  id: "phi3small",
  classNames: ["Phi3SmallForCausalLM"],
  tied: true,
  kvHeads: 8,
  norm: "layer",
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  attention: { fused: "query_key_value", outName: "dense" },
  fusedGateUp: "up_proj",
  activation: "gegelu",
  width: (config) => config.int(["ff_intermediate_size", "intermediate_size"]),
  customCode: "llama with LayerNorm and biases, q, k and v in one projection",
});

/** Mixtral's block under LayerNorms, with keys for biases on attention and head. */
export const phimoe = familyOf({
  id: "phimoe",
  classNames: ["PhimoeForCausalLM", "PhiMoEForCausalLM"],
  classSizes: [4096, 6400, 32, 32, 32064],
  kvHeads: 8,
  norm: "layer",
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  headBias: { key: "lm_head_bias", otherwise: false },
  window: everyLayerWindow,
  experts: expertsOf({ ...MIXTRAL_EXPERTS, count: 16 }),
});
