/** Multi-head latent attention (arXiv:2405.04434), with or without a sparse-attention indexer. */
import { defined } from "../defined.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { MixerRule } from "./decoder-row.ts";
import { type DecoderSizes, HIDDEN_KEYS, LAYER_KEYS } from "./decoder-sizes.ts";
import type { LatentMixer } from "./mixers/mixer.ts";
import type { Tensor } from "./model.ts";
import { linear, norm } from "./tensors.ts";

export interface LatentDims {
  readonly queryLatentDim: number | undefined;
  readonly latentDim: number;
  readonly nopeDim: number;
  readonly ropeDim: number;
  readonly valueDim: number;
}

export interface IndexerDims {
  readonly heads: number;
  readonly keyDim: number;
}

/**
 * q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim. A q_lora_rank of null means
 * that queries have a full projection.
 */
export function readLatentDims(config: ConfigReader, defaults: LatentDims): LatentDims {
  const noQueryLatent = config.raw.q_lora_rank === null || config.raw.q_lora_rank === 0;
  return {
    queryLatentDim: noQueryLatent
      ? undefined
      : (config.optionalInt("q_lora_rank") ?? defaults.queryLatentDim),
    latentDim: config.int("kv_lora_rank", defaults.latentDim),
    nopeDim: config.int("qk_nope_head_dim", defaults.nopeDim),
    ropeDim: config.count("qk_rope_head_dim", defaults.ropeDim),
    valueDim: config.int("v_head_dim", defaults.valueDim),
  };
}

/** Sizes of a decoder whose heads are latent: its head_dim key, if any, means only the rotary part. */
export function latentSizes(config: ConfigReader): DecoderSizes {
  const heads = config.int("num_attention_heads");
  return {
    hiddenSize: config.int(HIDDEN_KEYS),
    layers: config.layers(LAYER_KEYS),
    vocabSize: config.int("vocab_size"),
    heads,
    kvHeads: heads,
    headDim: config.count("qk_rope_head_dim", 64),
  };
}

/**
 * One layer's mixer and tensors.
 *
 *     q    = h*ql + ql + ql*nh*(dn+dr)     or h*nh*(dn+dr) without a query latent
 *     kv_a = h*(c+dr) + c
 *     kv_b = c*nh*(dn+dv);  o = nh*dv*h
 *     indexer = ql*ni*di + h*di + 2*di + h*ni
 *
 * @example DeepSeek-V3: 7168*1536 + 1536 + 1536*128*192 + 7168*576 + 512 + 512*128*256 + 16384*7168 = 187,107,328
 */
export function latentAttention(spec: {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly dims: LatentDims;
  readonly indexer?: IndexerDims | undefined;
  /** Bias on the down projections and on o. */
  readonly bias?: boolean;
}): { readonly mixers: readonly [LatentMixer]; readonly tensors: readonly Tensor[] } {
  const { hiddenSize, heads, dims, indexer, bias = false } = spec;
  const { queryLatentDim, latentDim, nopeDim, ropeDim, valueDim } = dims;
  const group = "attention";
  const queryDim = heads * (nopeDim + ropeDim);
  const at = (name: string): string => `self_attn.${name}`;
  const query =
    queryLatentDim === undefined
      ? linear({
          name: at("q_proj"),
          role: "attn-q",
          group,
          outDim: queryDim,
          inDim: hiddenSize,
          split: "heads",
        })
      : [
          ...linear({
            name: at("q_a_proj"),
            role: "attn-q-a",
            group,
            outDim: queryLatentDim,
            inDim: hiddenSize,
            bias,
          }),
          ...norm(at("q_a_layernorm"), queryLatentDim),
          ...linear({
            name: at("q_b_proj"),
            role: "attn-q-b",
            group,
            outDim: queryDim,
            inDim: queryLatentDim,
            split: "heads",
          }),
        ];
  return {
    mixers: [
      {
        kind: "latent",
        queryHeads: heads,
        latentDim,
        ropeDim,
        nopeDim,
        valueDim,
        ...defined({ queryLatentDim, indexer }),
      },
    ],
    tensors: [
      ...query,
      ...linear({
        name: at("kv_a_proj_with_mqa"),
        role: "attn-kv-a",
        group,
        outDim: latentDim + ropeDim,
        inDim: hiddenSize,
        bias,
      }),
      ...norm(at("kv_a_layernorm"), latentDim),
      ...linear({
        name: at("kv_b_proj"),
        role: "attn-kv-b",
        group,
        outDim: heads * (nopeDim + valueDim),
        inDim: latentDim,
        split: "heads",
      }),
      ...linear({
        name: at("o_proj"),
        role: "attn-o",
        group,
        outDim: hiddenSize,
        inDim: heads * valueDim,
        split: "row",
        bias,
      }),
      ...(indexer === undefined ? [] : indexerTensors(indexer, hiddenSize, queryLatentDim ?? hiddenSize)),
    ],
  };
}

/** The lightning indexer of DeepSeek V3.2: replicated over ranks, as every rank needs every score. */
function indexerTensors(indexer: IndexerDims, hiddenSize: number, queryDim: number): Tensor[] {
  const { heads, keyDim } = indexer;
  const part = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name: `self_attn.indexer.${name}`, role: "attn-index", group: "attention", outDim, inDim });
  return [
    ...part("wq_b", heads * keyDim, queryDim),
    ...part("wk", keyDim, hiddenSize),
    ...norm("self_attn.indexer.k_norm", keyDim, "bias"),
    ...part("weights_proj", heads, hiddenSize),
  ];
}

/** Latent attention in every layer; `indexer` says which layers choose their own tokens. */
export const latentMixer =
  (
    defaults: LatentDims,
    indexer?: (config: ConfigReader, layers: number) => (layer: number) => IndexerDims | undefined,
  ) =>
  (config: ConfigReader, { hiddenSize, heads, layers }: DecoderSizes): MixerRule => {
    const dims = readLatentDims(config, defaults);
    const indexerOf = indexer?.(config, layers);
    const bias = config.flag("attention_bias", false);
    return {
      keyOf: (layer) => (indexerOf?.(layer) === undefined ? "" : "indexer"),
      build: (layer) => latentAttention({ hiddenSize, heads, dims, indexer: indexerOf?.(layer), bias }),
    };
  };

/** `indexer_types`, else the letters F and S of `index_topk_pattern`, else every `index_topk_freq`-th layer. */
export function indexerLayers(config: ConfigReader, layers: number): (layer: number) => boolean {
  const pattern = config.raw.index_topk_pattern;
  const types =
    config.texts("indexer_types") ??
    (typeof pattern === "string"
      ? Array.from(pattern.slice(0, layers), (c) => (c === "F" ? "full" : c === "S" ? "shared" : c))
      : config.texts("index_topk_pattern"));
  if (types !== undefined) {
    const key = config.has("indexer_types") ? "indexer_types" : "index_topk_pattern";
    if (types.length < layers || types.slice(0, layers).some((type) => type !== "full" && type !== "shared"))
      config.fail(key, `${layers} entries, each full or shared`);
    return (layer) => types[layer] === "full";
  }
  const every = Math.max(config.count("index_topk_freq", 1), 1);
  const offset = config.count("index_skip_topk_offset", 2);
  return (layer) => Math.max(layer - offset + 1, 0) % every === 0;
}
