/** Encoders that changed BERT's embedding, its depth, its sharing or its positions. */

import { denseClassifier, encoderFamily, headLinear, maskedLmHead, pooler } from "../encoder-row.ts";
import { embedding, linear, norm, positionEmbedding } from "../tensors.ts";
import {
  BERT,
  BERT_NAMES,
  bertEmbeddings,
  bertLayer,
  LM_HEAD,
  question,
  readSizes,
  relativePositions,
  token,
} from "./bert.ts";

/** RoBERTa without token types; one relative-position table for all layers. */
export const mpnet = encoderFamily({
  ...BERT,
  id: "mpnet",
  classPrefixes: ["MPNet"],
  prefix: "mpnet",
  outside: (config, sizes) => [
    embedding("embeddings.word_embeddings", sizes.vocabSize, sizes.hiddenSize),
    positionEmbedding(
      "embeddings.position_embeddings",
      config.int("max_position_embeddings", 512),
      sizes.hiddenSize,
    ),
    ...norm("embeddings.LayerNorm", sizes.hiddenSize, "bias"),
    relativePositions(
      "encoder.relative_attention_bias",
      config.int("relative_attention_num_buckets", 32),
      config.int("num_attention_heads"),
    ),
  ],
  layer: (config) =>
    bertLayer(config, {
      ...BERT_NAMES,
      projections: ["attn.q", "attn.k", "attn.v", "attn.o"],
      norms: ["attention.LayerNorm", "output.LayerNorm"],
    }),
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => maskedLmHead(context, LM_HEAD),
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
    question,
  },
});

/** Half of BERT's layers, no token types, no pooler. */
export const distilbert = encoderFamily({
  ...BERT,
  id: "distilbert",
  classPrefixes: ["DistilBert"],
  prefix: "distilbert",
  layersName: "transformer.layer",
  sizes: (config) => {
    const hiddenSize = config.int(["dim", "hidden_size"]);
    return {
      hiddenSize,
      layers: config.layers(["n_layers", "num_hidden_layers"]),
      vocabSize: config.int("vocab_size"),
      embeddingSize: hiddenSize,
    };
  },
  outside: (config, { vocabSize, hiddenSize }) => [
    embedding("embeddings.word_embeddings", vocabSize, hiddenSize),
    positionEmbedding(
      "embeddings.position_embeddings",
      config.int("max_position_embeddings", 512),
      hiddenSize,
    ),
    ...norm("embeddings.LayerNorm", hiddenSize, "bias"),
  ],
  layer: (config) =>
    bertLayer(config, {
      attention: "attention",
      projections: ["q_lin", "k_lin", "v_lin", "out_lin"],
      mlp: ["ffn.lin1", "ffn.lin2"],
      norms: ["sa_layer_norm", "output_layer_norm"],
    }),
  heads: {
    plain: () => [],
    "masked-lm": (context) =>
      maskedLmHead(context, {
        dense: "vocab_transform",
        norm: "vocab_layer_norm",
        decoder: "vocab_projector",
        sharedBias: false,
      }),
    sequence: (context) => denseClassifier(context, "pre_classifier", "classifier"),
    token,
    question,
  },
});

const ALBERT_MLM = {
  dense: "predictions.dense",
  norm: "predictions.LayerNorm",
  decoder: "predictions.decoder",
  sharedBias: true,
} as const;

/** num_hidden_groups groups of inner_group_num layers, run over and over (arXiv:1909.11942); a narrow embedding. */
export const albert = encoderFamily({
  ...BERT,
  id: "albert",
  classPrefixes: ["Albert"],
  prefix: "albert",
  layersName: "encoder.albert_layer_groups",
  sizes: (config) => readSizes(config, "embedding_size"),
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...linear({
      name: "encoder.embedding_hidden_mapping_in",
      role: "other",
      group: "other",
      outDim: sizes.hiddenSize,
      inDim: sizes.embeddingSize,
      bias: true,
    }),
  ],
  sharing: (config, { layers }) => {
    const groups = config.int("num_hidden_groups", 1);
    const inner = config.int("inner_group_num", 1);
    if (layers % groups !== 0) config.fail("num_hidden_groups", `a divisor of the ${layers} layers`);
    if (groups * inner > 100_000) config.fail("inner_group_num", "at most 100,000 layers");
    return { stored: groups * inner, repeats: layers / groups };
  },
  layer: (config) =>
    bertLayer(
      config,
      {
        attention: "attention",
        projections: ["query", "key", "value", "dense"],
        mlp: ["ffn", "ffn_output"],
        norms: ["attention.LayerNorm", "full_layer_layer_norm"],
      },
      "gelu_new",
    ),
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler", hiddenSize),
    "masked-lm": (context) => maskedLmHead(context, ALBERT_MLM),
    pretraining: (context) => [
      ...pooler("albert.pooler", context.hiddenSize),
      ...maskedLmHead(context, ALBERT_MLM),
      ...headLinear("sop_classifier.classifier", context.labels, context.hiddenSize),
    ],
    sequence: (context) => [...pooler("albert.pooler", context.hiddenSize), ...token(context)],
    token,
    question,
  },
});

/** BERT with a narrow embedding and no pooler; its own head says which tokens were replaced. */
export const electra = encoderFamily({
  ...BERT,
  id: "electra",
  classPrefixes: ["Electra"],
  prefix: "electra",
  sizes: (config) => readSizes(config, "embedding_size"),
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...(sizes.embeddingSize === sizes.hiddenSize
      ? []
      : linear({
          name: "embeddings_project",
          role: "other",
          group: "other",
          outDim: sizes.hiddenSize,
          inDim: sizes.embeddingSize,
          bias: true,
        })),
  ],
  heads: {
    plain: () => [],
    "masked-lm": (context) =>
      maskedLmHead(context, {
        dense: "generator_predictions.dense",
        norm: "generator_predictions.LayerNorm",
        decoder: "generator_lm_head",
        sharedBias: false,
      }),
    pretraining: ({ hiddenSize }) => [
      ...headLinear("discriminator_predictions.dense", hiddenSize, hiddenSize),
      ...headLinear("discriminator_predictions.dense_prediction", 1, hiddenSize),
    ],
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
    question,
  },
});
