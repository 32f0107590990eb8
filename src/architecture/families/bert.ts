/** BERT (arXiv:1810.04805) and the encoders that changed its embedding, its sharing or its positions. */
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
import { convolution, embedding, linear, norm, positionEmbedding } from "../tensors.ts";
import { encoderLayer, readEncoderHeads } from "../towers/tower.ts";

function readSizes(config: ConfigReader, embeddingKey?: string): EncoderSizes {
  const hiddenSize = config.int("hidden_size");
  return {
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    vocabSize: config.int("vocab_size"),
    embeddingSize: embeddingKey === undefined ? hiddenSize : config.int(embeddingKey, 128),
  };
}

interface LayerNames {
  readonly attention: string;
  readonly projections: readonly [string, string, string, string];
  readonly mlp: readonly [string, string];
  readonly norms: readonly [string, string];
}

const BERT_NAMES: LayerNames = {
  attention: "attention",
  projections: ["self.query", "self.key", "self.value", "output.dense"],
  mlp: ["intermediate.dense", "output.dense"],
  norms: ["attention.output.LayerNorm", "output.LayerNorm"],
};

/** 4 lin(h, h) + plain MLP, biases everywhere, two LayerNorms. */
function bertLayer(config: ConfigReader, names: LayerNames, activation = "gelu"): LayerKind {
  if (config.optionalFlag("add_cross_attention") === true)
    return config.fail("add_cross_attention", "false: an encoder without cross attention");
  const { hiddenSize, heads } = readEncoderHeads(
    config,
    ["hidden_size", "dim"],
    ["num_attention_heads", "n_heads"],
  );
  return encoderLayer({
    hiddenSize,
    heads,
    attention: { name: names.attention, names: names.projections, bias: { qkv: true, o: true } },
    mlp: {
      name: "",
      width: config.int(["intermediate_size", "hidden_dim"]),
      activation: activationOf(config, activation),
      bias: true,
      plain: names.mlp,
    },
    norm: "layer",
    norms: names.norms,
  });
}

/** Words, positions and token types, then a LayerNorm. */
function bertEmbeddings(
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

const BERT_MLM = {
  dense: "cls.predictions.transform.dense",
  norm: "cls.predictions.transform.LayerNorm",
  decoder: "cls.predictions.decoder",
  sharedBias: true,
} as const;
const LM_HEAD = {
  dense: "lm_head.dense",
  norm: "lm_head.layer_norm",
  decoder: "lm_head.decoder",
  sharedBias: true,
} as const;

const token = ({ labels, hiddenSize }: HeadContext): Tensor[] => headLinear("classifier", labels, hiddenSize);
const question = ({ labels, hiddenSize }: HeadContext): Tensor[] =>
  headLinear("qa_outputs", labels, hiddenSize);

/** The pooler belongs to the plain encoder and to sentence-level heads. */
const BERT: EncoderRow = {
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
export const bert = encoderFamily(BERT);

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

/** A table of position biases [buckets, heads], counted with attention. */
export function relativePositions(name: string, buckets: number, heads: number): Tensor {
  return { ...positionEmbedding(name, buckets, heads), group: "attention" };
}

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

/**
 * Content and position attend apart (arXiv:2006.03654): a table of relative positions, its projections per
 * layer unless share_att_key, an optional convolution beside the first layer.
 */
export const debertaV2 = encoderFamily({
  ...BERT,
  id: "deberta-v2",
  classPrefixes: ["DebertaV2"],
  prefix: "deberta",
  sizes: (config) => ({ ...readSizes(config), embeddingSize: config.int(["embedding_size", "hidden_size"]) }),
  outside: (config, sizes) => {
    const { hiddenSize, embeddingSize } = sizes;
    const all = bertEmbeddings(config, sizes, { types: 0 });
    const biased = config.flag("position_biased_input", true);
    const words = all.filter((t) => biased || !t.name.startsWith("embeddings.position_embeddings"));
    const normed = words.map((t) => (t.group === "norms" ? { ...t, shape: [hiddenSize] } : t));
    const convolved = config.count("conv_kernel_size", 0);
    return [
      ...normed,
      ...(embeddingSize === hiddenSize
        ? []
        : linear({
            name: "embeddings.embed_proj",
            role: "other",
            group: "other",
            outDim: hiddenSize,
            inDim: embeddingSize,
          })),
      ...(config.flag("relative_attention", false)
        ? [{ ...positionEmbedding("encoder.rel_embeddings", relativeRows(config), hiddenSize) }]
        : []),
      ...(config
        .text("norm_rel_ebd", "none")
        .toLowerCase()
        .split("|")
        .some((x) => x.trim() === "layer_norm")
        ? norm("encoder.LayerNorm", hiddenSize, "bias")
        : []),
      ...(convolved === 0
        ? []
        : [
            ...convolution({
              name: "encoder.conv.conv",
              group: "other",
              shape: [hiddenSize, perGroup(config, hiddenSize), convolved],
              bias: true,
            }),
            ...norm("encoder.conv.LayerNorm", hiddenSize, "bias"),
          ]),
    ];
  },
  layer: (config, { hiddenSize }) => {
    const kind = bertLayer(config, {
      ...BERT_NAMES,
      projections: ["self.query_proj", "self.key_proj", "self.value_proj", "output.dense"],
    });
    if (!config.flag("relative_attention", false) || config.flag("share_att_key", false)) return kind;
    const types = positionTypes(config);
    const extra = (type: string, name: string): Tensor[] =>
      types.includes(type)
        ? linear({
            name: `attention.self.${name}`,
            role: "other",
            group: "attention",
            outDim: hiddenSize,
            inDim: hiddenSize,
            bias: true,
            split: "column",
          })
        : [];
    return {
      ...kind,
      tensors: [...kind.tensors, ...extra("c2p", "pos_key_proj"), ...extra("p2c", "pos_query_proj")],
    };
  },
  heads: {
    plain: () => [],
    "masked-lm": (context) => maskedLmHead(context, BERT_MLM),
    sequence: (context) => [...pooler("pooler.dense", context.hiddenSize), ...token(context)],
    token,
    question,
  },
});

/** pos_att_type: "c2p|p2c" or a list. */
function positionTypes(config: ConfigReader): readonly string[] {
  if (Array.isArray(config.raw.pos_att_type)) return config.texts("pos_att_type") ?? [];
  return (config.optionalText("pos_att_type") ?? "")
    .toLowerCase()
    .split("|")
    .map((type) => type.trim());
}

/** Twice the buckets, else twice the furthest distance. */
function relativeRows(config: ConfigReader): number {
  const buckets = config.number("position_buckets", -1);
  if (buckets > 0) return 2 * config.int("position_buckets");
  const distance = config.number("max_relative_positions", -1);
  return (
    2 * (distance < 1 ? config.int("max_position_embeddings", 512) : config.int("max_relative_positions"))
  );
}

function perGroup(config: ConfigReader, hiddenSize: number): number {
  const groups = config.int("conv_groups", 1);
  if (hiddenSize % groups !== 0) config.fail("conv_groups", `a divisor of the hidden size ${hiddenSize}`);
  return hiddenSize / groups;
}
