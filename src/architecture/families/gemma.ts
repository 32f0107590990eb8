import { decoder, gatedFeedForward, readDecoderSizes } from "../decoder.ts";
import type { Family } from "../family.ts";
import { periodicWindow } from "../windows.ts";

const FOUR_NORMS = [
  "input_layernorm",
  "post_attention_layernorm",
  "pre_feedforward_layernorm",
  "post_feedforward_layernorm",
] as const;

/** Head size 256, tied head, GeGLU. */
export const gemma: Family = {
  id: "gemma",
  modelTypes: ["gemma"],
  classNames: ["GemmaForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: true, kvHeads: 16, headDim: 256 });
    const bias = config.flag("attention_bias", false);
    return decoder({
      family: "gemma",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms-plus-one",
      attentionBias: { qkv: bias, o: bias },
      feedForward: () => gatedFeedForward(config, sizes.hiddenSize, { activation: "gelu_pytorch_tanh" }),
    });
  },
};

/** Four norms per layer; every second layer is full, the others slide over 4096 tokens. */
export const gemma2: Family = {
  id: "gemma2",
  modelTypes: ["gemma2"],
  classNames: ["Gemma2ForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: true, kvHeads: 4, headDim: 256 });
    const bias = config.flag("attention_bias", false);
    return decoder({
      family: "gemma2",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms-plus-one",
      layerNorms: FOUR_NORMS,
      attentionBias: { qkv: bias, o: bias },
      window: periodicWindow(config, sizes.layers, { period: 2, windowTokens: 4096 }),
      feedForward: () => gatedFeedForward(config, sizes.hiddenSize, { activation: "gelu_pytorch_tanh" }),
    });
  },
};

/** Gemma 2 plus norms on queries and keys; every sixth layer is full. */
export const gemma3Text: Family = {
  id: "gemma3_text",
  modelTypes: ["gemma3_text"],
  classNames: ["Gemma3ForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: true, kvHeads: 4, headDim: 256 });
    const bias = config.flag("attention_bias", false);
    return decoder({
      family: "gemma3_text",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms-plus-one",
      layerNorms: FOUR_NORMS,
      qkNorm: "head",
      attentionBias: { qkv: bias, o: bias },
      window: periodicWindow(config, sizes.layers, { period: 6, windowTokens: 4096 }),
      feedForward: () => gatedFeedForward(config, sizes.hiddenSize, { activation: "gelu_pytorch_tanh" }),
    });
  },
};
