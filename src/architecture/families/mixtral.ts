import { familyOf } from "../decoder-row.ts";
import { type ExpertsRow, expertsOf } from "../expert-rules.ts";
import { everyLayerWindow } from "../windows.ts";

/** Experts of width intermediate_size in every layer. */
export const MIXTRAL_EXPERTS = {
  count: 8,
  active: 2,
  width: "intermediate_size",
  name: "block_sparse_moe",
  expertNames: ["w1", "w3", "w2"],
} as const satisfies ExpertsRow;

/** Mistral attention. */
export const mixtral = familyOf({
  id: "mixtral",
  classNames: ["MixtralForCausalLM"],
  classSizes: [4096, 14336, 32, 32, 32000],
  kvHeads: 8,
  window: everyLayerWindow,
  experts: expertsOf(MIXTRAL_EXPERTS),
});
