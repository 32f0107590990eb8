/** openPangu: a llama with biases, and experts chosen one from each of eight groups. */

import { familyOf, type Option } from "../decoder-row.ts";
import { expertsBeside, expertsOf, stepSparse } from "../expert-rules.ts";
import { vector } from "../tensors.ts";
import { LLAMA } from "./llama.ts";

const BIAS: Option = { key: "bias", otherwise: true };

/** `bias` covers q, k, v and o. */
export const panguEmbedded = familyOf({
  ...LLAMA,
  id: "PanguEmbedded",
  classNames: ["PanguEmbeddedForCausalLM"],
  qkvBias: BIAS,
  oBias: BIAS,
  customCode: "llama with biases around attention",
});

/**
 * Pangu Pro MoE: a shared expert, and a learned scale for each of the routed ones.
 *
 * @example Pangu Pro MoE, 48 layers of 64 experts: 71,988,781,056 parameters, 72B as published
 */
export const panguProMoe = familyOf({
  id: "PanguProMoE",
  classNames: ["PanguProMoEForCausalLM"],
  qkvBias: true,
  oBias: true,
  experts: (config, sizes) => {
    const rule = expertsOf({
      width: "moe_intermediate_size",
      active: 8,
      sparse: stepSparse,
      shared: { name: "shared_expert", width: ["shared_expert_intermediate_size"] },
    })(config, sizes);
    return expertsBeside(rule, [vector("mlp.router_scale", "router", [1, config.int("num_experts")])]);
  },
  customCode: "qwen2_moe with biases and a scale per expert",
});
