import { ATTENTION_BIAS, type DecoderRow, familyOf } from "../decoder-row.ts";
import { type ExpertsRow, expertsOf } from "../expert-rules.ts";

const GRANITE_EXPERTS = {
  count: 8,
  active: 2,
  keys: { count: "num_local_experts" },
  width: "intermediate_size",
  name: "",
  router: "block_sparse_moe.router.layer",
} as const satisfies ExpertsRow;

/** Llama attention; every layer has experts of width intermediate_size and, by a key, a shared MLP. */
const GRANITE_MOE: DecoderRow = {
  id: "granitemoe",
  classNames: ["GraniteMoeForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 32000],
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  experts: expertsOf(GRANITE_EXPERTS),
};
export const graniteMoe = familyOf(GRANITE_MOE);

export const GRANITE_MOE_SHARED: DecoderRow = {
  ...GRANITE_MOE,
  id: "granitemoeshared",
  classNames: ["GraniteMoeSharedForCausalLM"],
  experts: expertsOf({
    ...GRANITE_EXPERTS,
    shared: {
      name: "shared_mlp",
      width: ["shared_intermediate_size", 0],
      fused: "input_linear",
      names: ["", "", "output_linear"],
    },
  }),
};
export const graniteMoeShared = familyOf(GRANITE_MOE_SHARED);
