/** Qwen4-Exp: Qwen 3.5's layers between hyper-connections, an indexer before attention, tables of n-grams in some layers. */
import { withClassSizes } from "../class-defaults.ts";
import { optionalPart } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { type DecoderSizes, readDecoderSizes } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import type { Mixer } from "../mixers/mixer.ts";
import type { MixerParts } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { layerTypes } from "../stack.ts";
import { buffer, convolution, linear, norm, tensor } from "../tensors.ts";
import { qwen35Vision } from "../towers/qwen-vision.ts";
import { gatedAttention, linearAttention, sharedExperts } from "./qwen3-next.ts";

const matrix = (name: string, outDim: number, inDim: number): Tensor[] =>
  linear({ name, role: "other", group: "other", outDim, inDim });

/** n streams of the hidden size: a norm over all, a low-rank mix of them, and what each takes of the sublayer. */
function hyperConnection(config: ConfigReader, name: string, hiddenSize: number, injects: boolean): Tensor[] {
  const streams = config.int("hc_count", 4);
  const rank = config.int("hc_lowrank", 320);
  const width = streams * hiddenSize;
  return [
    ...norm(`${name}.hc_norm`, width),
    ...matrix(`${name}.input_mix_weight_down`, rank, width),
    ...matrix(`${name}.input_mix_weight_up`, width, rank),
    ...(injects ? matrix(`${name}.block_inject_weight`, streams, width) : []),
  ];
}

function isPrime(n: number): boolean {
  if (n < 4) return n > 1;
  if (n % 2 === 0 || n % 3 === 0) return false;
  for (let i = 5; i * i <= n; i += 6) if (n % i === 0 || n % (i + 2) === 0) return false;
  return true;
}

/** The first primes from `base` on: each head of each table has one of its own as its rows. */
function primesFrom(base: number, count: number): number[] {
  const found: number[] = [];
  for (let n = base; found.length < count; n++) if (isPrime(n)) found.push(n);
  return found;
}

interface NgramParts {
  /** The layer's place among those with tables; undefined where it has none. */
  readonly placeOf: (layer: number) => number | undefined;
  readonly tensors: (place: number) => readonly Tensor[];
  readonly mixer: Mixer;
}

/**
 * Hashed n-grams looked up by every head of every length from 2 on, a key and a value of what is found, and a
 * convolution over all streams that reaches (kernel - 1) * ngram_size tokens back.
 */
function ngrams(config: ConfigReader, hiddenSize: number, layers: number): NgramParts {
  const ids = [...new Set(config.ints("ple_layer_ids"))].sort((a, b) => a - b);
  if (ids.some((id) => id < 1 || id > layers)) config.fail("ple_layer_ids", `layers from 1 to ${layers}`);
  const size = config.int("ple_embed_dim", hiddenSize);
  const length = config.int("ngram_size", 3);
  const heads = (length - 1) * config.int("heads_per_ngram", 8);
  if (ids.length * heads > 2000) config.fail("ple_layer_ids", "at most 2,000 heads together");
  if (ids.length > 0 && (heads < 1 || size % heads !== 0))
    config.fail("ple_embed_dim", `a multiple of the ${heads} heads`);
  const rows = primesFrom(config.int("ngram_vocab_size_base", 20_000_000), ids.length * heads);
  const multiple = config.int("make_ngram_vocab_size_divisible_by", 128);
  const width = config.int("hc_count", 4) * hiddenSize;
  const kernel = config.int("ple_conv_kernel_size", 4);
  const table = (place: number): Tensor => {
    const total = rows.slice(place * heads, (place + 1) * heads).reduce((sum, n) => sum + n, 0);
    return tensor({
      name: "ple.ple_embedding.ngram_embedding.weight",
      role: "embedding",
      kind: "embedding",
      group: "embedding",
      shape: [Math.ceil(total / multiple) * multiple, size / heads],
    });
  };
  const ints = (name: string, count: number): Tensor => ({
    ...buffer(`ple.ple_embedding.${name}`, "embedding", [count]),
    pinnedFormat: "int64",
  });
  return {
    placeOf: (layer) => {
      const place = ids.indexOf(layer + 1);
      return place === -1 ? undefined : place;
    },
    tensors: (place) => [
      table(place),
      ints("layer_multipliers", length),
      ints("ngram_heads_vocab_sizes", heads),
      ints("ngram_heads_offsets", heads),
      ...matrix("ple.key_proj", width, size),
      ...matrix("ple.value_proj", hiddenSize, size),
      ...["norm_key", "norm_query", "norm_conv"].flatMap((name) => norm(`ple.${name}`, width)),
      ...convolution({ name: "ple.conv1d", group: "other", shape: [width, 1, kernel] }),
    ],
    mixer: { kind: "conv", channels: width, kernel: (kernel - 1) * length },
  };
}

/** Gated attention over the tokens that an indexer of its own chooses; its keys are cached beside K and V. */
function indexedAttention(config: ConfigReader, sizes: DecoderSizes): MixerParts {
  const dim = config.int("indexer_head_dim");
  const rows = (config.int("indexer_n_heads") + config.int("indexer_kv_heads", 1)) * dim;
  const { mixers, tensors } = gatedAttention(config, sizes, dim);
  return {
    mixers,
    tensors: [
      ...tensors,
      ...linear({
        name: "self_attn.indexer.index_qk_proj",
        role: "attn-index",
        group: "attention",
        outDim: rows,
        inDim: sizes.hiddenSize,
      }),
      ...["q_layernorm", "k_layernorm"].flatMap((name) => norm(`self_attn.indexer.${name}`, dim)),
    ],
  };
}

const KINDS = ["linear_attention", "indexed_attention", "full_attention"] as const;

export const qwen4ExpText: Family = {
  id: "qwen4_exp_text",
  modelTypes: ["qwen4_exp_text"],
  classNames: ["Qwen4ExpForCausalLM"],
  build: (given) => {
    const { config, notes } = withClassSizes(given, [2048, 512, 40, 16, 248_320]);
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 2, headDim: 256 });
    const { hiddenSize, layers } = sizes;
    const types = layerTypes(config, layers, ["layer_types"], KINDS);
    const interval = config.int("full_attention_interval", 4);
    const attends = (layer: number): boolean =>
      types === undefined ? (layer + 1) % interval === 0 : types[layer] !== "linear_attention";
    const tables = ngrams(config, hiddenSize, layers);
    const delta = linearAttention(config, hiddenSize, "qkv-z-b-a");
    const mixer = (layer: number): MixerParts => {
      const place = tables.placeOf(layer);
      if (attends(layer)) {
        if (place !== undefined) config.fail("ple_layer_ids", "layers of linear attention");
        return indexedAttention(config, sizes);
      }
      if (place === undefined) return delta;
      return {
        mixers: [...delta.mixers, tables.mixer],
        tensors: [...delta.tensors, ...tables.tensors(place)],
      };
    };
    return decoder({
      family: "qwen4_exp_text",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms-plus-one",
      layerNorms: [],
      finalNorm: false,
      mixer,
      feedForward: () =>
        sharedExperts(config, hiddenSize, { experts: { count: 512, active: 10, sparse: false } }),
      keyOf: (layer) => `${attends(layer)} ${tables.placeOf(layer)}`,
      layerExtras: ["attn", "mlp"].flatMap((part) =>
        hyperConnection(config, `${part}_hyper_connection`, hiddenSize, true),
      ),
      extraTensors: hyperConnection(config, "model.hyper_connection_mixer", hiddenSize, false),
      notes,
    });
  },
};

export const qwen4Exp = compositeFamily({
  id: "qwen4_exp",
  classNames: ["Qwen4ExpForConditionalGeneration"],
  text: { modelType: "qwen4_exp_text", readAs: "qwen4_exp_text", tied: false, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [qwen35Vision(optionalPart(config, "vision_config", {}), "model.visual")],
});
