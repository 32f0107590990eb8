import {
  encoderFamily,
  type HeadContext,
  headLinear,
  maskedLmHead,
  pooler,
  tokenHead,
} from "../encoder-row.ts";
import type { Tensor } from "../model.ts";
import { embedding, norm, otherLinear, positionEmbedding } from "../tensors.ts";
import { BERT, BERT_NAMES, bertEmbeddings, bertLayer, LM_HEAD, question, token } from "./bert.ts";
import { attentionLinear, beside } from "./bert-additions.ts";

/** RoBERTa beside a table of entities that attend with queries of their own (arXiv:2010.01057). */
export const luke = encoderFamily({
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
        : otherLinear(at("entity_embedding_dense"), hiddenSize, entitySize, false)),
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
