import { ATTENTION_BIAS, familyOf } from "../decoder-row.ts";
import { firstDenseSparse, moe, readExperts } from "../moe.ts";
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
  experts: (config, { hiddenSize, layers }) => {
    const width = config.int("moe_intermediate_size", 1408);
    return {
      sparse: firstDenseSparse(config, layers, { firstDense: 0 }),
      build: () =>
        moe({
          config,
          hiddenSize,
          experts: readExperts(config),
          width,
          choiceBias: "buffer",
          shared: { name: "shared_experts", width: width * config.count("n_shared_experts") },
        }),
    };
  },
});
