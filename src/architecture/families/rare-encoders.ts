/** Encoders that few configs name: BERT's layer with another embedding, order of norms or head. */
import type { ConfigReader } from "../config-reader.ts";
import {
  denseClassifier,
  type EncoderRow,
  type EncoderSizes,
  encoderFamily,
  maskedLmHead,
  pooler,
} from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { convolution, embedding, linear, norm, positionEmbedding } from "../tensors.ts";
import {
  BERT,
  BERT_MLM,
  BERT_NAMES,
  bertEmbeddings,
  bertLayer,
  ROBERTA_HEADS,
  readSizes,
  token,
} from "./bert.ts";

/** BERT's heads that read the pooler of an encoder called `prefix`. */
function bertHeads(prefix: string): EncoderRow["heads"] {
  return {
    ...BERT.heads,
    sequence: (context) => [...pooler(`${prefix}.pooler.dense`, context.hiddenSize), ...token(context)],
  };
}

/** Words, positions and types without a norm. */
function bareEmbeddings(config: ConfigReader, sizes: EncoderSizes): Tensor[] {
  return bertEmbeddings(config, sizes).filter((t) => !t.name.startsWith("embeddings.LayerNorm"));
}

/** BERT with the norms before the sublayers and one at the end. */
const megatronBert = encoderFamily({
  ...BERT,
  id: "megatron-bert",
  classPrefixes: ["MegatronBert"],
  outside: (config, sizes) => [
    ...bareEmbeddings(config, sizes),
    ...norm("encoder.ln", sizes.hiddenSize, "bias"),
  ],
  layer: (config) => bertLayer(config, { ...BERT_NAMES, norms: ["attention.ln", "ln"] }),
});

/** BERT with an optional embedding of the task. */
const ernie = encoderFamily({
  ...BERT,
  id: "ernie",
  classPrefixes: ["Ernie"],
  prefix: "ernie",
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...(config.flag("use_task_id", false)
      ? [
          embedding(
            "embeddings.task_type_embeddings",
            config.int("task_type_vocab_size", 3),
            sizes.hiddenSize,
          ),
        ]
      : []),
  ],
  heads: bertHeads("ernie"),
});

const data2vecText = encoderFamily({
  ...BERT,
  id: "data2vec-text",
  classPrefixes: ["Data2VecText"],
  prefix: "data2vec_text",
  heads: ROBERTA_HEADS,
});

/** RoBERTa with the norms before the sublayers and one at the end. */
const robertaPreLayerNorm = encoderFamily({
  ...BERT,
  id: "roberta-prelayernorm",
  classPrefixes: ["RobertaPreLayerNorm"],
  prefix: "roberta_prelayernorm",
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...norm("LayerNorm", sizes.hiddenSize, "bias"),
  ],
  layer: (config) =>
    bertLayer(config, { ...BERT_NAMES, norms: ["attention.LayerNorm", "intermediate.LayerNorm"] }),
  heads: ROBERTA_HEADS,
});

/** XLM-R of 3.5 and 10.7 billion: no norm after the embedding, one at the end. */
const xlmRobertaXl = encoderFamily({
  ...BERT,
  id: "xlm-roberta-xl",
  classPrefixes: ["XLMRobertaXL"],
  prefix: "roberta",
  outside: (config, sizes) => [
    ...bareEmbeddings(config, sizes),
    ...norm("encoder.LayerNorm", sizes.hiddenSize, "bias"),
  ],
  layer: (config) =>
    bertLayer(config, { ...BERT_NAMES, norms: ["attention.self_attn_layer_norm", "LayerNorm"] }),
  heads: ROBERTA_HEADS,
});

/** BERT with a rotary table [positions, head size] instead of learned positions; no pooler. */
const roformer = encoderFamily({
  ...BERT,
  id: "roformer",
  classPrefixes: ["RoFormer"],
  prefix: "roformer",
  sizes: (config) => {
    const sizes = readSizes(config);
    return { ...sizes, embeddingSize: config.int("embedding_size", sizes.hiddenSize) };
  },
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes).filter((t) => t.role !== "position-embedding"),
    positionEmbedding(
      "encoder.embed_positions",
      config.int("max_position_embeddings", 1536),
      sizes.hiddenSize / config.int("num_attention_heads"),
    ),
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
    "masked-lm": (context) => maskedLmHead(context, BERT_MLM),
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
    question: BERT.heads.question!,
  },
});

/** Narrow embedding in, wide embedding out, never tied. */
const rembert = encoderFamily({
  ...BERT,
  id: "rembert",
  neverTied: true,
  classPrefixes: ["RemBert"],
  prefix: "rembert",
  sizes: (config) => ({ ...readSizes(config), embeddingSize: config.int("input_embedding_size", 256) }),
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
  heads: {
    ...bertHeads("rembert"),
    "masked-lm": (context) =>
      maskedLmHead(
        { ...context, embeddingSize: context.config.int("output_embedding_size", 1664), tied: false },
        {
          dense: "cls.predictions.dense",
          norm: "cls.predictions.LayerNorm",
          decoder: "cls.predictions.decoder",
          sharedBias: false,
        },
      ),
  },
});

/** BERT under block-sparse attention; its generator keeps the pooler. */
const bigBird = encoderFamily({
  ...BERT,
  id: "big_bird",
  classPrefixes: ["BigBird"],
  layer: (config) => {
    if (!config.flag("use_bias", true)) config.fail("use_bias", "true");
    return bertLayer(config, BERT_NAMES, "gelu_new");
  },
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler", hiddenSize),
    "masked-lm": (context) => [
      ...pooler("bert.pooler", context.hiddenSize),
      ...maskedLmHead(context, BERT_MLM),
    ],
  },
});

/** BERT with positions beyond the stated ones and, by a key, a convolution over each head's values. */
function offsetPositions(config: ConfigReader, sizes: EncoderSizes): Tensor[] {
  const rows = config.int("max_position_embeddings", 512) + 2;
  return bertEmbeddings(config, sizes).map((t) =>
    t.role === "position-embedding"
      ? positionEmbedding("embeddings.position_embeddings", rows, sizes.hiddenSize)
      : t,
  );
}

function convolved(id: string, prefix: string, key: string, otherwise?: number): Family {
  return encoderFamily({
    ...BERT,
    id,
    classPrefixes: [prefix],
    prefix: id,
    outside: offsetPositions,
    layer: (config) => {
      const layer = bertLayer(config, BERT_NAMES);
      const kernel = config.raw[key] === null ? undefined : (config.optionalInt(key) ?? otherwise);
      if (kernel === undefined) return layer;
      const shape = [config.int("num_attention_heads"), 1, kernel, 1];
      return {
        ...layer,
        tensors: [
          ...layer.tensors,
          ...convolution({ name: "attention.self.conv", group: "attention", shape }),
        ],
      };
    },
    heads: {
      plain: () => [],
      "masked-lm": (context) => maskedLmHead(context, BERT_MLM),
      token,
      sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    },
  });
}

export const RARE_ENCODERS: readonly Family[] = [
  megatronBert,
  ernie,
  data2vecText,
  robertaPreLayerNorm,
  xlmRobertaXl,
  roformer,
  rembert,
  bigBird,
  convolved("nystromformer", "Nystromformer", "conv_kernel_size", 65),
  convolved("yoso", "Yoso", "conv_window"),
];
