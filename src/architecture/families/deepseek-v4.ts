import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { DecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import type { MixerParts } from "../mixers/self-attention.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { moe } from "../moe.ts";
import { MTP_KEYS } from "../mtp.ts";
import { layerTypes, stackOf } from "../stack.ts";
import { linear, norm, tensor, vector } from "../tensors.ts";

/** Attention kinds by the tokens that one compressed latent stands for; 0 keeps the window only. */
const KINDS: { readonly [type: string]: { readonly rateKey: string; readonly rate: number } } = {
  sliding_attention: { rateKey: "", rate: 0 },
  compressed_sparse_attention: { rateKey: "compress_rate_csa", rate: 4 },
  heavily_compressed_attention: { rateKey: "compress_rate_hca", rate: 128 },
};

/**
 * DeepSeek V4: one shared key/value latent per token in a short window, plus compressed latents of the
 * past; hyper-connections around both sublayers; the first layers route by a table of token ids.
 */
export const deepseekV4 = familyOf({
  id: "deepseek_v4",
  classNames: ["DeepseekV4ForCausalLM"],
  classSizes: [4096, 2048, 43, 64, 129280],
  sizes: (config) => ({
    hiddenSize: config.int("hidden_size"),
    layers: config.layers("num_hidden_layers"),
    vocabSize: config.int("vocab_size"),
    heads: config.int("num_attention_heads"),
    kvHeads: 1,
    headDim: config.int("head_dim", 512),
  }),
  check: (config) => {
    if (config.count("n_shared_experts", 1) !== 1) config.fail("n_shared_experts", "1");
  },
  mixer: (config, sizes) => {
    const typeOf = attentionTypes(config, sizes.layers);
    return { keyOf: typeOf, build: (layer) => compressedAttention(config, sizes, typeOf(layer)) };
  },
  layerExtras: (config, { hiddenSize }) =>
    ["attn_hc", "ffn_hc"].flatMap((name) => hyperConnection(name, config.int("hc_mult", 4), hiddenSize)),
  extras: (config, { hiddenSize }) => hyperHead("model.hc_head.hc", config.int("hc_mult", 4), hiddenSize),
  experts: (config, sizes) => {
    const hashed = hashLayers(config, sizes.layers);
    return {
      sparse: () => true,
      keyOf: (layer) => String(hashed(layer)),
      build: (layer) => experts(config, sizes, hashed(layer)),
    };
  },
  mtp: (config, sizes, body) => {
    const layers = config.layers(MTP_KEYS, 1);
    if (layers === 0 || sizes.layers === 0) return undefined;
    return stackOf({
      role: "mtp",
      prefix: body.prefix,
      hiddenSize: sizes.hiddenSize,
      layers,
      build: () => predictionLayer(config, sizes),
    });
  },
});

/** A window-only layer that also mixes the next token's embedding in; embedding and head are the model's. */
function predictionLayer(config: ConfigReader, sizes: DecoderSizes): LayerKind {
  const { hiddenSize } = sizes;
  const streams = config.int("hc_mult", 4);
  const mixer = compressedAttention(config, sizes, "sliding_attention");
  const ffn = experts(config, sizes, false);
  const square = (name: string): Tensor[] =>
    linear({ name, role: "other", group: "mtp", outDim: hiddenSize, inDim: hiddenSize });
  return {
    mixers: mixer.mixers,
    feedForward: ffn.feedForward,
    tensors: [
      ...mixer.tensors,
      ...ffn.tensors,
      ...["attn_hc", "ffn_hc"].flatMap((name) => hyperConnection(name, streams, hiddenSize)),
      ...["input_layernorm", "post_attention_layernorm", "enorm", "hnorm", "norm"].flatMap((name) =>
        norm(name, hiddenSize),
      ),
      ...square("e_proj"),
      ...square("h_proj"),
      ...hyperHead("hc_head", streams, hiddenSize),
    ],
  };
}

/** `layer_types`, else `compress_ratios` (0, 4 or 128), else two heavy layers and then heavy and sparse in turn. */
function attentionTypes(config: ConfigReader, layers: number): (layer: number) => string {
  const types = layerTypes(config, layers);
  if (types !== undefined) {
    if (types.slice(0, layers).some((type) => !Object.hasOwn(KINDS, type)))
      config.fail("layer_types", `entries ${Object.keys(KINDS).join(", ")}`);
    return (layer) => types[layer]!;
  }
  const ratios = config.ints("compress_ratios");
  if (ratios === undefined)
    return (layer) =>
      layer < 2 || layer % 2 === 0 ? "heavily_compressed_attention" : "compressed_sparse_attention";
  const named = new Map(Object.entries(KINDS).map(([type, { rate }]) => [rate, type]));
  if (ratios.length < layers || ratios.slice(0, layers).some((ratio) => !named.has(ratio)))
    config.fail("compress_ratios", `a list of ${layers} ratios, each 0, 4 or 128`);
  return (layer) => named.get(ratios[layer]!)!;
}

function compressedAttention(config: ConfigReader, sizes: DecoderSizes, type: string): MixerParts {
  const { hiddenSize, heads, headDim } = sizes;
  const queryLatent = config.int("q_lora_rank", 1024);
  const groups = config.int("o_groups", 8);
  const groupLatent = config.int("o_lora_rank", 1024);
  if ((heads * headDim) % groups !== 0) config.fail("o_groups", `a divisor of ${heads * headDim}`);
  const kind = KINDS[type]!;
  const ratio =
    kind.rate === 0
      ? 0
      : (config.child("compress_rates")?.optionalInt(type) ?? config.int(kind.rateKey, kind.rate));
  const indexed = type === "compressed_sparse_attention";
  const indexer = { heads: config.int("index_n_heads", 64), keyDim: config.int("index_head_dim", 128) };
  const part = (name: string, role: Tensor["role"], outDim: number, inDim: number, split?: Tensor["split"]) =>
    linear({
      name: `self_attn.${name}`,
      role,
      group: "attention",
      outDim,
      inDim,
      ...(split === undefined ? {} : { split }),
    });
  // Overlapping windows (the sparse kind) keep two latents per token before they are merged.
  const compressor = (name: string, dim: number, role: Tensor["role"]): Tensor[] => {
    const width = indexed ? 2 * dim : dim;
    return [
      ...part(`${name}.kv_proj`, role, width, hiddenSize),
      ...part(`${name}.gate_proj`, role, width, hiddenSize),
      vector(`self_attn.${name}.position_bias`, "attention", [ratio, width]),
      ...norm(`self_attn.${name}.kv_norm`, dim),
    ];
  };
  return {
    mixers: [
      {
        kind: "compressed",
        queryHeads: heads,
        headDim,
        windowTokens: config.int("sliding_window", 128),
        ratio,
        ...(indexed ? { indexer } : {}),
      },
    ],
    tensors: [
      ...part("q_a_proj", "attn-q-a", queryLatent, hiddenSize),
      ...norm("self_attn.q_a_norm", queryLatent),
      ...part("q_b_proj", "attn-q-b", heads * headDim, queryLatent, "heads"),
      ...part("kv_proj", "attn-kv-a", headDim, hiddenSize),
      ...norm("self_attn.kv_norm", headDim),
      ...part("o_a_proj", "attn-o", groups * groupLatent, (heads * headDim) / groups, "column"),
      ...part("o_b_proj", "attn-o", hiddenSize, groups * groupLatent, "row"),
      vector("self_attn.sinks", "attention", [heads], "heads"),
      ...(ratio === 0 ? [] : compressor("compressor", headDim, "attn-kv-a")),
      ...(indexed
        ? [
            ...compressor("compressor.indexer", indexer.keyDim, "attn-index"),
            ...part("compressor.indexer.q_b_proj", "attn-index", indexer.heads * indexer.keyDim, queryLatent),
            ...part("compressor.indexer.scorer.weights_proj", "attn-index", indexer.heads, hiddenSize),
          ]
        : []),
    ],
  };
}

/** Routed experts and one shared MLP; a hashed layer has a table of expert numbers instead of a choice bias. */
function experts(config: ConfigReader, { hiddenSize, vocabSize }: DecoderSizes, hashed: boolean) {
  const width = config.int("moe_intermediate_size", 2048);
  const counts = readExperts(config, { count: 256, active: 6 });
  const parts = moe({
    config,
    hiddenSize,
    experts: counts,
    width,
    ...(hashed ? {} : { choiceBias: "buffer" as const }),
    shared: { name: "shared_experts", width, bias: config.flag("mlp_bias", false) },
  });
  if (!hashed) return parts;
  const table = tensor({
    name: "mlp.gate.tid2eid",
    role: "other",
    kind: "vector",
    group: "router",
    shape: [vocabSize, counts.active],
    buffer: true,
    pinnedFormat: "int64",
  });
  return { ...parts, tensors: [...parts.tensors, table] };
}

/** `mlp_layer_types`, else the first `num_hash_layers`. */
function hashLayers(config: ConfigReader, layers: number): (layer: number) => boolean {
  const types = config.texts("mlp_layer_types");
  if (types === undefined) {
    const first = config.count("num_hash_layers", 3);
    return (layer) => layer < first;
  }
  if (types.length < layers || types.slice(0, layers).some((type) => type !== "hash_moe" && type !== "moe"))
    config.fail("mlp_layer_types", `a list of ${layers} entries, each hash_moe or moe`);
  return (layer) => types[layer] === "hash_moe";
}

/** m streams are read, mixed and written by (2 + m)*m weights over m*h inputs (arXiv:2409.19606, constrained). */
export function hyperConnection(name: string, streams: number, hiddenSize: number): Tensor[] {
  const weights = (2 + streams) * streams;
  return [
    vector(`${name}.fn`, "other", [weights, streams * hiddenSize]),
    vector(`${name}.base`, "other", [weights]),
    vector(`${name}.scale`, "other", [3]),
  ];
}

/** Collapses m streams into one: m*m*h + m + 1. */
export function hyperHead(name: string, streams: number, hiddenSize: number): Tensor[] {
  return [
    vector(`${name}_fn`, "other", [streams, streams * hiddenSize]),
    vector(`${name}_base`, "other", [streams]),
    vector(`${name}_scale`, "other", [1]),
  ];
}
