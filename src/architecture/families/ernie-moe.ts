import { familyOf } from "../decoder-row.ts";
import { expertsOf } from "../expert-rules.ts";

/** ERNIE 4.5 MoE: tied; layers from start to end, every `interval`-th, hold experts; one key for biases. */
export const ernie45Moe = familyOf({
  id: "ernie4_5_moe",
  classNames: ["Ernie4_5_MoeForCausalLM"],
  classSizes: [2560, 12288, 28, 20, 103424],
  tied: true,
  kvHeads: 4,
  qkvBias: { key: "use_bias", otherwise: false },
  oBias: { key: "use_bias", otherwise: false },
  mlpBias: { key: "use_bias", otherwise: false },
  headBias: { key: "use_bias", otherwise: false },
  experts: expertsOf({
    count: 64,
    active: 6,
    keys: { count: "moe_num_experts", active: "moe_k" },
    width: 1536,
    sparse: (config, layers) => {
      const first = config.count("moe_layer_start_index", 1);
      const last =
        config.raw.moe_layer_end_index === -1 ? layers - 1 : config.count("moe_layer_end_index", 27);
      const every = config.int("moe_layer_interval", 1);
      return (layer) => (layer + 1) % every === 0 && layer >= first && layer <= last;
    },
    choiceBias: "parameter",
    choiceBiasName: "gate.moe_statics.e_score_correction_bias",
    shared: { count: ["moe_num_shared_experts", 2], bias: { key: "use_bias", otherwise: false } },
  }),
});
