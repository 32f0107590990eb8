import { ATTENTION_BIAS, familyOf, MLP_BIAS } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { moe } from "../moe.ts";

/** Llama with scaled residuals, tied; with `num_experts` every layer holds experts of intermediate_size. */
export const minicpm = familyOf({
  id: "minicpm",
  classNames: ["MiniCPMForCausalLM"],
  tied: true,
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  mlpBias: MLP_BIAS,
  experts: (config, { hiddenSize }) => ({
    sparse: () => config.count("num_experts", 0) > 0,
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { active: 2 }),
        width: config.int("intermediate_size"),
        expertNames: ["w1", "w3", "w2"],
      }),
  }),
  customCode: "llama, or mixtral with num_experts",
});
