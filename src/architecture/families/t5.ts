/** T5 (arXiv:1910.10683): no biases, RMSNorms, relative positions as a table per stack (mT5) or per layer (UMT5). */

import { classNamed } from "../class-named.ts";
import { type ConfigReader, tiedEmbeddings } from "../config-reader.ts";
import { seqLayer } from "../encoder-decoder.ts";
import { activationNamed, type Family } from "../family.ts";
import type { FeedForwardParts } from "../feed-forward.ts";
import type { Activation, LayerKind, Tensor } from "../model.ts";
import { plainExperts } from "../moe.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, norm } from "../tensors.ts";
import { relativePositions } from "./bert.ts";

const PROJECTIONS = ["q", "k", "v", "o"] as const;

interface FeedForwardStyle {
  readonly gated: boolean;
  readonly activation: Activation;
}

/** "relu", "gated-gelu", "gated-silu": the activation, and whether a gate multiplies it. */
function feedForwardStyle(config: ConfigReader, fallback: string): FeedForwardStyle {
  const name = config.text("feed_forward_proj", fallback);
  const parts = name.split("-");
  const gated = parts[0] === "gated";
  if (parts.length > 2 || (parts.length === 2 && !gated))
    config.fail("feed_forward_proj", "an activation, or gated- and an activation");
  const activation = gated && parts[1] === "gelu" ? "gelu_new" : (parts[parts.length - 1] ?? "relu");
  return { gated, activation: activationNamed(activation) };
}

function layer(
  config: ConfigReader,
  spec: {
    readonly decoder: boolean;
    readonly positions: boolean;
    readonly style: FeedForwardStyle;
    readonly row: Row;
    readonly experts: FeedForwardParts | undefined;
  },
): LayerKind {
  const { decoder, positions, style, row, experts } = spec;
  const attention = decoder ? "SelfAttention" : (row.encoderAttention?.(config) ?? "SelfAttention");
  const heads = config.int("num_heads", 8);
  const ffn = decoder ? "layer.2" : "layer.1";
  return seqLayer({
    hiddenSize: config.int("d_model"),
    heads,
    headDim: config.int("d_kv", 64),
    selfAttention: { name: `layer.0.${attention}`, names: PROJECTIONS },
    ...(decoder ? { crossAttention: { name: "layer.1.EncDecAttention", names: PROJECTIONS } } : {}),
    mlp: {
      name: `${ffn}.DenseReluDense`,
      width: config.int("d_ff"),
      activation: style.activation,
      bias: false,
      ...(style.gated ? { gated: ["wi_0", "wi_1", "wo"] } : { plain: ["wi", "wo"] }),
    },
    ...(experts === undefined ? {} : { experts }),
    norm: "rms",
    norms: ["layer.0.layer_norm", ...(decoder ? ["layer.1.layer_norm"] : []), `${ffn}.layer_norm`],
    extras: [
      ...(positions
        ? [
            relativePositions(
              `layer.0.${attention}.relative_attention_bias`,
              config.int("relative_attention_num_buckets", 32),
              heads,
            ),
          ]
        : []),
      ...(decoder ? [] : (row.encoderExtras?.(config, positions) ?? [])),
    ],
  });
}

interface Row {
  readonly id: string;
  readonly classPrefix: string;
  readonly feedForward: string;
  /** Module of the encoder's attention: "SelfAttention". */
  readonly encoderAttention?: (config: ConfigReader) => string;
  /** Tensors of an encoder layer besides, `first` for the layer that holds the positions. */
  readonly encoderExtras?: (config: ConfigReader, first: boolean) => readonly Tensor[];
  /** Experts instead of the MLP in the layers that have them. */
  readonly experts?: (
    config: ConfigReader,
    at: { readonly decoder: boolean; readonly layers: number; readonly layer: number },
  ) => FeedForwardParts | undefined;
  /** Every layer has its own table of positions; else the first of each stack. */
  readonly positionsPerLayer: boolean;
}

/**
 * The class of this release ties the head whatever tie_word_embeddings says; a file with a head of its own
 * keeps it when loaded, so the key decides here.
 */
function family(row: Row): Family {
  const classes = {
    generator: `${row.classPrefix}ForConditionalGeneration`,
    plain: `${row.classPrefix}Model`,
    encoder: `${row.classPrefix}EncoderModel`,
  };
  return {
    id: row.id,
    modelTypes: [row.id],
    classNames: Object.values(classes),
    build: (config) => {
      // T5WithLMHeadModel is what the first files call the generator.
      const named = classNamed(config, [...Object.values(classes), "T5WithLMHeadModel"]);
      const generates = named === classes.generator || named === "T5WithLMHeadModel";
      const hiddenSize = config.int("d_model");
      const vocabSize = config.int("vocab_size");
      const style = feedForwardStyle(config, row.feedForward);
      const encoderLayers = config.layers("num_layers");
      const withDecoder = named !== classes.encoder;
      // Without a head the stacks still read one embedding.
      const tied = generates ? tiedEmbeddings(config, true) : true;
      const side = (decoder: boolean, layers: number) =>
        stackOf({
          role: decoder ? "decoder" : "encoder",
          prefix: `${decoder ? "decoder" : "encoder"}.block`,
          hiddenSize,
          layers,
          keyOf: (index) =>
            `${row.positionsPerLayer || index === 0} ${row.experts?.(config, { decoder, layers, layer: index }) !== undefined}`,
          build: (index) =>
            layer(config, {
              decoder,
              positions: row.positionsPerLayer || index === 0,
              style,
              row,
              experts: row.experts?.(config, { decoder, layers, layer: index }),
            }),
        });
      return {
        family: row.id,
        modelType: config.text("model_type", row.id),
        hiddenSize,
        vocabSize,
        tied,
        norm: "rms",
        stacks: [
          side(false, encoderLayers),
          ...(withDecoder ? [side(true, config.layers("num_decoder_layers", encoderLayers))] : []),
        ],
        tensors: [
          embedding("shared", vocabSize, hiddenSize),
          ...norm("encoder.final_layer_norm", hiddenSize),
          ...(withDecoder ? norm("decoder.final_layer_norm", hiddenSize) : []),
          ...(generates && !tied ? head("lm_head", vocabSize, hiddenSize) : []),
        ],
        notes: [],
      };
    },
  };
}

export const t5 = family({
  id: "t5",
  classPrefix: "T5",
  feedForward: "relu",
  positionsPerLayer: false,
});
export const mt5 = family({
  id: "mt5",
  classPrefix: "MT5",
  feedForward: "gated-gelu",
  positionsPerLayer: false,
});
export const umt5 = family({
  id: "umt5",
  classPrefix: "UMT5",
  feedForward: "gated-gelu",
  positionsPerLayer: true,
});

/** LongT5: the encoder attends locally, or also to a summary of each block of the text. */
export const longT5 = family({
  id: "longt5",
  classPrefix: "LongT5",
  feedForward: "relu",
  positionsPerLayer: false,
  encoderAttention: (config) =>
    transientGlobal(config) ? "TransientGlobalSelfAttention" : "LocalSelfAttention",
  encoderExtras: (config, first) => {
    if (!transientGlobal(config)) return [];
    const name = "layer.0.TransientGlobalSelfAttention";
    const heads = config.int("num_heads", 8);
    const buckets = config.int("relative_attention_num_buckets", 32);
    return [
      ...norm(`${name}.global_input_layer_norm`, config.int("d_model")),
      ...(first ? [relativePositions(`${name}.global_relative_attention_bias`, buckets, heads)] : []),
    ];
  },
});

function transientGlobal(config: ConfigReader): boolean {
  const kind = config.text("encoder_attention_type", "local");
  if (kind !== "local" && kind !== "transient-global")
    config.fail("encoder_attention_type", '"local" or "transient-global"');
  return kind === "transient-global";
}

/** Switch Transformer (arXiv:2101.03961): one expert per token in every other layer or so. */
export const switchTransformers = family({
  id: "switch_transformers",
  classPrefix: "SwitchTransformers",
  feedForward: "relu",
  positionsPerLayer: false,
  experts: (config, { decoder, layers, layer }) => {
    const side = decoder ? "decoder" : "encoder";
    const sparse = config.count(`num_sparse_${side}_layers`, 3);
    const step = config.count(`${side}_sparse_step`, sparse === 0 ? layers : Math.floor(layers / sparse));
    if (step === 0 || (layer % step !== 1 && step !== 1)) return undefined;
    return plainExperts(config, {
      name: `layer.${decoder ? 2 : 1}.mlp`,
      width: config.int("d_ff"),
      experts: config.int("num_experts", 8),
      activeExperts: 1,
      names: ["wi", "wo"],
      bias: false,
    });
  },
});
