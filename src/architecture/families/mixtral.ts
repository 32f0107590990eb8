import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { moe } from "../moe.ts";
import { everyLayerWindow } from "../windows.ts";

/** Mistral attention; every layer has experts of width intermediate_size. */
export const mixtral = familyOf({
  id: "mixtral",
  classNames: ["MixtralForCausalLM"],
  classSizes: [4096, 14336, 32, 32, 32000],
  kvHeads: 8,
  window: everyLayerWindow,
  experts: (config, { hiddenSize }) => ({
    sparse: () => true,
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { count: 8, active: 2 }),
        width: config.int("intermediate_size"),
        name: "block_sparse_moe",
        expertNames: ["w1", "w3", "w2"],
      }),
  }),
});
