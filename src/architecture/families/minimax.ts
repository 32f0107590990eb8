import type { ConfigReader } from "../config-reader.ts";
import { type DecoderRow, familyOf, type MixerRule } from "../decoder-row.ts";
import type { DecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import { expertsOf } from "../expert-rules.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { moe } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { linear, norm, vector } from "../tensors.ts";
import { windowTokensOf } from "../windows.ts";

/** Text-01 and M1: lightning attention, every eighth layer (or those listed) softmax attention. */
export const minimax = familyOf({
  id: "minimax",
  modelTypes: ["minimax", "minimax_text_01", "minimax_m1"],
  classNames: ["MiniMaxForCausalLM", "MiniMaxText01ForCausalLM", "MiniMaxM1ForCausalLM"],
  classSizes: [4096, 14336, 32, 32, 32000],
  kvHeads: 8,
  mixer: (config, sizes) => {
    const { heads, headDim, hiddenSize, kvHeads } = sizes;
    const linearLayer = lightningLayers(config, sizes.layers);
    const inner = heads * headDim;
    const block = config.int("block_size", 256);
    const constant = (name: string, shape: readonly number[]): Tensor => ({
      ...vector(`self_attn.${name}`, "recurrent", shape),
      buffer: true,
    });
    const lightning: MixerParts = {
      mixers: [
        {
          kind: "recurrent",
          variant: "lightning",
          convChannels: 0,
          convKernel: 0,
          stateElements: heads * headDim * headDim,
          heads,
          innerDim: inner,
        },
      ],
      tensors: [
        ...linear({
          name: "self_attn.qkv_proj",
          role: "recurrent-in",
          group: "recurrent",
          outDim: 3 * inner,
          inDim: hiddenSize,
          split: "heads",
        }),
        ...linear({
          name: "self_attn.output_gate",
          role: "recurrent-in",
          group: "recurrent",
          outDim: inner,
          inDim: hiddenSize,
          split: "heads",
        }),
        ...linear({
          name: "self_attn.out_proj",
          role: "recurrent-out",
          group: "recurrent",
          outDim: hiddenSize,
          inDim: inner,
          split: "row",
        }),
        ...norm("self_attn.norm", inner),
        // Decay factors that the class computes and stores.
        constant("slope_rate", [heads, 1, 1]),
        constant("query_decay", [heads, block, 1]),
        constant("key_decay", [heads, block, 1]),
        constant("diagonal_decay", [1, heads, block, block]),
      ],
    };
    const softmax = selfAttention({
      name: "self_attn",
      hiddenSize,
      heads,
      kvHeads,
      keyDim: headDim,
      windowTokens: windowTokensOf(config),
    });
    return {
      keyOf: (layer) => (linearLayer(layer) ? "lightning" : "softmax"),
      build: (layer) => (linearLayer(layer) ? lightning : softmax),
    };
  },
  experts: (config, { hiddenSize }) => ({
    sparse: () => true,
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { count: 8, active: 2 }, { count: "num_local_experts" }),
        width: config.int("intermediate_size"),
        name: "block_sparse_moe",
        expertNames: ["w1", "w3", "w2"],
        shared: { name: "shared_mlp", width: sharedWidth(config) },
      }),
  }),
});

/** `layer_types`, else `attn_type_list` (0 is lightning, 1 softmax), else every second layer. */
function lightningLayers(config: ConfigReader, layers: number): (layer: number) => boolean {
  const types = layerTypes(config, layers);
  if (types !== undefined) {
    if (types.slice(0, layers).some((type) => type !== "linear_attention" && type !== "full_attention"))
      config.fail("layer_types", "entries linear_attention or full_attention");
    return (layer) => types[layer] === "linear_attention";
  }
  const list = config.ints("attn_type_list");
  if (list === undefined) return (layer) => layer % 2 === 1;
  if (list.length < layers || list.slice(0, layers).some((type) => type > 1))
    config.fail("attn_type_list", `a list of ${layers} zeros and ones`);
  return (layer) => list[layer] === 0;
}

/** `shared_intermediate_size`: 0 in the published files, a number or a list of one per layer. */
function sharedWidth(config: ConfigReader): number {
  if (!Array.isArray(config.raw.shared_intermediate_size)) return config.count("shared_intermediate_size", 0);
  const listed = config.ints("shared_intermediate_size");
  const first = listed?.[0];
  if (first === undefined || listed?.some((width) => width !== first))
    config.fail("shared_intermediate_size", "one width, or the same for every layer");
  return first!;
}

/** Norms over all of q and k, sigmoid routing with a choice bias. The prediction modules are not in the file. */
export const minimaxM2 = familyOf({
  id: "minimax_m2",
  classNames: ["MiniMaxM2ForCausalLM"],
  classSizes: [3072, 1536, 62, 48, 200064],
  kvHeads: 8,
  headDim: 128,
  qkNorm: "projection",
  experts: expertsOf({
    count: 256,
    active: 8,
    keys: { count: "num_local_experts" },
    width: "intermediate_size",
    choiceBias: "buffer",
    choiceBiasName: "e_score_correction_bias",
  }),
});

const M3: DecoderRow = {
  id: "minimax_m3_text",
  modelTypes: ["minimax_m3_vl_text", "minimax_m3", "minimax_m3_text"],
  classNames: ["MiniMaxM3SparseForCausalLM", "MiniMaxM3VLForCausalLM"],
  classSizes: [6144, 3072, 60, 64, 200064],
  kvHeads: 4,
  headDim: 128,
  norm: "rms-plus-one",
  mixer: sparseMixer,
  fusedGateUp: "gate_up_proj",
  experts: (config, { hiddenSize, layers }) => ({
    sparse: listedSparse(config, layers),
    denseWidth: config.int("dense_intermediate_size", 12288),
    build: () =>
      moe({
        config,
        hiddenSize,
        experts: readExperts(config, { count: 128, active: 4 }, { count: "num_local_experts" }),
        width: config.int("intermediate_size"),
        choiceBias: "buffer",
        choiceBiasName: "e_score_correction_bias",
        shared: {
          name: "shared_experts",
          width: config.count("shared_intermediate_size", 3072),
          fused: "gate_up_proj",
        },
      }),
  }),
};

/** Norms on each head; sparse layers add an index branch whose key is cached beside K and V. */
export const minimaxM3 = familyOf(M3);

/** `mlp_layer_types` or the zeros and ones of `moe_layer_freq`; experts everywhere without either. */
function listedSparse(config: ConfigReader, layers: number): (layer: number) => boolean {
  const types = config.texts("mlp_layer_types");
  if (types !== undefined) {
    if (types.length < layers) config.fail("mlp_layer_types", `a list of ${layers} entries`);
    return (layer) => types[layer] === "sparse";
  }
  const list = config.ints("moe_layer_freq");
  if (list === undefined) return () => true;
  if (list.length < layers) config.fail("moe_layer_freq", `a list of ${layers} zeros and ones`);
  return (layer) => list[layer] !== 0;
}

function sparseMixer(config: ConfigReader, sizes: DecoderSizes): MixerRule {
  const { hiddenSize, heads, kvHeads, headDim, layers } = sizes;
  const sparse = config.child("sparse_attention_config");
  const indexHeads = sparse?.optionalInt("sparse_num_index_heads") ?? config.int("index_n_heads", 4);
  const indexDim = sparse?.optionalInt("sparse_index_dim") ?? config.int("index_head_dim", 128);
  const types = layerTypes(config, layers);
  const every = sparse?.ints("sparse_attention_freq");
  if (types?.slice(0, layers).some((type) => type !== "minimax_m3_sparse" && type !== "full_attention"))
    config.fail("layer_types", "entries minimax_m3_sparse or full_attention");
  if (types === undefined && every !== undefined && every.length < layers)
    sparse?.fail("sparse_attention_freq", `a list of ${layers} zeros and ones`);
  const isSparse = (layer: number): boolean =>
    types === undefined ? every !== undefined && every[layer] !== 0 : types[layer] === "minimax_m3_sparse";
  const index = (name: string, outDim: number) =>
    linear({
      name: `self_attn.indexer.${name}`,
      role: "attn-index",
      group: "attention",
      outDim,
      inDim: hiddenSize,
    });
  return {
    keyOf: (layer) => (isSparse(layer) ? "sparse" : "full"),
    build: (layer) => {
      const attention = selfAttention({
        name: "self_attn",
        hiddenSize,
        heads,
        kvHeads,
        keyDim: headDim,
        qkNorm: "head",
        indexKeyDim: isSparse(layer) ? indexDim : undefined,
      });
      if (!isSparse(layer)) return attention;
      const tensors = [
        ...attention.tensors,
        ...index("q_proj", indexHeads * indexDim),
        ...index("k_proj", indexDim),
        ...norm("self_attn.indexer.q_norm", indexDim),
        ...norm("self_attn.indexer.k_norm", indexDim),
      ];
      return { ...attention, tensors };
    },
  };
}
