/** BERT (arXiv:1810.04805), RoBERTa, and what their relatives share. */

import type { ConfigReader } from "../config-reader.ts";
import {
  denseClassifier,
  type EncoderRow,
  type EncoderSizes,
  encoderFamily,
  type HeadContext,
  headLinear,
  maskedLmHead,
  pooler,
} from "../encoder-row.ts";
import { activationOf } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { embedding, norm, positionEmbedding } from "../tensors.ts";
import { encoderLayer, readEncoderHeads } from "../towers/tower.ts";
import { MOSAIC_MLP, withGatedMlp } from "./gated-bert.ts";

/** BERT's sizes; `embeddingKey` names the width of a narrower embedding. */
export function readSizes(config: ConfigReader, embeddingKey?: string, otherwise = 128): EncoderSizes {
  const hiddenSize = config.int("hidden_size");
  return {
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    vocabSize: config.int("vocab_size"),
    embeddingSize: embeddingKey === undefined ? hiddenSize : config.int(embeddingKey, otherwise),
  };
}

export interface LayerNames {
  readonly attention: string;
  readonly projections: readonly [string, string, string, string];
  /** Name of q, k and v in one linear without a bias. */
  readonly fused?: string;
  readonly mlp: readonly [string, string];
  readonly norms: readonly [string, string];
}

export const BERT_NAMES: LayerNames = {
  attention: "attention",
  projections: ["self.query", "self.key", "self.value", "output.dense"],
  mlp: ["intermediate.dense", "output.dense"],
  norms: ["attention.output.LayerNorm", "output.LayerNorm"],
};

/** What a class computes instead of reading it from the usual keys. */
export interface LayerSizes {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim?: number;
  readonly width?: number;
}

/** 4 lin(h, h) + plain MLP, biases everywhere, two LayerNorms. */
export function bertLayer(
  config: ConfigReader,
  names: LayerNames,
  activation = "gelu",
  sizes?: LayerSizes,
): LayerKind {
  if (config.optionalFlag("add_cross_attention") === true)
    return config.fail("add_cross_attention", "false: an encoder without cross attention");
  const { hiddenSize, heads } =
    sizes ?? readEncoderHeads(config, ["hidden_size", "dim"], ["num_attention_heads", "n_heads"]);
  if (hiddenSize % heads !== 0 && sizes?.headDim === undefined)
    config.fail("num_attention_heads", `a divisor of the hidden size ${hiddenSize}`);
  return encoderLayer({
    hiddenSize,
    heads,
    ...(sizes?.headDim === undefined ? {} : { headDim: sizes.headDim }),
    attention: {
      name: names.attention,
      names: names.projections,
      bias: { qkv: names.fused === undefined, o: true },
      ...(names.fused === undefined ? {} : { fused: names.fused }),
    },
    mlp: {
      name: "",
      width: sizes?.width ?? config.int(["intermediate_size", "hidden_dim"]),
      activation: activationOf(config, activation),
      bias: true,
      plain: names.mlp,
    },
    norm: "layer",
    norms: names.norms,
  });
}

/** Words, positions and token types, then a LayerNorm. */
export function bertEmbeddings(
  config: ConfigReader,
  { vocabSize, embeddingSize }: EncoderSizes,
  defaults: { readonly types: number } = { types: 2 },
): Tensor[] {
  const types = config.count("type_vocab_size", defaults.types);
  return [
    embedding("embeddings.word_embeddings", vocabSize, embeddingSize),
    positionEmbedding(
      "embeddings.position_embeddings",
      config.int("max_position_embeddings", 512),
      embeddingSize,
    ),
    ...(types === 0 ? [] : [typeEmbedding(types, embeddingSize)]),
    ...norm("embeddings.LayerNorm", embeddingSize, "bias"),
  ];
}

function typeEmbedding(types: number, width: number): Tensor {
  return { ...embedding("embeddings.token_type_embeddings", types, width), split: "replicated" };
}

export const BERT_MLM = {
  dense: "cls.predictions.transform.dense",
  norm: "cls.predictions.transform.LayerNorm",
  decoder: "cls.predictions.decoder",
  sharedBias: true,
} as const;
export const LM_HEAD = {
  dense: "lm_head.dense",
  norm: "lm_head.layer_norm",
  decoder: "lm_head.decoder",
  sharedBias: true,
} as const;

/** A label for every token. */
export const token = ({ labels, hiddenSize }: HeadContext): Tensor[] =>
  headLinear("classifier", labels, hiddenSize);

/** Where an answer begins and ends. */
export const question = ({ labels, hiddenSize }: HeadContext): Tensor[] =>
  headLinear("qa_outputs", labels, hiddenSize);

/** The pooler belongs to the plain encoder and to sentence-level heads. */
export const BERT: EncoderRow = {
  id: "bert",
  classPrefixes: ["Bert"],
  prefix: "bert",
  layersName: "encoder.layer",
  norm: "layer",
  sizes: (config) => readSizes(config),
  outside: (config, sizes) => bertEmbeddings(config, sizes),
  layer: (config) => bertLayer(config, BERT_NAMES),
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => maskedLmHead(context, BERT_MLM),
    pretraining: (context) => [
      ...pooler("bert.pooler.dense", context.hiddenSize),
      ...maskedLmHead(context, BERT_MLM),
      ...headLinear("cls.seq_relationship", 2, context.hiddenSize),
    ],
    sequence: (context) => [...pooler("bert.pooler.dense", context.hiddenSize), ...token(context)],
    token,
    question: ({ hiddenSize }) => headLinear("qa_outputs", 2, hiddenSize),
  },
};

/** MosaicBERT and DNABERT-2, which say so by `alibi_starting_size`: a gated MLP, positions in the attention scores. */
const isMosaic = (config: ConfigReader): boolean => config.has("alibi_starting_size");

export const bert = encoderFamily({
  ...BERT,
  outside: (config, sizes) => {
    const tensors = bertEmbeddings(config, sizes);
    return isMosaic(config) ? tensors.filter(({ role }) => role !== "position-embedding") : tensors;
  },
  layer: (config, { hiddenSize }) => {
    const layer = bertLayer(config, BERT_NAMES);
    return isMosaic(config) ? withGatedMlp(layer, hiddenSize, MOSAIC_MLP) : layer;
  },
});

/** BERT whose sentence head has its own linear instead of the pooler; XLM-R is RoBERTa with another vocabulary. */
export const roberta = encoderFamily({
  ...BERT,
  id: "roberta",
  modelTypes: ["roberta", "xlm-roberta", "camembert"],
  classPrefixes: ["Roberta", "XLMRoberta", "Camembert"],
  prefix: "roberta",
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => maskedLmHead(context, LM_HEAD),
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
    question,
  },
});

/** A table of position biases [buckets, heads], counted with attention. */
export function relativePositions(name: string, buckets: number, heads: number): Tensor {
  return { ...positionEmbedding(name, buckets, heads), group: "attention" };
}

/** RoBERTa's: a pooler when plain, two linears to classify sequences. */
export const ROBERTA_HEADS: EncoderRow["heads"] = {
  plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
  "masked-lm": (context) => maskedLmHead(context, LM_HEAD),
  sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
  token,
  question,
};
