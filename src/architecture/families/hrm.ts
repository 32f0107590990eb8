/** HRM-Text: two stacks of equal layers that take turns, the low one several times for each turn of the high one. */

import { LARGEST_LAYER_COUNT, overriding } from "../config-reader.ts";
import { ATTENTION_BIAS, familyOf, MLP_BIAS, readOption } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { linear, vector } from "../tensors.ts";

/** Norms without weights and a gate on what attention gives. */
const layers = familyOf({
  id: "hrm_text",
  classNames: ["HrmTextForCausalLM"],
  norm: "none",
  finalNorm: false,
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  mlpBias: MLP_BIAS,
  headDim: 128,
  names: { layers: "model.L_module.layers" },
  layerExtras: (config, { hiddenSize, heads, headDim }) =>
    linear({
      name: "self_attn.gate_proj",
      role: "attn-gate",
      group: "attention",
      outDim: heads * headDim,
      inDim: hiddenSize,
      split: "heads",
      bias: readOption(config, ATTENTION_BIAS),
    }),
  extras: (_config, { hiddenSize }) => [vector("model.z_L_init", "other", [hiddenSize])],
});

/**
 * Layers per stack n: `num_layers_per_stack`, else `num_hidden_layers`, which the class rewrites to the number of
 * caches, n * H_cycles * (L_cycles + 1): every turn of a layer keeps keys and values of its own.
 *
 * @example HRM-Text-1B: 2 stacks of 16 layers, 128 caches, 1,447,822,848 parameters
 */
export const hrmText: Family = {
  ...layers,
  build: (config, families) => {
    const high = config.int("H_cycles", 2);
    const low = config.int("L_cycles", 3);
    if (high * low > LARGEST_LAYER_COUNT)
      config.fail(config.raw.L_cycles === undefined ? "H_cycles" : "L_cycles", "fewer turns");
    const each = config.layers(["num_layers_per_stack", "num_hidden_layers"]);
    const draft = layers.build(overriding(config, { num_hidden_layers: each }), families);
    const stack = draft.stacks[0]!;
    return {
      ...draft,
      stacks: [
        { ...stack, repeats: high * low },
        { ...stack, prefix: "model.H_module.layers", repeats: high },
      ],
    };
  },
};
