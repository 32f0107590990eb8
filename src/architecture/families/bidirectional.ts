/** Llama layers whose tokens see both sides: EuroBERT and ESM Cambrian. */
import { labelCount } from "../class-heads.ts";
import { classNamed } from "../class-named.ts";
import { type ConfigReader, tiedEmbeddings, withDefaults } from "../config-reader.ts";
import { type EncoderSizes, headLinear } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, norm } from "../tensors.ts";
import { encoderLayer, gateUpDownMlp, readEncoderHeads } from "../towers/tower.ts";
import { readSizes } from "./bert.ts";

interface LlamaSides {
  readonly qkNorm?: "projection";
  readonly norm: "rms" | "layer";
}

/** Llama's layer read from both sides. */
function llamaLayer(config: ConfigReader, sides: LlamaSides): LayerKind {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const bias = config.flag("attention_bias", false);
  const kvHeads = config.int("num_key_value_heads", heads);
  if (heads % kvHeads !== 0) config.fail("num_key_value_heads", `a divisor of the ${heads} attention heads`);
  return encoderLayer({
    hiddenSize,
    heads,
    kvHeads,
    headDim: config.int("head_dim", hiddenSize / heads),
    attention: {
      name: "self_attn",
      bias: { qkv: bias, o: bias },
      ...(sides.qkNorm === undefined ? {} : { qkNorm: sides.qkNorm }),
    },
    mlp: gateUpDownMlp(config, "silu", config.flag("mlp_bias", false)),
    norm: sides.norm,
    norms: ["input_layernorm", "post_attention_layernorm"],
  });
}

/** The width of q, where the class has norms of the hidden size on it. */
function checkHeadDim(config: ConfigReader): void {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  if (config.int("head_dim", hiddenSize / heads) * heads !== hiddenSize)
    config.fail("head_dim", `${hiddenSize} / ${heads}: the class has no other`);
}

/** Llama read from both sides under a head for hidden words; untied unless the config says so. */
function bidirectional(
  id: string,
  prefix: string,
  spec: LlamaSides & {
    readonly inner: string;
    readonly defaults: Readonly<Record<string, unknown>>;
    readonly head: (sizes: EncoderSizes, config: ConfigReader, tied: boolean) => readonly Tensor[];
    readonly classifiers: boolean;
  },
): Family {
  const names = {
    plain: `${prefix}Model`,
    masked: `${prefix}ForMaskedLM`,
    ...(spec.classifiers
      ? {
          sequence: `${prefix}ForSequenceClassification`,
          token: `${prefix}ForTokenClassification`,
          question: `${prefix}ForQuestionAnswering`,
        }
      : {}),
  };
  return {
    id,
    modelTypes: [id],
    classNames: Object.values(names),
    build: (given) => {
      const config = withDefaults(given, spec.defaults);
      const named = classNamed(config, Object.values(names));
      const at = (name: string): string => (named === names.plain ? name : `${spec.inner}.${name}`);
      const sizes = readSizes(config);
      const { hiddenSize, vocabSize } = sizes;
      const masked = named === names.masked;
      const tied = masked && tiedEmbeddings(config, false);
      const labels = labelCount(config);
      const maxContextTokens = config.optionalInt("max_position_embeddings");
      return {
        family: id,
        modelType: id,
        hiddenSize,
        vocabSize,
        tied,
        ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
        norm: spec.norm,
        stacks: [
          stackOf({
            role: "encoder",
            prefix: at("layers"),
            hiddenSize,
            layers: sizes.layers,
            build: () => {
              if (spec.qkNorm === "projection") checkHeadDim(config);
              return llamaLayer(config, spec);
            },
          }),
        ],
        tensors: [
          embedding(at("embed_tokens"), vocabSize, hiddenSize),
          ...norm(at("norm"), hiddenSize),
          ...(masked
            ? spec.head(sizes, config, tied)
            : named === names.sequence
              ? [
                  ...headLinear("dense", hiddenSize, hiddenSize),
                  ...headLinear("classifier", labels, hiddenSize),
                ]
              : named === names.token || named === names.question
                ? headLinear("classifier", labels, hiddenSize)
                : []),
        ],
        notes: [],
      };
    },
  };
}

export const eurobert = bidirectional("eurobert", "EuroBert", {
  inner: "model",
  norm: "rms",
  classifiers: true,
  defaults: {
    vocab_size: 128_256,
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
  },
  // The head takes its bias from the MLP's key, and keeps it when tied.
  head: ({ vocabSize, hiddenSize }, config, tied) =>
    head("lm_head", vocabSize, hiddenSize, config.flag("mlp_bias", false)).slice(tied ? 1 : 0),
});

/** ESM Cambrian: proteins, norms over whole queries and keys. */
export const esmc = bidirectional("esmc", "Esmc", {
  inner: "esmc",
  norm: "layer",
  qkNorm: "projection",
  classifiers: false,
  defaults: {
    vocab_size: 64,
    hidden_size: 2560,
    intermediate_size: 6912,
    num_hidden_layers: 80,
    num_attention_heads: 40,
  },
  head: ({ vocabSize, hiddenSize }) => [
    ...headLinear("lm_head.dense", hiddenSize, hiddenSize),
    ...norm("lm_head.layer_norm", hiddenSize, "bias"),
    ...head("lm_head.decoder", vocabSize, hiddenSize, true),
  ],
});
