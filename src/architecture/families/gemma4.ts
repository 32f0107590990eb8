import { type ClassSizes, withClassSizes } from "../class-defaults.ts";
import type { ConfigReader } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import type { Family } from "../family.ts";
import { type FeedForwardParts, gatedFeedForward } from "../feed-forward.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import { routedExperts } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { buffer, linear, norm, vector } from "../tensors.ts";
import { perLayerEmbedding, perLayerInput, sharesKeys } from "./per-layer-embedding.ts";

const SIZES: ClassSizes = [2304, 9216, 30, 8, 262_144];

/**
 * Sliding layers of head_dim and full ones of global_head_dim; with attention_k_eq_v the full ones have
 * num_global_key_value_heads and no v_proj. Options: an embedding per layer, last layers that share keys
 * and values (twice as wide in their MLP with use_double_wide_mlp), and experts beside the dense MLP.
 */
export const gemma4Text = gemma4TextFamily("gemma4_text", "Gemma4ForCausalLM", 256);

/** Without the embedding per layer, and with sizes of single layers under per_layer_config. */
export const gemma4UnifiedText = gemma4TextFamily("gemma4_unified_text", "Gemma4UnifiedForCausalLM", 0);

function gemma4TextFamily(id: string, className: string, perLayerDefault: number): Family {
  return {
    id,
    modelTypes: [id],
    classNames: [className],
    build: (given) => {
      const { config, notes } = withClassSizes(given, SIZES);
      const sizes = readDecoderSizes(config, { tied: true, kvHeads: 4, headDim: 256 });
      const { hiddenSize, layers } = sizes;
      const types = layerTypes(config, layers, ["layer_types"], ["sliding_attention", "full_attention"]);
      // The class forces the last layer to be full.
      const isFull = (layer: number): boolean =>
        layer === layers - 1 ||
        (types === undefined ? (layer + 1) % 6 === 0 : types[layer] === "full_attention");
      const isShared = sharesKeys(config, layers, 0);
      const layerHeads = headsByLayer(config, sizes, isFull);
      const doubled = config.flag("use_double_wide_mlp", false);
      const width = config.int("intermediate_size");
      const perLayer = config.count("hidden_size_per_layer_input", perLayerDefault);
      const moe = config.flag("enable_moe_block", false) ? expertBlock(config, hiddenSize) : undefined;
      return decoder({
        family: id,
        config,
        sizes,
        tiedByDefault: true,
        norm: "rms",
        layerNorms: [
          "input_layernorm",
          "post_attention_layernorm",
          "pre_feedforward_layernorm",
          "post_feedforward_layernorm",
        ],
        mixer: (layer) => mixer(config, sizes, layerHeads(layer), isFull(layer), isShared(layer)),
        feedForward: (layer) => {
          const dense = gatedFeedForward(config, hiddenSize, {
            width: doubled && isShared(layer) ? 2 * width : width,
            activation: "gelu_pytorch_tanh",
          });
          return moe === undefined ? dense : beside(moe, dense, width);
        },
        layerExtras: [
          buffer("layer_scalar", "other", [1]),
          ...(perLayer === 0 ? [] : perLayerInput(hiddenSize, perLayer)),
        ],
        keyOf: (layer) => {
          const { kvHeads, headDim } = layerHeads(layer);
          return `${isFull(layer)} ${isShared(layer)} ${kvHeads} ${headDim}`;
        },
        extraTensors:
          perLayer === 0
            ? []
            : perLayerEmbedding({
                hiddenSize,
                layers,
                width: perLayer,
                vocabSize: config.int("vocab_size_per_layer_input", 262_144),
              }),
        notes,
      });
    },
  };
}

interface LayerHeads {
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Heads of keys and their width: as `per_layer_config` says by layer; else full layers have the global ones. */
function headsByLayer(
  config: ConfigReader,
  sizes: LayerHeads & { readonly heads: number },
  isFull: (layer: number) => boolean,
): (layer: number) => LayerHeads {
  const { heads, kvHeads, headDim } = sizes;
  const usual: LayerHeads = { kvHeads, headDim };
  const divides = (count: number, from: ConfigReader, key: string): number =>
    heads % count === 0 ? count : from.fail(key, `a divisor of the ${heads} attention heads`);
  const listed = config.child("per_layer_config");
  if (listed !== undefined) {
    const own = new Map(
      Object.keys(listed.raw).map((key) => {
        const given = listed.child(key) ?? listed.fail(key, "the settings of that layer");
        return [
          Number(key),
          {
            kvHeads: divides(given.int("num_key_value_heads", kvHeads), given, "num_key_value_heads"),
            headDim: given.int("head_dim", headDim),
          },
        ] as const;
      }),
    );
    return (layer) => own.get(layer) ?? usual;
  }
  const keysAreValues = config.flag("attention_k_eq_v", false);
  const full: LayerHeads = {
    headDim: config.int("global_head_dim", 512),
    kvHeads: keysAreValues
      ? divides(config.int("num_global_key_value_heads", kvHeads), config, "num_global_key_value_heads")
      : kvHeads,
  };
  return (layer) => (isFull(layer) ? full : usual);
}

function mixer(
  config: ConfigReader,
  sizes: { readonly hiddenSize: number; readonly heads: number },
  { kvHeads, headDim }: LayerHeads,
  full: boolean,
  shared: boolean,
): MixerParts {
  const bias = config.flag("attention_bias", false);
  const keysAreValues = full && config.flag("attention_k_eq_v", false);
  const parts = selfAttention({
    name: "self_attn",
    hiddenSize: sizes.hiddenSize,
    heads: sizes.heads,
    kvHeads,
    keyDim: headDim,
    bias: { qkv: bias, o: bias },
    qkNorm: "head",
    cache: shared ? "shared" : "own",
    ...(full ? {} : { windowTokens: slidingWindow(config) }),
  });
  const absent = shared ? ["k_proj", "v_proj", "k_norm"] : keysAreValues ? ["v_proj"] : [];
  return { mixers: parts.mixers, tensors: without(parts, absent) };
}

/** The tensors of an attention but those of some modules. */
export function without(parts: MixerParts, modules: readonly string[]): MixerParts["tensors"] {
  return parts.tensors.filter(
    (tensor) => !modules.some((module) => tensor.name.startsWith(`self_attn.${module}.`)),
  );
}

/** Bidirectional models halve the window, because it then reaches both ways. */
function slidingWindow(config: ConfigReader): number {
  const stated = config.int("sliding_window", 512);
  return config.optionalText("use_bidirectional_attention") === "all" ? Math.floor(stated / 2) + 1 : stated;
}

/** router h*E with a scale h and E expert scales, experts E*3*h*mf, three more norms. */
function expertBlock(config: ConfigReader, hiddenSize: number): FeedForwardParts {
  const counts = readExperts(config, {}, { active: ["top_k_experts", "num_experts_per_tok"] });
  const width = config.int("moe_intermediate_size");
  const routed = routedExperts({ name: "experts", hiddenSize, width, counts, activation: "gelu-tanh" });
  return {
    ...routed,
    tensors: [
      ...linear({
        name: "router.proj",
        role: "router",
        group: "router",
        outDim: counts.count,
        inDim: hiddenSize,
      }),
      vector("router.scale", "router", [hiddenSize]),
      vector("router.per_expert_scale", "router", [counts.count]),
      ...routed.tensors,
      ...norm("post_feedforward_layernorm_1", hiddenSize),
      ...norm("post_feedforward_layernorm_2", hiddenSize),
      ...norm("pre_feedforward_layernorm_2", hiddenSize),
    ],
  };
}

/** Experts with a dense MLP of `width` beside them. */
function beside(moe: FeedForwardParts, dense: FeedForwardParts, width: number): FeedForwardParts {
  const { feedForward } = moe;
  return {
    feedForward: feedForward.kind === "experts" ? { ...feedForward, denseWidth: width } : feedForward,
    tensors: [...dense.tensors, ...moe.tensors],
  };
}
