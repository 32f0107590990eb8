import { ATTENTION_BIAS, familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { expertsOf, firstDenseSparse } from "../expert-rules.ts";
import { latentMixer, latentSizes } from "../latent-attention.ts";
import { moe } from "../moe.ts";
import { vector } from "../tensors.ts";
import { listedWindow, periodicWindow, windowTokensOf } from "../windows.ts";
import { GRANITE_MOE_SHARED } from "./granite-moe.ts";
import { COHERE } from "./layer-norm.ts";

/** Cohere 2 with routed experts of intermediate_size; the first layers may be dense, with a width of their own. */
export const cohere2Moe = familyOf({
  ...COHERE,
  id: "cohere2_moe",
  classNames: ["Cohere2MoeForCausalLM"],
  qkNormWhen: false,
  window: (config, layers) => {
    const windowTokens = windowTokensOf(config, 4096);
    const first = config.count("first_k_dense_replace", 0);
    const listed = listedWindow(config, layers, windowTokens);
    if (first === 0 || listed !== undefined || windowTokens === undefined)
      return listed ?? periodicWindow(config, layers, { period: 4, windowTokens: 4096 });
    const [before, after] = [
      config.int("prefix_dense_sliding_window_pattern", 1),
      config.int("sliding_window_pattern", 4),
    ];
    return (layer) =>
      (layer < first ? (layer + 1) % before : (layer - first + 1) % after) === 0 ? undefined : windowTokens;
  },
  experts: (config, { hiddenSize, layers }) => {
    const width = config.int("intermediate_size");
    return {
      sparse: firstDenseSparse(config, layers, { firstDense: 0 }),
      denseWidth: config.int("prefix_dense_intermediate_size", width),
      build: () =>
        moe({
          config,
          hiddenSize,
          experts: readExperts(config, { count: 8, active: 2 }),
          width,
          shared: { name: "shared_experts", width: width * config.count("num_shared_experts", 0) },
        }),
    };
  },
});

/** Mistral 4: latent attention, experts in every layer beside a shared one. */
export const mistral4 = familyOf({
  id: "mistral4",
  classNames: ["Mistral4ForCausalLM"],
  classSizes: [4096, 12288, 36, 32, 131072],
  sizes: latentSizes,
  mixer: latentMixer({ queryLatentDim: 1024, latentDim: 256, nopeDim: 64, ropeDim: 64, valueDim: 128 }),
  experts: expertsOf({
    count: 128,
    active: 4,
    width: 2048,
    firstDense: 0,
    shared: { count: ["n_shared_experts", 1] },
  }),
});

/** Mellum: experts without a shared one, norms on query and key heads, listed windows. */
export const mellum = familyOf({
  id: "mellum",
  classNames: ["MellumForCausalLM"],
  classSizes: [2304, 7168, 28, 32, 98304],
  kvHeads: 4,
  headDim: 128,
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  qkNorm: "head",
  window: (config, layers) => listedWindow(config, layers, windowTokensOf(config, 1024)),
  experts: expertsOf({
    count: 64,
    active: 8,
    width: 896,
    sparse: (config, layers) => firstDenseSparse(config, layers, { firstDense: 0 }),
  }),
});

/** Granite MoE with a sink per query head; layers that are no multiple of four slide over 128 tokens. */
export const graniteMoeSwa = familyOf({
  ...GRANITE_MOE_SHARED,
  id: "granitemoe_swa",
  classNames: ["GraniteMoeSWAForCausalLM"],
  window: (config, layers) => {
    const windowTokens = windowTokensOf(config, 128);
    return (
      listedWindow(config, layers, windowTokens) ?? ((layer) => (layer % 4 === 0 ? undefined : windowTokens))
    );
  },
  layerExtras: (_config, { heads }) => [vector("self_attn.sinks", "attention", [heads], "heads")],
});
