import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { DecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import { type ExpertsRule, firstDenseSparse } from "../expert-rules.ts";
import { moe } from "../moe.ts";
import { mtpStack } from "../mtp.ts";

/** Files of Ling 2 carry the first version's model_type under the second's class name. */
const isSecond = (config: ConfigReader): boolean =>
  config.optionalText("model_type") === "bailing_moe_v2" ||
  (config.texts("architectures") ?? []).includes("BailingMoeV2ForCausalLM");

/**
 * Ling: q, k and v in one projection, first layers dense, shared experts as one MLP. Ling 2 adds norms on
 * each query and key head, a choice bias and prediction layers.
 */
export const bailing = familyOf(
  {
    id: "bailing_moe",
    modelTypes: ["bailing_moe", "bailing_moe_v2"],
    classNames: ["BailingMoeForCausalLM", "BailingMoeV2ForCausalLM"],
    oBias: { key: "use_bias", otherwise: false },
    mlpBias: { key: "use_bias", otherwise: false },
    attention: {
      name: "attention",
      fused: "query_key_value",
      outName: "dense",
      qkNormNames: ["query_layernorm", "key_layernorm"],
    },
    names: { embedding: "model.word_embeddings" },
    qkNorm: "head",
    experts: bailingExperts,
    mtp: (config, { hiddenSize }, body) => mtpStack({ config, hiddenSize, body }),
    customCode: "llama attention in one projection, DeepSeek experts",
  },
  (config) => ({
    qkvBias: config.flag("use_bias", false) || config.flag("use_qkv_bias", false),
    qkNormWhen: { key: "use_qk_norm", otherwise: isSecond(config) },
  }),
);

function bailingExperts(config: ConfigReader, { hiddenSize, layers }: DecoderSizes): ExpertsRule {
  const width = config.int("moe_intermediate_size");
  const shared = config.optionalInt("moe_shared_expert_intermediate_size") ?? width;
  const choiceBias = config.flag("moe_router_enable_expert_bias", isSecond(config));
  return {
    sparse: firstDenseSparse(config, layers, { firstDense: 0 }),
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config),
        width,
        ...(choiceBias ? { choiceBias: "buffer" as const, choiceBiasName: "gate.expert_bias" } : {}),
        shared: {
          name: "shared_experts",
          width: shared * config.count("num_shared_experts", 0),
          bias: config.flag("use_bias", false),
        },
      }),
  };
}
