/** DeepSeek and the models that took over its layout: latent attention, a few dense layers, then experts. */
import { type DecoderRow, familyOf, MLP_BIAS } from "../decoder-row.ts";
import { type ExpertsRow, expertsBeside, expertsOf } from "../expert-rules.ts";
import { indexerLayers, type LatentDims, latentMixer, latentSizes } from "../latent-attention.ts";
import type { LayerKind } from "../model.ts";
import { mtpStack } from "../mtp.ts";
import { norm } from "../tensors.ts";

const V3_DIMS: LatentDims = {
  queryLatentDim: 1536,
  latentDim: 512,
  nopeDim: 128,
  ropeDim: 64,
  valueDim: 128,
};
const GLM_DIMS: LatentDims = {
  queryLatentDim: 768,
  latentDim: 512,
  nopeDim: 192,
  ropeDim: 64,
  valueDim: 256,
};

/** DeepSeek-MoE 16B: llama attention. */
export const deepseek = familyOf({
  id: "deepseek",
  classNames: ["DeepseekForCausalLM"],
  qkvBias: { key: "attention_bias", otherwise: false },
  oBias: { key: "attention_bias", otherwise: false },
  experts: (config, sizes) =>
    config.has("n_routed_experts")
      ? expertsOf({ width: 1407, shared: { count: ["n_shared_experts", 0] }, firstDense: 0 })(config, sizes)
      : { sparse: () => false, build: () => config.fail("n_routed_experts", "a number of experts") },
  customCode: "llama attention with DeepSeek experts",
});

export const deepseekV2 = familyOf({
  id: "deepseek_v2",
  classNames: ["DeepseekV2ForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 102400],
  mlpBias: MLP_BIAS,
  sizes: latentSizes,
  mixer: latentMixer(V3_DIMS),
  // The class leaves the chosen experts to the file; V2 and V2-Lite choose 6 of theirs.
  experts: expertsOf({
    count: 64,
    active: 6,
    width: 1407,
    firstDense: 0,
    shared: { count: ["n_shared_experts", 2], bias: MLP_BIAS },
  }),
});

const V3_EXPERTS = {
  count: 256,
  active: 8,
  width: 2048,
  firstDense: 3,
  choiceBias: "buffer",
  shared: { count: ["n_shared_experts", 1] },
} as const satisfies ExpertsRow;

/** V3, R1 and Kimi-K2; its prediction layer comes with copies of embedding and head. */
const V3: DecoderRow = {
  id: "deepseek_v3",
  modelTypes: ["deepseek_v3", "kimi_k2"],
  classNames: ["DeepseekV3ForCausalLM"],
  classSizes: [7168, 18432, 61, 128, 129280],
  sizes: latentSizes,
  mixer: latentMixer(V3_DIMS),
  experts: expertsOf(V3_EXPERTS),
  mtp: (config, { hiddenSize, vocabSize }, body) =>
    mtpStack({ config, hiddenSize, body, copies: { vocabSize, of: ["embedding", "head"] } }),
};
export const deepseekV3 = familyOf(V3);

/** A.X K1: V3 without a choice bias, and a norm behind the experts. */
export const axK1 = familyOf({
  ...V3,
  id: "axk1",
  modelTypes: ["axk1"],
  classNames: ["AXK1ForCausalLM"],
  classSizes: [7168, 18432, 61, 64, 163840],
  experts: (config, sizes) => {
    const rule = expertsOf({ ...V3_EXPERTS, count: 192, firstDense: 1 })(config, sizes);
    return expertsBeside(rule, norm("mlp.post_mlp_layernorm", sizes.hiddenSize));
  },
});

/** V3 with an indexer in every layer. */
export const deepseekV32 = familyOf({
  ...V3,
  id: "deepseek_v32",
  modelTypes: ["deepseek_v32"],
  classNames: ["DeepseekV32ForCausalLM"],
  mixer: latentMixer(V3_DIMS, (config) => {
    const indexer = { heads: config.int("index_n_heads", 64), keyDim: config.int("index_head_dim", 128) };
    return () => indexer;
  }),
});

/** GLM-4.7 Flash. */
export const glm4MoeLite = familyOf({
  ...V3,
  id: "glm4_moe_lite",
  modelTypes: ["glm4_moe_lite"],
  classNames: ["Glm4MoeLiteForCausalLM"],
  classSizes: [2048, 10240, 47, 20, 154880],
  mixer: latentMixer(GLM_DIMS),
  experts: expertsOf({ ...V3_EXPERTS, count: 64, active: 4, width: 1536, firstDense: 1 }),
});

/** The prediction layer of GLM-5 chooses its own tokens, whatever the last layer does. */
const hasIndexerAndExperts = ({ mixers, feedForward }: LayerKind): boolean =>
  feedForward.kind === "experts" &&
  mixers.some((mixer) => mixer.kind === "latent" && mixer.indexer !== undefined);

/** GLM-5: an indexer in the layers marked full, the others read the last one's choice; no copies in MTP. */
export const glmMoeDsa = familyOf({
  ...V3,
  id: "glm_moe_dsa",
  modelTypes: ["glm_moe_dsa"],
  classNames: ["GlmMoeDsaForCausalLM"],
  classSizes: [6144, 12288, 78, 64, 154880],
  mixer: latentMixer({ ...GLM_DIMS, queryLatentDim: 2048 }, (config, layers) => {
    const indexer = { heads: config.int("index_n_heads", 32), keyDim: config.int("index_head_dim", 128) };
    const full = indexerLayers(config, layers);
    return (layer) => (full(layer) ? indexer : undefined);
  }),
  mtp: (config, { hiddenSize }, body) => mtpStack({ config, hiddenSize, body, like: hasIndexerAndExperts }),
});

/** MiniCPM3: latent attention over a dense MLP; its file has no model_type. */
export const minicpm3 = familyOf({
  id: "minicpm3",
  classNames: ["MiniCPM3ForCausalLM"],
  classSizes: [2560, 6400, 62, 40, 73448],
  tied: true,
  mlpBias: MLP_BIAS,
  sizes: latentSizes,
  mixer: (config, sizes) =>
    latentMixer({
      queryLatentDim: 768,
      latentDim: 256,
      nopeDim: 64,
      ropeDim: 32,
      valueDim: Math.floor(sizes.hiddenSize / sizes.heads),
    })(config, sizes),
});

/** Youtu-LLM: latent attention over a dense MLP. */
export const youtu = familyOf({
  id: "youtu",
  classNames: ["YoutuForCausalLM"],
  classSizes: [2048, 6144, 32, 16, 128256],
  tied: true,
  sizes: latentSizes,
  mixer: latentMixer(V3_DIMS),
});
