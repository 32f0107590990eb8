import { ATTENTION_BIAS, type DecoderRow, familyOf } from "../decoder-row.ts";
import { periodicWindow } from "../windows.ts";

/** Head size 256, tied head, GeGLU. */
const GEMMA: DecoderRow = {
  id: "gemma",
  classNames: ["GemmaForCausalLM"],
  classSizes: [3072, 24576, 28, 16, 256000],
  tied: true,
  kvHeads: 16,
  headDim: 256,
  norm: "rms-plus-one",
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  activation: "gelu_pytorch_tanh",
};
export const gemma = familyOf(GEMMA);

/** Four norms per layer; every second layer is full, the others slide over 4096 tokens. */
const GEMMA2: DecoderRow = {
  ...GEMMA,
  id: "gemma2",
  classNames: ["Gemma2ForCausalLM"],
  classSizes: [2304, 9216, 26, 8, 256000],
  kvHeads: 4,
  layerNorms: [
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
  ],
  window: (config, layers) => periodicWindow(config, layers, { period: 2, windowTokens: 4096 }),
};
export const gemma2 = familyOf(GEMMA2);

/** Gemma 2 without the norms after the sublayers. */
export const vaultGemma = familyOf({
  ...GEMMA2,
  id: "vaultgemma",
  classNames: ["VaultGemmaForCausalLM"],
  layerNorms: ["input_layernorm", "pre_feedforward_layernorm"],
});

/**
 * Gemma 2 plus norms on queries and keys; every sixth layer is full. With `use_bidirectional_attention` (EmbeddingGemma)
 * every position sees both sides of it, half a window each, and nothing is cached.
 */
export const gemma3Text = familyOf(
  {
    ...GEMMA2,
    id: "gemma3_text",
    classNames: ["Gemma3ForCausalLM"],
    classSizes: [2304, 9216, 26, 8, 262208],
    qkNorm: "head",
    window: (config, layers) => periodicWindow(config, layers, { period: 6, windowTokens: 4096 }),
  },
  (config) => (config.raw.use_bidirectional_attention === true ? { role: "encoder" } : {}),
);
