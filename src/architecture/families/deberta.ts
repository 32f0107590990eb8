import type { ConfigReader } from "../config-reader.ts";
import { type EncoderRow, encoderFamily, maskedLmHead, pooler } from "../encoder-row.ts";
import type { Tensor } from "../model.ts";
import { convolution, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import { BERT, BERT_MLM, BERT_NAMES, bertEmbeddings, bertLayer, question, readSizes, token } from "./bert.ts";

/**
 * Content and position attend apart (arXiv:2006.03654): a table of relative positions, its projections per
 * layer unless share_att_key, an optional convolution beside the first layer.
 */
const DEBERTA_V2: EncoderRow = {
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
};
export const debertaV2 = encoderFamily(DEBERTA_V2);

/** The first DeBERTa: q, k and v in one linear without a bias, whose query and value parts have one of their own. */
export const deberta = encoderFamily({
  ...DEBERTA_V2,
  id: "deberta",
  classPrefixes: ["Deberta"],
  layer: (config, { hiddenSize }) => {
    const kind = bertLayer(config, { ...BERT_NAMES, fused: "self.in_proj" });
    const heads = config.int("num_attention_heads");
    const within = (name: string, outDim: number, inDim: number, bias: boolean): Tensor[] =>
      linear({ name: `attention.self.${name}`, role: "other", group: "attention", outDim, inDim, bias });
    const types = config.flag("relative_attention", false) ? positionTypes(config) : [];
    return {
      ...kind,
      tensors: [
        ...kind.tensors,
        ...["q_bias", "v_bias"].map((name) => vector(`attention.self.${name}`, "attention", [hiddenSize])),
        ...(types.includes("c2p") ? within("pos_proj", hiddenSize, hiddenSize, false) : []),
        ...(types.includes("p2c") ? within("pos_q_proj", hiddenSize, hiddenSize, true) : []),
        ...(config.flag("talking_head", false)
          ? ["head_logits_proj", "head_weights_proj"].flatMap((name) => within(name, heads, heads, false))
          : []),
      ],
    };
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
