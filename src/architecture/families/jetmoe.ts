/** JetMoE: experts for the queries as well; keys and values are everybody's. */

import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { expertsBeside, expertsOf } from "../expert-rules.ts";
import type { Tensor } from "../model.ts";
import { experts } from "../moe.ts";
import { linear, vector } from "../tensors.ts";

/** An expert makes the queries of as many heads as there are keys, and k of them are chosen: k * kvHeads query heads. */
export const jetMoe = familyOf({
  id: "jetmoe",
  classNames: ["JetMoeForCausalLM"],
  classSizes: [2048, 5632, 12, 32, 32_000],
  tied: true,
  sizes: (config) => {
    const kvHeads = config.int("num_key_value_heads", 16);
    const { active } = readExperts(config, { count: 8, active: 2 });
    return {
      hiddenSize: config.int("hidden_size"),
      layers: config.layers("num_hidden_layers"),
      vocabSize: config.int("vocab_size"),
      heads: active * kvHeads,
      kvHeads,
      headDim: config.int("kv_channels", 128),
    };
  },
  mixer: (config, { hiddenSize, heads, kvHeads, headDim }) => {
    const { count, active } = readExperts(config, { count: 8, active: 2 });
    const keys = kvHeads * headDim;
    const name = "self_attention";
    // Up makes queries and down mixes them back; what lies between is attention.
    const queries: Tensor[] = experts({
      name: `${name}.experts`,
      router: `${name}.experts.router.layer`,
      hiddenSize,
      width: keys,
      experts: count,
      activeExperts: active,
      gated: false,
      names: ["", "input_linear", "output_linear"],
    }).map((tensor) => (tensor.kind === "expert" ? { ...tensor, group: "attention" } : tensor));
    return {
      build: () => ({
        mixers: [
          { kind: "attention", queryHeads: heads, kvHeads, keyDim: headDim, valueDim: headDim, cache: "own" },
        ],
        tensors: [
          ...queries,
          vector(`${name}.experts.bias`, "attention", [hiddenSize]),
          ...linear({
            name: `${name}.kv_proj`,
            role: "attn-qkv",
            group: "attention",
            outDim: 2 * keys,
            inDim: hiddenSize,
            split: "kv-heads",
          }),
        ],
      }),
    };
  },
  experts: (config, sizes) =>
    expertsBeside(
      expertsOf({ count: 8, active: 2, width: "intermediate_size", router: "router.layer" })(config, sizes),
      [vector("mlp.bias", "mlp", [sizes.hiddenSize])],
    ),
});
