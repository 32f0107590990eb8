/** Encoders with rotary positions: EuroBERT, GTE, jina-embeddings-v3, ESM-C, and OpenAI's privacy filter. */
import type { ConfigReader } from "../config-reader.ts";
import { customCodeNote } from "../decoder-row.ts";
import {
  type EncoderRow,
  type EncoderSizes,
  encoderFamily,
  headLinear,
  maskedLmHead,
  pooler,
} from "../encoder-row.ts";
import { activationOf, type Family } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { encoderLayer, readEncoderHeads } from "../towers/tower.ts";
import { BERT, bertEmbeddings, LM_HEAD, question, token } from "./bert.ts";
import { esmc, eurobert } from "./bidirectional.ts";
import { privacyFilter } from "./privacy-filter.ts";

/** Rotary positions instead of a table. */
function withoutPositions(config: ConfigReader, sizes: EncoderSizes): Tensor[] {
  return bertEmbeddings(config, sizes, { types: 1 }).filter((t) => t.role !== "position-embedding");
}

function rotaryLayer(config: ConfigReader, gated: boolean): LayerKind {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const layer = encoderLayer({
    hiddenSize,
    heads,
    headDim: config.int("head_dim", hiddenSize / heads),
    attention: { name: "self_attn", bias: { qkv: true, o: true } },
    mlp: {
      name: "mlp",
      width: config.int("intermediate_size"),
      activation: activationOf(config, "gelu"),
      bias: true,
      ...(gated ? { gated: ["gate_proj", "up_proj", "down_proj"] as const } : { plain: ["fc1", "fc2"] }),
    },
    norm: "layer",
    norms: ["post_attention_layernorm", "post_mlp_layernorm"],
  });
  if (!gated) return layer;
  // Of the gated MLP only down has a bias.
  const plain = ({ name, kind }: Tensor): boolean => kind !== "bias" || !/^mlp\.(gate|up)_proj/.test(name);
  return { ...layer, tensors: layer.tensors.filter(plain) };
}

const ROTARY: EncoderRow = {
  ...BERT,
  layersName: "layers",
  outside: withoutPositions,
  heads: {
    plain: () => [],
    "masked-lm": (context) => maskedLmHead(context, { ...LM_HEAD, sharedBias: false }),
    sequence: ({ labels, hiddenSize }) => [
      ...pooler("pooler.dense", hiddenSize),
      ...headLinear("classifier", labels, hiddenSize),
    ],
    token,
    question,
  },
};

/**
 * "new" is the same layout as a class of the models' own repository (gte-multilingual-base, gte-large-en-v1.5).
 */
const GTE = encoderFamily({
  ...ROTARY,
  id: "gte",
  modelTypes: ["gte", "new"],
  classPrefixes: ["Gte", "New"],
  prefix: "gte",
  layer: (config) => rotaryLayer(config, true),
});
const gte: Family = {
  ...GTE,
  build: (config, families) => {
    const model = GTE.build(config, families);
    if (model.modelType !== "new") return model;
    for (const [key, value] of [
      ["layer_norm_type", "layer_norm"],
      ["position_embedding_type", "rope"],
    ] as const)
      if (config.text(key, value) !== value) config.fail(key, `"${value}"`);
    return { ...model, notes: [...model.notes, customCodeNote("new", "GTE")] };
  },
};

const jinaEmbeddingsV3 = encoderFamily({
  ...ROTARY,
  id: "jina_embeddings_v3",
  classPrefixes: ["JinaEmbeddingsV3"],
  prefix: "roberta",
  layer: (config) => rotaryLayer(config, false),
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => maskedLmHead(context, LM_HEAD),
    sequence: (context) => [
      ...headLinear("classifier.dense", context.hiddenSize, context.hiddenSize),
      ...headLinear("classifier.out_proj", context.labels, context.hiddenSize),
    ],
    token,
    question,
  },
});

export const RARE_ROTARY: readonly Family[] = [eurobert, esmc, gte, jinaEmbeddingsV3, privacyFilter];
