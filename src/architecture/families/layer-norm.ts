/** Llama-like decoders that kept LayerNorm. */
import { overriding } from "../config-reader.ts";
import { ATTENTION_BIAS, buildRow, type DecoderRow, familyOf, MLP_BIAS } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { everyLayerWindow, periodicWindow } from "../windows.ts";

/** Plain MLP, biases by one key, tied. */
export const starcoder2 = familyOf({
  id: "starcoder2",
  classNames: ["Starcoder2ForCausalLM"],
  classSizes: [3072, 12288, 30, 24, 49152],
  tied: true,
  kvHeads: 2,
  norm: "layer",
  qkvBias: { key: "use_bias", otherwise: true },
  oBias: { key: "use_bias", otherwise: true },
  mlpBias: { key: "use_bias", otherwise: true },
  plainMlp: ["c_fc", "c_proj"],
  activation: "gelu_pytorch_tanh",
  window: everyLayerWindow,
});

/** SwiGLU; a parallel block has no second norm; optional norms on each query and key head. */
export const stablelm = familyOf({
  id: "stablelm",
  modelTypes: ["stablelm", "stablelm_epoch"],
  classNames: ["StableLmForCausalLM", "StableLMEpochForCausalLM"],
  classSizes: [2560, 6912, 32, 32, 50304],
  norm: "layer",
  layerNorms: (config) =>
    config.flag("use_parallel_residual", false)
      ? ["input_layernorm"]
      : ["input_layernorm", "post_attention_layernorm"],
  qkvBias: { key: "use_qkv_bias", otherwise: false },
  // One norm of width head_dim per head: (nh + nkv) * hd weights.
  qkNorm: "projection",
  qkNormWhen: { key: "qk_layernorm", otherwise: false },
  attention: { qkNormNames: ["q_layernorm", "k_layernorm"] },
});

/** Minitron: plain MLP with a squared ReLU. */
export const nemotron = familyOf({
  id: "nemotron",
  classNames: ["NemotronForCausalLM"],
  classSizes: [6144, 24576, 32, 48, 256000],
  norm: "layer",
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  mlpBias: MLP_BIAS,
  plainMlp: ["up_proj", "down_proj"],
  activation: "relu2",
});

const ORION: DecoderRow = {
  id: "orion",
  classNames: ["OrionForCausalLM"],
  norm: "layer",
  customCode: "llama with LayerNorm",
};
export const orion = familyOf(ORION);

/** LayerNorm without bias, one per layer for a parallel block; tied. */
export const COHERE: DecoderRow = {
  id: "cohere",
  classNames: ["CohereForCausalLM"],
  classSizes: [8192, 22528, 40, 64, 256000],
  tied: true,
  norm: "layer-no-bias",
  layerNorms: ["input_layernorm"],
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  qkNorm: "projection",
  qkNormWhen: { key: "use_qk_norm", otherwise: false },
};
/** Command R: `model_max_length` beside a shorter max_position_embeddings, as vLLM's commandr.py reads it. */
export const cohere: Family = {
  ...familyOf(COHERE),
  build: (config) =>
    buildRow(
      COHERE,
      overriding(config, {
        max_position_embeddings: config.optionalInt(["model_max_length", "max_position_embeddings"]),
      }),
    ),
};

/** Cohere 2: every fourth layer sees everything; the class sets head_dim to hidden / heads itself. */
export const cohere2 = familyOf({
  ...COHERE,
  id: "cohere2",
  classNames: ["Cohere2ForCausalLM"],
  qkNormWhen: false,
  window: (config, layers) => periodicWindow(config, layers, { period: 4, windowTokens: 4096 }),
});
