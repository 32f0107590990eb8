import { ATTENTION_BIAS, type DecoderRow, familyOf } from "../decoder-row.ts";
import { moe } from "../moe.ts";
import { layerInts } from "../stack.ts";

/** Llama with RMSNorm on each query and key head. */
const HUNYUAN: DecoderRow = {
  id: "hunyuan_v1_dense",
  classNames: ["HunYuanDenseV1ForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 290943],
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  qkNorm: "head",
  attention: { qkNormNames: ["query_layernorm", "key_layernorm"] },
};
export const hunyuanDense = familyOf(HUNYUAN);

/**
 * Every layer has experts and a shared MLP. Each number of the experts may be a list with one entry per
 * layer; without moe_intermediate_size an expert is as wide as intermediate_size.
 */
export const hunyuanMoe = familyOf({
  ...HUNYUAN,
  id: "hunyuan_v1_moe",
  modelTypes: ["hunyuan_v1_moe"],
  classNames: ["HunYuanMoEV1ForCausalLM"],
  experts: (config, { hiddenSize, layers }) => {
    const count = layerInts(config, "num_experts", layers, 1);
    const active = layerInts(config, "moe_topk", layers, 1);
    const width = layerInts(config, ["moe_intermediate_size", "intermediate_size"], layers);
    const shared = layerInts(config, "num_shared_expert", layers, 1);
    return {
      sparse: () => true,
      keyOf: (layer) => `${count(layer)} ${active(layer)} ${width(layer)} ${shared(layer)}`,
      build: (layer) => {
        if (active(layer) > count(layer)) config.fail("moe_topk", `at most the ${count(layer)} experts`);
        return moe({
          config,
          hiddenSize,
          experts: { count: count(layer), active: active(layer) },
          width: width(layer),
          router: "gate.wg",
          shared: { name: "shared_mlp", width: shared(layer) * width(layer) },
        });
      },
    };
  },
});
