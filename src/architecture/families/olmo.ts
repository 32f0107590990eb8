import { ATTENTION_BIAS, type DecoderRow, familyOf } from "../decoder-row.ts";
import { expertsOf } from "../expert-rules.ts";
import { periodicWindow } from "../windows.ts";

/** Llama with a LayerNorm that has no weight at all. */
export const olmo = familyOf({
  id: "olmo",
  classNames: ["OlmoForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 50304],
  norm: "none",
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
});

/** Norms after each sublayer, and over all of q and k. */
const OLMO2: DecoderRow = {
  id: "olmo2",
  classNames: ["Olmo2ForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 50304],
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  layerNorms: ["post_attention_layernorm", "post_feedforward_layernorm"],
  qkNorm: "projection",
};
export const olmo2 = familyOf(OLMO2);

/** OLMo 2 with every fourth layer full. */
export const olmo3 = familyOf({
  ...OLMO2,
  id: "olmo3",
  classNames: ["Olmo3ForCausalLM"],
  window: (config, layers) => periodicWindow(config, layers, { period: 4, windowTokens: 4096 }),
});

/** Norms before each sublayer and over all of q and k; experts of width intermediate_size. */
const OLMOE: DecoderRow = {
  ...OLMO2,
  id: "olmoe",
  classNames: ["OlmoeForCausalLM"],
  classSizes: [2048, 2048, 16, 16, 50304],
  layerNorms: ["input_layernorm", "post_attention_layernorm"],
  experts: expertsOf({ count: 64, active: 8, width: "intermediate_size" }),
};
export const olmoe = familyOf(OLMOE);
export const flexOlmo = familyOf({
  ...OLMOE,
  id: "flex_olmo",
  classNames: ["FlexOlmoForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 100352],
  layerNorms: ["post_attention_layernorm", "post_feedforward_layernorm"],
  experts: expertsOf({ count: 7, active: 5, width: "intermediate_size" }),
});
