/**
 * Encoder-decoders of BART's kind as rows of facts: which tables, norms and biases they have, what an encoder
 * layer holds besides, and which layers hold experts.
 */

import { labelCount } from "./class-heads.ts";
import { classNamed } from "./class-named.ts";
import { type ConfigReader, tiedEmbeddings } from "./config-reader.ts";
import { type SeqLayerSpec, seqLayer } from "./encoder-decoder.ts";
import { denseClassifier } from "./encoder-row.ts";
import { activationOf, type Family } from "./family.ts";
import type { FeedForwardParts } from "./feed-forward.ts";
import type { ArchitectureDraft, LayerKind, Stack, Tensor } from "./model.ts";
import { stackOf } from "./stack.ts";
import { buffer, embedding, head, norm, positionEmbedding } from "./tensors.ts";

export type Side = "encoder" | "decoder";

export interface SeqRow {
  readonly id: string;
  readonly modelTypes?: readonly string[];
  /** Classes by what they add to the two stacks; a decoder without an encoder has the causal one alone. */
  readonly generator?: string;
  readonly plain?: string;
  readonly classifier?: string;
  /** The decoder alone, cross attention and all, under a head. */
  readonly causal?: string;
  /** False where that class has a head of its own whatever the key says. */
  readonly causalTied?: false;
  /** Attribute of the two stacks in a headed class: "model". */
  readonly prefix?: string;
  /** Rows of a side's position table; undefined where positions are computed. */
  readonly positions: (config: ConfigReader, side: Side) => number | undefined;
  /** LayerNorm after the embeddings of both sides. */
  readonly embeddingNorm: boolean | ((config: ConfigReader) => boolean);
  /** LayerNorm after the last layer of both sides. */
  readonly finalNorm: boolean;
  /** A bias on the logits, held as a buffer. */
  readonly logitsBias: boolean;
  /** Name of the head: "lm_head". */
  readonly head?: string;
  readonly layer?: LayerOptions;
  /** Tensors of a side outside its layers besides embeddings and norms. */
  readonly extras?: (config: ConfigReader, side: Side) => readonly Tensor[];
  /** The encoder reads features, not tokens: the decoder alone has a table. */
  readonly featureInput?: true;
  /** Tied unless the config says otherwise; false for FSMT. */
  readonly tied?: boolean;
}

/** What differs in a layer. */
export interface LayerOptions {
  readonly keyBias?: boolean;
  /** Biases of the attention projections; all when absent. */
  readonly attentionBias?: (config: ConfigReader) => boolean;
  readonly encoderTokens?: number;
  /** Names of the encoder's attention where it is not the decoder's. */
  readonly encoderAttention?: Pick<SeqLayerSpec["selfAttention"], "name" | "names">;
  readonly encoderExtras?: (config: ConfigReader) => readonly Tensor[];
  /** Names of the cross attention, of its norm and of the MLP's norm. */
  readonly names?: { readonly cross: string; readonly crossNorm: string; readonly mlpNorm: string };
  /** Experts instead of the MLP in the layers that have them. */
  readonly experts?: (config: ConfigReader, side: Side, layer: number) => FeedForwardParts | undefined;
  readonly mlpName?: string;
}

/** Positions of one table for both sides: max_position_embeddings and a few rows more. */
export function learnedPositions(more: number): SeqRow["positions"] {
  return (config) => config.int("max_position_embeddings", 1024) + more;
}

/** Positions that are computed: no table is held. */
export const computedPositions: SeqRow["positions"] = () => undefined;

/** Attention, on the decoder's side also to the encoder, and an MLP or experts, each after a LayerNorm. */
function seqRowLayer(config: ConfigReader, side: Side, index: number, options: LayerOptions = {}): LayerKind {
  const hiddenSize = config.int("d_model");
  const heads = config.int(`${side}_attention_heads`);
  if (hiddenSize % heads !== 0) config.fail(`${side}_attention_heads`, `a divisor of d_model ${hiddenSize}`);
  const biased = options.attentionBias?.(config) ?? true;
  const bias = { qkv: biased, k: biased && (options.keyBias ?? true), o: biased };
  const decoder = side === "decoder";
  const names = options.names ?? {
    cross: "encoder_attn",
    crossNorm: "encoder_attn_layer_norm",
    mlpNorm: "final_layer_norm",
  };
  const experts = options.experts?.(config, side, index);
  return seqLayer({
    hiddenSize,
    heads,
    headDim: hiddenSize / heads,
    selfAttention: {
      name: "self_attn",
      outName: "out_proj",
      ...(decoder ? {} : options.encoderAttention),
      bias,
    },
    ...(decoder ? { crossAttention: { name: names.cross, outName: "out_proj", bias } } : {}),
    ...(options.encoderTokens === undefined ? {} : { encoderTokens: options.encoderTokens }),
    mlp: {
      name: options.mlpName ?? "",
      width: config.int(`${side}_ffn_dim`),
      activation: activationOf(config, "gelu"),
      bias: true,
      plain: ["fc1", "fc2"],
    },
    ...(experts === undefined ? {} : { experts }),
    norm: "layer",
    norms: ["self_attn_layer_norm", ...(decoder ? [names.crossNorm] : []), names.mlpNorm],
    ...(decoder || options.encoderExtras === undefined ? {} : { extras: options.encoderExtras(config) }),
  });
}

/** One side's layers. */
export function seqStack(
  config: ConfigReader,
  side: Side,
  prefix: string,
  options: LayerOptions = {},
): Stack {
  const { experts } = options;
  return stackOf({
    role: side,
    prefix: `${prefix}${side}.layers`,
    hiddenSize: config.int("d_model"),
    layers: config.layers(`${side}_layers`),
    ...(experts === undefined
      ? {}
      : { keyOf: (index: number) => String(experts(config, side, index) !== undefined) }),
    build: (index) => seqRowLayer(config, side, index, options),
  });
}

function namesOf(row: SeqRow): string[] {
  return [row.generator, row.plain, row.classifier, row.causal].filter((name) => name !== undefined);
}

function build(row: SeqRow, config: ConfigReader): ArchitectureDraft {
  const named = classNamed(config, namesOf(row));
  const hiddenSize = config.int("d_model");
  const vocabSize = config.int("vocab_size");
  const prefix = named === row.plain ? "" : `${row.prefix ?? "model"}.`;
  const alone = named === row.causal;
  const tied = tiedEmbeddings(config, row.tied ?? true) && !(alone && row.causalTied === false);
  const shared = config.flag("share_encoder_decoder_embeddings", true);
  // Marian's decoder alone has the decoder's words whatever is shared.
  const targetSize = shared && !alone ? vocabSize : config.int("decoder_vocab_size", vocabSize);
  const maxContextTokens = config.optionalInt("max_position_embeddings");
  const sides: readonly Side[] = alone ? ["decoder"] : ["encoder", "decoder"];
  const features = row.featureInput === true;
  // Untied, each side has a table of its own beside the shared one.
  const ownTables = !tied;
  const embeddingNorm =
    typeof row.embeddingNorm === "function" ? row.embeddingNorm(config) : row.embeddingNorm;
  const outside = sides.flatMap((side): Tensor[] => {
    const rows = row.positions(config, side);
    return [
      ...(rows === undefined
        ? []
        : [positionEmbedding(`${prefix}${side}.embed_positions`, rows, hiddenSize)]),
      ...(embeddingNorm ? norm(`${prefix}${side}.layernorm_embedding`, hiddenSize, "bias") : []),
      ...(row.finalNorm ? norm(`${prefix}${side}.layer_norm`, hiddenSize, "bias") : []),
      ...(row.extras?.(config, side) ?? []).map((t) => ({ ...t, name: `${prefix}${side}.${t.name}` })),
    ];
  });
  const context = {
    config,
    hiddenSize,
    vocabSize,
    embeddingSize: hiddenSize,
    layers: 0,
    tied,
    labels: named === row.classifier ? labelCount(config) : 0,
  };
  return {
    family: row.id,
    modelType: config.text("model_type", row.id),
    hiddenSize,
    vocabSize: targetSize,
    tied: tied && !(features && named === row.plain),
    ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
    norm: "layer",
    stacks: sides.map((side) => seqStack(config, side, prefix, row.layer)),
    tensors: [
      ...(alone || features ? [] : [embedding(`${prefix}shared`, vocabSize, hiddenSize)]),
      ...(ownTables && !alone && !features
        ? [embedding(`${prefix}encoder.embed_tokens`, vocabSize, hiddenSize)]
        : []),
      ...(shared && !ownTables && !alone && !features
        ? []
        : [embedding(`${prefix}decoder.embed_tokens`, targetSize, hiddenSize)]),
      ...outside,
      ...(named === row.generator || alone
        ? [
            ...(row.logitsBias && !alone ? [buffer("final_logits_bias", "lm-head", [1, targetSize])] : []),
            ...(tied ? [] : head(row.head ?? "lm_head", alone ? vocabSize : targetSize, hiddenSize)),
          ]
        : []),
      ...(named === row.classifier
        ? denseClassifier(context, "classification_head.dense", "classification_head.out_proj")
        : []),
    ],
    notes: [],
  };
}

/** The family that a row describes. */
export function seqFamily(row: SeqRow): Family {
  return {
    id: row.id,
    modelTypes: row.modelTypes ?? [row.id],
    classNames: namesOf(row),
    build: (config) => build(row, config),
  };
}
