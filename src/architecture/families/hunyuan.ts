import { ATTENTION_BIAS, type DecoderRow, familyOf, type MixerRule } from "../decoder-row.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { moe } from "../moe.ts";
import { layerInts } from "../stack.ts";
import { without } from "./gemma4.ts";

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
const HUNYUAN_MOE = {
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
} as const satisfies DecoderRow;
export const hunyuanMoe = familyOf(HUNYUAN_MOE);

/** Layers in groups of `cla_share_factor`: the first keeps keys and values, the others read them and hold queries alone. */
const sharedInGroups: NonNullable<DecoderRow["mixer"]> = (config, sizes): MixerRule => {
  const { hiddenSize, heads, kvHeads, headDim } = sizes;
  const group = config.flag("use_cla", false) ? config.int("cla_share_factor", 1) : 1;
  const bias = config.flag("attention_bias", false);
  const reads = (layer: number): boolean => layer % group !== 0;
  return {
    keyOf: (layer) => String(reads(layer)),
    build: (layer) => {
      const parts = selfAttention({
        name: "self_attn",
        hiddenSize,
        heads,
        kvHeads,
        keyDim: headDim,
        bias: { qkv: bias, o: bias },
        qkNorm: config.flag("use_qk_norm", false) ? "head" : undefined,
        qkNormNames: ["query_layernorm", "key_layernorm"],
        cache: reads(layer) ? "shared" : "own",
      });
      return { ...parts, tensors: without(parts, reads(layer) ? ["k_proj", "v_proj"] : []) };
    },
  };
};

/**
 * Hunyuan-Large: every other layer reads the keys and values of the one before it.
 *
 * @example 64 layers of 16 experts and a shared one: 388,698,128,640 parameters, 389B as published
 */
export const hunyuanLarge = familyOf({
  ...HUNYUAN_MOE,
  id: "hunyuan",
  modelTypes: ["hunyuan"],
  classNames: ["HunYuanForCausalLM", "HunYuanMoEForCausalLM"],
  sizes: (config) => {
    const sizes = readDecoderSizes(config, { tied: false });
    return { ...sizes, headDim: config.int(["head_dim", "attention_head_dim"], sizes.headDim) };
  },
  mixer: sharedInGroups,
  customCode: "hunyuan_v1_moe with keys and values shared between layers",
});
