/** Encoders that few configs name and whose layer is BERT's with something beside it. */
import type { ConfigReader } from "../config-reader.ts";
import {
  denseClassifier,
  type EncoderRow,
  encoderFamily,
  type HeadContext,
  headLinear,
  maskedLmHead,
  pooler,
} from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { buffer, embedding, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import {
  BERT,
  BERT_MLM,
  BERT_NAMES,
  bertEmbeddings,
  bertLayer,
  LM_HEAD,
  question,
  readSizes,
  token,
} from "./bert.ts";
import { deberta } from "./deberta.ts";

const outOfStack = (name: string, outDim: number, inDim: number, bias = true): Tensor[] =>
  linear({ name, role: "other", group: "other", outDim, inDim, bias });

/** The layer with more tensors in it. */
function beside(layer: LayerKind, more: readonly Tensor[]): LayerKind {
  return { ...layer, tensors: [...layer.tensors, ...more] };
}

/** A linear [h, h] with a bias, beside those of attention. */
function attentionLinear(name: string, outDim: number, inDim = outDim): Tensor[] {
  return linear({ name, role: "other", group: "attention", outDim, inDim, bias: true, split: "column" });
}

const ROBERTA_HEADS: EncoderRow["heads"] = {
  plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
  "masked-lm": (context) => maskedLmHead(context, LM_HEAD),
  sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
  token,
  question,
};

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

/** decoder [V, e] with a bias; tied, the bias alone. */
function tokenHead(
  name: string,
  rows: number,
  width: number,
  options: { readonly tied: boolean; readonly twoBiases?: boolean },
): Tensor[] {
  const [weight, bias] = linear({
    name,
    role: "head",
    group: "lm-head",
    outDim: rows,
    inDim: width,
    split: "vocab",
    bias: true,
  });
  return [
    ...(options.tied ? [] : [weight!]),
    bias!,
    ...(options.twoBiases === true && !options.tied ? [{ ...bias!, name: `${name}.(second bias)` }] : []),
  ];
}

/** XLM and FlauBERT: learned positions, 4h wide MLPs, a norm after each sublayer. */
function crossLingual(id: string, prefix: string): Family {
  return encoderFamily({
    ...BERT,
    id,
    classPrefixes: [prefix],
    classNames: {
      [`${prefix}WithLMHeadModel`]: "masked-lm",
      [`${prefix}ForQuestionAnsweringSimple`]: "question",
    },
    prefix: "transformer",
    layersName: "layers",
    sizes: (config) => {
      const hiddenSize = config.int(["emb_dim", "hidden_size"], 2048);
      return {
        hiddenSize,
        layers: config.layers(["n_layers", "num_hidden_layers"], 12),
        vocabSize: config.int(["vocab_size", "n_words"], 30_145),
        embeddingSize: hiddenSize,
      };
    },
    outside: (config, { hiddenSize, vocabSize }) => {
      if (config.flag("asm", false)) config.fail("asm", "false: a softmax over the whole vocabulary");
      const languages = config.int("n_langs", 1);
      const withLanguages = config.flag("use_lang_emb", true) && languages > 1;
      return [
        embedding("embeddings", vocabSize, hiddenSize),
        positionEmbedding("position_embeddings", config.int("max_position_embeddings", 512), hiddenSize),
        ...(withLanguages
          ? [{ ...embedding("lang_embeddings", languages, hiddenSize), split: "replicated" as const }]
          : []),
        ...norm("layer_norm_emb", hiddenSize, "bias"),
      ];
    },
    layer: (config, { hiddenSize }) =>
      bertLayer(config, XLM_NAMES, "gelu", {
        hiddenSize,
        heads: config.int(["n_heads", "num_attention_heads"], 16),
        width: 4 * hiddenSize,
      }),
    heads: {
      plain: () => [],
      "masked-lm": ({ vocabSize, hiddenSize, tied }) =>
        tokenHead("pred_layer.proj", vocabSize, hiddenSize, { tied }),
      sequence: ({ config, labels, hiddenSize }) =>
        config.flag("summary_use_proj", true)
          ? headLinear(
              "sequence_summary.summary",
              config.flag("summary_proj_to_labels", true) ? labels : hiddenSize,
              hiddenSize,
            )
          : [],
      token,
      question,
    },
  });
}
const XLM_NAMES = {
  attention: "attentions",
  projections: ["q_lin", "k_lin", "v_lin", "out_lin"],
  mlp: ["ffns.lin1", "ffns.lin2"],
  norms: ["layer_norm1", "layer_norm2"],
} as const;

/** RoBERTa beside a table of entities that attend with queries of their own (arXiv:2010.01057). */
const luke = encoderFamily({
  ...BERT,
  id: "luke",
  classPrefixes: ["Luke"],
  classNames: {
    LukeForEntityClassification: "sequence",
    LukeForEntityPairClassification: "sequence",
    LukeForEntitySpanClassification: "sequence",
  },
  prefix: "luke",
  outside: (config, sizes) => {
    const { hiddenSize } = sizes;
    const at = (name: string): string => `entity_embeddings.${name}`;
    const entitySize = config.int("entity_emb_size", 256);
    return [
      ...bertEmbeddings(config, sizes),
      {
        ...embedding(at("entity_embeddings"), config.int("entity_vocab_size", 500_000), entitySize),
        split: "replicated",
      },
      ...(entitySize === hiddenSize
        ? []
        : outOfStack(at("entity_embedding_dense"), hiddenSize, entitySize, false)),
      positionEmbedding(at("position_embeddings"), config.int("max_position_embeddings", 512), hiddenSize),
      {
        ...embedding(at("token_type_embeddings"), config.int("type_vocab_size", 2), hiddenSize),
        split: "replicated",
      },
      ...norm(at("LayerNorm"), hiddenSize, "bias"),
    ];
  },
  layer: (config, { hiddenSize }) =>
    beside(
      bertLayer(config, BERT_NAMES),
      config.flag("use_entity_aware_attention", true)
        ? ["w2e", "e2w", "e2e"].flatMap((name) => attentionLinear(`attention.self.${name}_query`, hiddenSize))
        : [],
    ),
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => [
      ...pooler("luke.pooler.dense", context.hiddenSize),
      ...maskedLmHead({ ...context, tied: false }, { ...LM_HEAD, sharedBias: !context.tied }),
      ...lukeEntities(context),
    ],
    sequence: ({ config, hiddenSize, labels }) => {
      const named = config.texts("architectures")?.[0] ?? "";
      const parts = named.includes("Pair") ? 2 : named.includes("Span") ? 3 : 1;
      return [
        ...pooler("luke.pooler.dense", hiddenSize),
        ...headLinear("classifier", labels, parts * hiddenSize).slice(0, parts === 2 ? 1 : 2),
      ];
    },
    token,
    question,
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
    ...outOfStack("embeddings.projection", sizes.hiddenSize, sizes.hiddenSize),
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
        ? outOfStack("embeddings.map_inputs_layer", hiddenSize, hiddenSize + extra)
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

/** RoBERTa with a bottleneck per language in each layer (arXiv:2205.06266). */
const xmod = encoderFamily({
  ...BERT,
  id: "xmod",
  classPrefixes: ["Xmod"],
  prefix: "roberta",
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...(config.flag("pre_norm", false) ? norm("encoder.LayerNorm", sizes.hiddenSize, "bias") : []),
  ],
  layer: (config, { hiddenSize }) => {
    const width = Math.floor(hiddenSize / config.number("adapter_reduction_factor", 2));
    if (width < 1) config.fail("adapter_reduction_factor", `at most the hidden size ${hiddenSize}`);
    const languages = config.texts("languages") ?? ["en_XX"];
    return beside(bertLayer(config, BERT_NAMES), [
      ...(config.flag("adapter_layer_norm", false)
        ? norm("output.adapter_layer_norm", hiddenSize, "bias")
        : []),
      ...[...new Set(languages)].flatMap((language) => {
        const at = (name: string): string => `output.adapter_modules.${language}.${name}`;
        return [
          ...linear({
            name: at("dense1"),
            role: "other",
            group: "mlp",
            outDim: width,
            inDim: hiddenSize,
            bias: true,
          }),
          ...linear({
            name: at("dense2"),
            role: "other",
            group: "mlp",
            outDim: hiddenSize,
            inDim: width,
            bias: true,
          }),
        ];
      }),
    ]);
  },
  heads: ROBERTA_HEADS,
});

/** Fewer heads of attention, and a dynamic convolution instead of the others (arXiv:2008.02496). */
const convbert = encoderFamily({
  ...BERT,
  id: "convbert",
  classPrefixes: ["ConvBert"],
  prefix: "convbert",
  sizes: (config) => readSizes(config, "embedding_size", 768),
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...(sizes.embeddingSize === sizes.hiddenSize
      ? []
      : outOfStack("embeddings_project", sizes.hiddenSize, sizes.embeddingSize)),
  ],
  layer: (config, { hiddenSize }) => convbertLayer(config, hiddenSize),
  heads: {
    plain: () => [],
    "masked-lm": ({ hiddenSize, embeddingSize, vocabSize, tied }) => [
      ...norm("generator_predictions.LayerNorm", embeddingSize, "bias"),
      ...headLinear("generator_predictions.dense", embeddingSize, hiddenSize),
      ...tokenHead("generator_lm_head", vocabSize, embeddingSize, { tied }),
    ],
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
    question,
  },
});

function convbertLayer(config: ConfigReader, hiddenSize: number): LayerKind {
  const all = config.int("num_attention_heads");
  const kernel = config.int("conv_kernel_size", 9);
  const groups = config.int("num_groups", 1);
  // Below one head of attention the class keeps one; its head size is half of what the heads leave.
  const heads = Math.max(1, Math.floor(all / config.int("head_ratio", 2)));
  const headDim = Math.floor(Math.floor(hiddenSize / heads) / 2);
  const inner = heads * headDim;
  if (headDim < 1) config.fail("num_attention_heads", `at most half the hidden size ${hiddenSize}`);
  const layer = bertLayer(config, BERT_NAMES, "gelu", { hiddenSize, heads, headDim });
  const own = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name: `attention.self.${name}`, role: "other", group: "attention", outDim, inDim, bias: true });
  const conv = (name: string, shape: readonly number[]): Tensor =>
    vector(`attention.self.key_conv_attn_layer.${name}`, "attention", shape);
  return {
    ...layer,
    tensors: [
      ...layer.tensors.map((t): Tensor => {
        if (t.role === "attn-o" && t.kind === "linear") return { ...t, shape: [hiddenSize, hiddenSize] };
        const grouped = groups > 1 && t.group === "mlp" && t.kind === "linear";
        return grouped ? { ...t, shape: [groups, t.shape[1]! / groups, t.shape[0]! / groups] } : t;
      }),
      conv("depthwise.weight", [hiddenSize, 1, kernel]),
      conv("pointwise.weight", [inner, hiddenSize, 1]),
      conv("bias", [inner, 1]),
      ...own("conv_kernel_layer", heads * kernel, inner),
      ...own("conv_out_layer", inner, hiddenSize),
    ],
  };
}

/** RoBERTa in integers: the class keeps rounded copies of its weights and scales beside them. */
const ibert = encoderFamily({
  ...BERT,
  id: "ibert",
  classPrefixes: ["IBert"],
  prefix: "ibert",
  outside: (config, sizes) => {
    const tables = bertEmbeddings(config, sizes);
    const rounded = tables
      .filter(({ kind }) => kind === "embedding")
      .flatMap((t) => [
        buffer(`${t.name}_integer`, t.group, t.shape),
        buffer(`${t.name}_scaling_factor`, t.group, [1]),
      ]);
    const acts = ["embeddings_act1", "embeddings_act2", "LayerNorm.activation", "output_activation"];
    return [
      ...tables,
      ...rounded,
      ...acts.flatMap((name) => activationRange(`embeddings.${name}`)),
      buffer("embeddings.LayerNorm.shift", "norms", [1]),
    ];
  },
  layer: (config) => {
    const layer = bertLayer(config, BERT_NAMES);
    const rounded = layer.tensors.flatMap((t) =>
      t.kind === "linear"
        ? [
            buffer(`${t.name}_integer`, t.group, t.shape),
            buffer(`${t.name}_scaling_factor`, t.group, [t.shape[0]!]),
          ]
        : t.group === "norms"
          ? []
          : [buffer(`${t.name}_integer`, t.group, t.shape)],
    );
    return beside(layer, [
      ...rounded,
      ...IBERT_ACTIVATIONS.flatMap(activationRange),
      ...["attention.output.LayerNorm.shift", "output.LayerNorm.shift"].map((name) =>
        buffer(name, "norms", [1]),
      ),
    ]);
  },
  heads: ROBERTA_HEADS,
});

const IBERT_ACTIVATIONS = [
  ...["query", "key", "value", "output"].map((name) => `attention.self.${name}_activation`),
  "attention.self.softmax.act",
  ...["ln_input_act", "LayerNorm.activation", "output_activation"].flatMap((name) => [
    `attention.output.${name}`,
    `output.${name}`,
  ]),
  "intermediate.output_activation",
  "pre_intermediate_act",
  "pre_output_act",
];

/** Smallest, largest and scale of what passes one point. */
function activationRange(name: string): Tensor[] {
  return ["x_min", "x_max", "act_scaling_factor"].map((part) => buffer(`${name}.${part}`, "other", [1]));
}

/** LUKE ties its entities, never its words: the token head keeps a weight of its own. */
function lukeEntities({ config, hiddenSize, tied }: HeadContext): Tensor[] {
  const width = config.int("entity_emb_size", 256);
  const rows = config.int("entity_vocab_size", 500_000);
  return [
    ...headLinear("entity_predictions.transform.dense", width, hiddenSize),
    ...norm("entity_predictions.transform.LayerNorm", width, "bias"),
    ...tokenHead("entity_predictions.decoder", rows, width, { tied }),
  ];
}

export const RARE_BERT: readonly Family[] = [
  deberta,
  longformer,
  bertGeneration,
  crossLingual("xlm", "XLM"),
  crossLingual("flaubert", "Flaubert"),
  luke,
  splinter,
  fnet,
  rocBert,
  mra,
  dpr,
  xmod,
  convbert,
  ibert,
];
