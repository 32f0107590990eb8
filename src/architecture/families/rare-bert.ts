import {
  denseClassifier,
  encoderFamily,
  headLinear,
  maskedLmHead,
  pooler,
  tokenHead,
} from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { buffer, embedding, otherLinear, positionEmbedding } from "../tensors.ts";
import {
  BERT,
  BERT_MLM,
  BERT_NAMES,
  bertEmbeddings,
  bertLayer,
  question,
  ROBERTA_HEADS,
  token,
} from "./bert.ts";
import { attentionLinear, beside } from "./bert-additions.ts";
import { convbert } from "./convbert.ts";
import { deberta } from "./deberta.ts";
import { ibert } from "./ibert.ts";
import { luke } from "./luke.ts";
import { flaubert, xlm } from "./xlm.ts";
import { xlnet } from "./xlnet.ts";
import { xmod } from "./xmod.ts";

/** Chosen tokens attend to all with projections of their own (arXiv:2004.05150). */
const longformer = encoderFamily({
  ...BERT,
  id: "longformer",
  classPrefixes: ["Longformer"],
  prefix: "longformer",
  layer: (config, { hiddenSize }) =>
    beside(
      bertLayer(config, BERT_NAMES),
      ["query", "key", "value"].flatMap((name) =>
        attentionLinear(`attention.self.${name}_global`, hiddenSize),
      ),
    ),
  heads: ROBERTA_HEADS,
});

/** BERT whose decoder is a class of its own; no token types and no pooler. */
const bertGeneration = encoderFamily({
  ...BERT,
  id: "bert-generation",
  classPrefixes: [],
  classNames: { BertGenerationDecoder: "masked-lm", BertGenerationEncoder: "plain" },
  outside: (config, sizes) => bertEmbeddings(config, sizes, { types: 0 }),
  heads: {
    plain: () => [],
    "masked-lm": ({ vocabSize, hiddenSize, tied }) =>
      tokenHead("lm_head", vocabSize, hiddenSize, { tied, twoBiases: true }),
  },
});

/** BERT without a pooler. */
const splinter = encoderFamily({
  ...BERT,
  id: "splinter",
  classPrefixes: ["Splinter"],
  prefix: "splinter",
  heads: { plain: () => [] },
});

/** Mixes positions by a Fourier transform: no attention and nothing trained in it (arXiv:2105.03824). */
const fnet = encoderFamily({
  ...BERT,
  id: "fnet",
  classPrefixes: ["FNet"],
  prefix: "fnet",
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes, { types: 4 }),
    ...otherLinear("embeddings.projection", sizes.hiddenSize, sizes.hiddenSize),
  ],
  layer: (config) => {
    const layer = bertLayer(
      config,
      { ...BERT_NAMES, norms: ["fourier.output.LayerNorm", "output.LayerNorm"] },
      "gelu_new",
      { hiddenSize: config.int("hidden_size"), heads: 1 },
    );
    return { ...layer, mixers: [], tensors: layer.tensors.filter(({ group }) => group !== "attention") };
  },
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => [
      ...pooler("fnet.pooler.dense", context.hiddenSize),
      ...maskedLmHead(context, BERT_MLM),
    ],
    pretraining: (context) => [
      ...pooler("fnet.pooler.dense", context.hiddenSize),
      ...maskedLmHead(context, BERT_MLM),
      ...headLinear("cls.seq_relationship", 2, context.hiddenSize),
    ],
    sequence: (context) => [...pooler("fnet.pooler.dense", context.hiddenSize), ...token(context)],
    token: (context) => [...pooler("fnet.pooler.dense", context.hiddenSize), ...token(context)],
    question: (context) => [...pooler("fnet.pooler.dense", context.hiddenSize), ...question(context)],
  },
});

/** Characters by their pronunciation and shape beside their identity. */
const rocBert = encoderFamily({
  ...BERT,
  id: "roc_bert",
  classPrefixes: ["RoCBert"],
  prefix: "roc_bert",
  outside: (config, sizes) => {
    const { hiddenSize } = sizes;
    const sound = config.int("pronunciation_embed_dim", 768);
    const shape = config.int("shape_embed_dim", 512);
    const extra =
      (config.flag("enable_pronunciation", true) ? sound : 0) +
      (config.flag("enable_shape", true) ? shape : 0);
    const table = (name: string, rows: number, dim: number): Tensor => ({
      ...embedding(`embeddings.${name}`, rows, dim),
      split: "replicated",
    });
    return [
      ...bertEmbeddings(config, sizes),
      table("pronunciation_embed", config.int("pronunciation_vocab_size", 910), sound),
      table("shape_embed", config.int("shape_vocab_size", 24_858), shape),
      ...(config.flag("concat_input", true)
        ? otherLinear("embeddings.map_inputs_layer", hiddenSize, hiddenSize + extra)
        : []),
    ];
  },
  heads: {
    ...BERT.heads,
    pretraining: (context) => [
      ...pooler("roc_bert.pooler.dense", context.hiddenSize),
      ...maskedLmHead(context, BERT_MLM),
    ],
    sequence: (context) => [...pooler("roc_bert.pooler.dense", context.hiddenSize), ...token(context)],
    question,
  },
});

/** Sparse attention over chosen blocks; positions with two rows more. */
const mra = encoderFamily({
  ...BERT,
  id: "mra",
  classPrefixes: ["Mra"],
  prefix: "mra",
  outside: (config, sizes) => {
    const rows = config.int("max_position_embeddings", 512);
    return [
      ...bertEmbeddings(config, sizes, { types: 1 }).map((t) =>
        t.role === "position-embedding"
          ? positionEmbedding("embeddings.position_embeddings", rows + 2, sizes.hiddenSize)
          : t,
      ),
      buffer("embeddings.position_ids", "positions", [1, rows]),
    ];
  },
  heads: {
    plain: () => [],
    "masked-lm": (context) => maskedLmHead(context, BERT_MLM),
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
    question,
  },
});

/** BERT as an encoder of questions and passages. */
const dpr = encoderFamily({
  ...BERT,
  id: "dpr",
  classPrefixes: [],
  classNames: { DPRQuestionEncoder: "plain", DPRContextEncoder: "plain", DPRReader: "question" },
  prefix: "encoder.bert_model",
  heads: {
    plain: ({ config, hiddenSize }) => {
      const width = config.count("projection_dim", 0);
      return width === 0 ? [] : headLinear("encode_proj", width, hiddenSize);
    },
    question: ({ config, hiddenSize }) => {
      const width = config.count("projection_dim", 0);
      const out = width === 0 ? hiddenSize : width;
      return [
        ...(width === 0 ? [] : headLinear("encode_proj", width, hiddenSize)),
        ...headLinear("span_predictor.qa_outputs", 2, out),
        ...headLinear("span_predictor.qa_classifier", 1, out),
      ];
    },
  },
});

export const RARE_BERT: readonly Family[] = [
  deberta,
  longformer,
  bertGeneration,
  xlm,
  flaubert,
  luke,
  splinter,
  fnet,
  rocBert,
  mra,
  dpr,
  xmod,
  convbert,
  ibert,
  xlnet,
];
