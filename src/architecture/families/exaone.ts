import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { expertsOf } from "../expert-rules.ts";
import { periodicWindow } from "../windows.ts";

/** EXAONE 3: llama under GPT-2's names, its class in the model's repository. */
export const exaone = familyOf({
  id: "exaone",
  classNames: ["ExaoneForCausalLM"],
  layerNorms: ["ln_1", "ln_2"],
  attention: { name: "attn.attention", outName: "out_proj" },
  names: { embedding: "transformer.wte", layers: "transformer.h", finalNorm: "transformer.ln_f" },
  customCode: "llama",
});

/** Norms after each sublayer and on each query and key head; every fourth layer full, or as LLLG says. */
const EXAONE4: DecoderRow = {
  id: "exaone4",
  classNames: ["Exaone4ForCausalLM"],
  classSizes: [4096, 16384, 32, 32, 102400],
  kvHeads: 32,
  layerNorms: ["post_attention_layernorm", "post_feedforward_layernorm"],
  qkNorm: "head",
  window: (config, layers) => periodicWindow(config, layers, { period: 4, windowTokens: 4096 }),
};
export const exaone4 = familyOf(EXAONE4);

/** K-EXAONE: EXAONE 4 attention under norms before each sublayer, DeepSeek experts. */
export const exaoneMoe = familyOf({
  ...EXAONE4,
  id: "exaone_moe",
  classNames: ["ExaoneMoeForCausalLM"],
  layerNorms: ["input_layernorm", "post_attention_layernorm"],
  experts: expertsOf({
    count: 64,
    active: 8,
    width: 1024,
    firstDense: 1,
    choiceBias: "buffer",
    choiceBiasName: "e_score_correction_bias",
    shared: { count: ["num_shared_experts", 1] },
  }),
});
