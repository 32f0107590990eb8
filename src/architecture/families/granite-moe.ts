import { ATTENTION_BIAS, type DecoderRow, familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { moe } from "../moe.ts";

/** Llama attention; every layer has experts of width intermediate_size and, by a key, a shared MLP. */
const GRANITE_MOE: DecoderRow = {
  id: "granitemoe",
  classNames: ["GraniteMoeForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 32000],
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  experts: (config, { hiddenSize }) => ({
    sparse: () => true,
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { count: 8, active: 2 }, { count: "num_local_experts" }),
        width: config.int("intermediate_size"),
        name: "",
        router: "block_sparse_moe.router.layer",
      }),
  }),
};
export const graniteMoe = familyOf(GRANITE_MOE);

export const GRANITE_MOE_SHARED: DecoderRow = {
  ...GRANITE_MOE,
  id: "granitemoeshared",
  classNames: ["GraniteMoeSharedForCausalLM"],
  experts: (config, { hiddenSize }) => ({
    sparse: () => true,
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { count: 8, active: 2 }, { count: "num_local_experts" }),
        width: config.int("intermediate_size"),
        name: "",
        router: "block_sparse_moe.router.layer",
        shared: {
          name: "shared_mlp",
          width: config.count("shared_intermediate_size", 0),
          fused: "input_linear",
          names: ["", "", "output_linear"],
        },
      }),
  }),
};
export const graniteMoeShared = familyOf(GRANITE_MOE_SHARED);
