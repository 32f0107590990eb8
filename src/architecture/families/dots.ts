/** Grouped attention over DeepSeek experts. */

import { ATTENTION_BIAS, familyOf, MLP_BIAS } from "../decoder-row.ts";
import { expertsOf } from "../expert-rules.ts";
import { listedWindow, windowTokensOf } from "../windows.ts";

/** dots.llm1: Qwen3 attention over DeepSeek experts; layers from `max_window_layers` on slide. */
export const dots1 = familyOf({
  id: "dots1",
  classNames: ["Dots1ForCausalLM"],
  classSizes: [4608, 10944, 62, 32, 152064],
  kvHeads: 32,
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  qkNorm: "head",
  window: (config, layers) => {
    const windowTokens = windowTokensOf(config, 4096);
    const first = config.count("max_window_layers", 62);
    return (
      listedWindow(config, layers, windowTokens) ?? ((layer) => (layer >= first ? windowTokens : undefined))
    );
  },
  experts: expertsOf({
    width: 1408,
    firstDense: 0,
    choiceBias: "buffer",
    shared: { count: ["n_shared_experts"] },
  }),
});

/** Solar Open: every layer holds experts, o never carries a bias. */
export const solarOpen = familyOf({
  id: "solar_open",
  classNames: ["SolarOpenForCausalLM"],
  classSizes: [4096, 10240, 48, 64, 196608],
  kvHeads: 8,
  headDim: 128,
  qkvBias: ATTENTION_BIAS,
  experts: expertsOf({
    count: 128,
    active: 8,
    width: 1280,
    choiceBias: "buffer",
    shared: { count: ["n_shared_experts", 1] },
  }),
});

/** Hunyuan 3: norms on each query and key head, the first layer dense. */
export const hyV3 = familyOf({
  id: "hy_v3",
  classNames: ["HYV3ForCausalLM"],
  classSizes: [4096, 13312, 80, 64, 120832],
  kvHeads: 8,
  headDim: 128,
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  mlpBias: MLP_BIAS,
  qkNorm: "head",
  experts: expertsOf({
    count: 192,
    active: 8,
    width: 1536,
    firstDense: 1,
    choiceBias: "buffer",
    choiceBiasName: "e_score_correction_bias",
    shared: { count: ["num_shared_experts", 1], bias: MLP_BIAS },
  }),
});
