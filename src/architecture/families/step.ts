import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { firstDenseSparse, type Sparse } from "../expert-rules.ts";
import { moe } from "../moe.ts";
import { mtpStack } from "../mtp.ts";
import { listedWindow, windowTokensOf } from "../windows.ts";
import { gatedMixer, gateWidth } from "./gated-attention.ts";

/** Step 3.5 Flash: more query heads in the sliding layers, gates per head, experts in the listed layers. */
export const step35 = familyOf({
  id: "step3p5",
  modelTypes: ["step3p5", "step3p5_text"],
  classNames: ["Step3p5ForCausalLM"],
  classSizes: [4096, 11264, 45, 64, 128815],
  mlpBias: { key: "mlp_bias", otherwise: false },
  sizes: (config) => {
    const heads = config.int("num_attention_heads");
    const kvHeads = config.int(["num_attention_groups", "num_key_value_heads"], 8);
    if (heads % kvHeads !== 0)
      config.fail("num_attention_groups", `a divisor of the ${heads} attention heads`);
    return {
      hiddenSize: config.int("hidden_size"),
      layers: config.layers("num_hidden_layers"),
      vocabSize: config.int("vocab_size"),
      heads,
      kvHeads,
      headDim: config.int("head_dim", 128),
    };
  },
  mixer: (config, sizes) => {
    const sliding = config.child("attention_other_setting");
    const windowTokens = windowTokensOf(config);
    const types = config.texts("layer_types");
    const window = listedWindow(config, sizes.layers, windowTokens) ?? (() => undefined);
    const slidingHeads =
      config.optionalInt("num_sliding_attention_heads") ??
      sliding?.optionalInt("num_attention_heads") ??
      sizes.heads;
    return gatedMixer(config, sizes, {
      heads: (layer) => (types?.[layer] === "sliding_attention" ? slidingHeads : sizes.heads),
      window,
      gate: { name: "g_proj", width: gateWidth(config, sizes.headDim) },
      qkNorm: true,
    });
  },
  experts: (config, { hiddenSize, layers }) => ({
    sparse: stepSparseLayers(config, layers, 3),
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(
          config,
          { count: 288, active: 8 },
          {
            count: ["moe_num_experts", "n_routed_experts", "num_local_experts"],
            active: ["moe_top_k", "num_experts_per_tok"],
          },
        ),
        width: config.int("moe_intermediate_size", 1280),
        choiceBias: "buffer",
        shared: {
          name: "shared_experts",
          width: config.count(["share_expert_dim", "share_expert_dims"], 1280),
          bias: config.flag("mlp_bias", false),
        },
      }),
  }),
  // Its prediction layers slide, are dense, and have a head of their own each.
  mtp: (config, { hiddenSize, vocabSize }, body) =>
    mtpStack({
      config,
      hiddenSize,
      body,
      like: ({ mixers, feedForward }) =>
        feedForward.kind === "dense" &&
        mixers.some((m) => m.kind === "attention" && m.windowTokens !== undefined),
      copies: { vocabSize, of: ["head"] },
    }),
});

/** `mlp_layer_types`, else the layers of `moe_layers_enum` ("3,4,5"), else all from `first` on. */
export function stepSparseLayers(config: ConfigReader, layers: number, first: number): Sparse {
  if (config.has("mlp_layer_types")) return firstDenseSparse(config, layers, { firstDense: 0 });
  const listed = config.raw.moe_layers_enum;
  if (typeof listed !== "string") {
    const numbers = config.ints("moe_layers_enum");
    if (numbers === undefined) return (layer) => layer >= first;
    const set = new Set(numbers);
    return (layer) => set.has(layer);
  }
  const parts = listed.split(",").map((part) => part.trim());
  if (parts.length > layers + 1 || parts.some((part) => !/^\d{0,6}$/.test(part)))
    config.fail("moe_layers_enum", "layer numbers separated by commas");
  const set = new Set(parts.filter((part) => part !== "").map(Number));
  return (layer) => set.has(layer);
}
