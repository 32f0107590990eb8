import { ATTENTION_BIAS, type DecoderRow, familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { stepSparse } from "../expert-rules.ts";
import { moe } from "../moe.ts";
import { mtpStack } from "../mtp.ts";
import { qwenWindow } from "../windows.ts";

/** Llama with biases on q, k and v that no key announces. */
export const QWEN2: DecoderRow = {
  id: "qwen2",
  classNames: ["Qwen2ForCausalLM"],
  classSizes: [4096, 22016, 32, 32, 151936],
  kvHeads: 32,
  qkvBias: true,
  window: qwenWindow,
};
export const qwen2 = familyOf(QWEN2);

/** Qwen2 attention over routed experts and one gated shared expert. */
export const qwen2Moe = familyOf({
  ...QWEN2,
  id: "qwen2_moe",
  classNames: ["Qwen2MoeForCausalLM"],
  classSizes: [2048, 5632, 24, 16, 151936],
  kvHeads: 16,
  qkvBias: { key: "qkv_bias", otherwise: true },
  // This class slides the even layers below max_window_layers.
  window: (config, layers) => qwenWindow(config, layers, (layer, below) => layer % 2 === 0 && layer < below),
  experts: (config, { hiddenSize }) => ({
    sparse: stepSparse(config),
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { count: 60, active: 4 }),
        width: config.int("moe_intermediate_size", 1408),
        shared: {
          name: "shared_expert",
          width: config.int("shared_expert_intermediate_size", 5632),
          gate: "shared_expert_gate",
        },
      }),
  }),
});

/** Qwen2 without those biases and with RMSNorm on each query and key head; head size 128 by default. */
export const QWEN3: DecoderRow = {
  ...QWEN2,
  id: "qwen3",
  classNames: ["Qwen3ForCausalLM"],
  headDim: 128,
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  qkNorm: "head",
};
export const qwen3 = familyOf(QWEN3);

const { headDim: _noClassHeadDim, ...QWEN3_WITHOUT_HEAD_DIM } = QWEN3;

/** Qwen3 attention over routed experts without a shared one; a window, if used, holds in every layer. */
export const QWEN3_MOE: DecoderRow = {
  ...QWEN3_WITHOUT_HEAD_DIM,
  id: "qwen3_moe",
  classNames: ["Qwen3MoeForCausalLM"],
  classSizes: [2048, 6144, 24, 32, 151936],
  kvHeads: 4,
  window: (config, layers) => qwenWindow(config, layers, () => true),
  experts: (config, { hiddenSize }) => ({
    sparse: stepSparse(config),
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { count: 128, active: 8 }),
        width: config.int("moe_intermediate_size", 768),
      }),
  }),
};
export const qwen3Moe = familyOf(QWEN3_MOE);

/** MiMo-7B: Qwen2 with prediction layers in the file. */
export const mimo = familyOf({
  ...QWEN2,
  id: "mimo",
  classNames: ["MiMoForCausalLM"],
  mtp: (config, { hiddenSize }, body) => mtpStack({ config, hiddenSize, body }),
  customCode: "qwen2 with multi-token-prediction layers",
});
