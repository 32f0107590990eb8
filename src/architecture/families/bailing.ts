import type { ConfigReader } from "../config-reader.ts";
import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { firstDenseSparse, moe, readExperts } from "../moe.ts";
import { mtpStack } from "../mtp.ts";

/** Ling: q, k and v in one projection, DeepSeek experts without a choice bias. */
const BAILING: DecoderRow = {
  id: "bailing_moe",
  classNames: ["BailingMoeForCausalLM"],
  oBias: { key: "use_bias", otherwise: false },
  mlpBias: { key: "use_bias", otherwise: false },
  attention: { name: "attention", fused: "query_key_value", outName: "dense" },
  names: { embedding: "model.word_embeddings" },
  experts: (config, { hiddenSize, layers }) => bailingExperts(config, hiddenSize, layers, false),
  customCode: "llama attention in one projection, DeepSeek experts",
};
/** q, k and v carry a bias by either key. */
const eitherBias = (config: ConfigReader): Pick<DecoderRow, "qkvBias"> => ({
  qkvBias: config.flag("use_bias", false) || config.flag("use_qkv_bias", false),
});
export const bailing = familyOf(BAILING, eitherBias);

/** Ling 2: norms on each query and key head, a choice bias, prediction layers. */
export const bailing2 = familyOf(
  {
    ...BAILING,
    id: "bailing_moe_v2",
    classNames: ["BailingMoeV2ForCausalLM"],
    qkNorm: "head",
    qkNormWhen: { key: "use_qk_norm", otherwise: true },
    attention: {
      name: "attention",
      fused: "query_key_value",
      outName: "dense",
      qkNormNames: ["query_layernorm", "key_layernorm"],
    },
    experts: (config, { hiddenSize, layers }) =>
      bailingExperts(config, hiddenSize, layers, config.flag("moe_router_enable_expert_bias", true)),
    mtp: (config, { hiddenSize }, body) => mtpStack({ config, hiddenSize, body }),
  },
  eitherBias,
);

function bailingExperts(config: ConfigReader, hiddenSize: number, layers: number, choiceBias: boolean) {
  const width = config.int("moe_intermediate_size");
  const shared = config.optionalInt("moe_shared_expert_intermediate_size") ?? width;
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
