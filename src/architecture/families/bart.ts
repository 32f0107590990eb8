/** BART (arXiv:1910.13461) and its relatives, and Whisper, whose encoder reads a spectrogram. */

import { labelCount } from "../class-heads.ts";
import { type ConfigReader, tiedEmbeddings } from "../config-reader.ts";
import { seqLayer } from "../encoder-decoder.ts";
import { denseClassifier } from "../encoder-row.ts";
import { activationOf, type Family } from "../family.ts";
import type { ArchitectureDraft, LayerKind, Stack, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { buffer, embedding, head, norm, positionEmbedding } from "../tensors.ts";
import { inGroup } from "../towers/tower.ts";
import { whisperStem } from "../towers/whisper-encoder.ts";

type Side = "encoder" | "decoder";

interface Row {
  readonly id: string;
  readonly modelTypes?: readonly string[];
  /** Classes by what they add to the two stacks. */
  readonly generator: string;
  readonly plain: string;
  readonly classifier?: string;
  /** The decoder alone, cross attention and all, under a head. */
  readonly causal?: string;
  /** Rows of the position table beyond max_position_embeddings; "computed" has no table. */
  readonly positions: number | "computed";
  /** LayerNorm after the embeddings of both sides. */
  readonly embeddingNorm: boolean;
  /** LayerNorm after the last layer of both sides. */
  readonly finalNorm: boolean;
  /** A bias on the logits, held as a buffer. */
  readonly logitsBias: boolean;
}

function layer(
  config: ConfigReader,
  side: Side,
  options: { readonly keyBias: boolean; readonly encoderTokens?: number } = { keyBias: true },
): LayerKind {
  const hiddenSize = config.int("d_model");
  const heads = config.int(`${side}_attention_heads`);
  if (hiddenSize % heads !== 0) config.fail(`${side}_attention_heads`, `a divisor of d_model ${hiddenSize}`);
  const bias = { qkv: true, k: options.keyBias, o: true };
  return seqLayer({
    hiddenSize,
    heads,
    headDim: hiddenSize / heads,
    selfAttention: { name: "self_attn", outName: "out_proj", bias },
    ...(side === "decoder" ? { crossAttention: { name: "encoder_attn", outName: "out_proj", bias } } : {}),
    ...(options.encoderTokens === undefined ? {} : { encoderTokens: options.encoderTokens }),
    mlp: {
      name: "",
      width: config.int(`${side}_ffn_dim`),
      activation: activationOf(config, "gelu"),
      bias: true,
      plain: ["fc1", "fc2"],
    },
    norm: "layer",
    norms: [
      "self_attn_layer_norm",
      ...(side === "decoder" ? ["encoder_attn_layer_norm"] : []),
      "final_layer_norm",
    ],
  });
}

function stack(config: ConfigReader, side: Side, prefix: string, build: () => LayerKind): Stack {
  return stackOf({
    role: side,
    prefix: `${prefix}${side}.layers`,
    hiddenSize: config.int("d_model"),
    layers: config.layers(`${side}_layers`),
    build,
  });
}

function build(row: Row, config: ConfigReader): ArchitectureDraft {
  const named = config.texts("architectures")?.[0] ?? row.generator;
  const known = [
    row.generator,
    row.plain,
    ...[row.classifier, row.causal].filter((name) => name !== undefined),
  ];
  if (!known.includes(named)) config.fail("architectures", `one of ${known.join(", ")}`);
  const hiddenSize = config.int("d_model");
  const vocabSize = config.int("vocab_size");
  const prefix = named === row.plain ? "" : "model.";
  const tied = tiedEmbeddings(config, true);
  const shared = config.flag("share_encoder_decoder_embeddings", true);
  const targetSize = shared ? vocabSize : config.int("decoder_vocab_size", vocabSize);
  const maxContextTokens = config.optionalInt("max_position_embeddings");
  const alone = named === row.causal;
  const sides: readonly Side[] = alone ? ["decoder"] : ["encoder", "decoder"];
  // Untied, each side has a table of its own beside the shared one.
  const ownTables = !tied;
  const outside = sides.flatMap((side): Tensor[] => [
    ...(row.positions === "computed"
      ? []
      : [
          positionEmbedding(
            `${prefix}${side}.embed_positions`,
            config.int("max_position_embeddings", 1024) + row.positions,
            hiddenSize,
          ),
        ]),
    ...(row.embeddingNorm ? norm(`${prefix}${side}.layernorm_embedding`, hiddenSize, "bias") : []),
    ...(row.finalNorm ? norm(`${prefix}${side}.layer_norm`, hiddenSize, "bias") : []),
  ]);
  const context = {
    config,
    hiddenSize,
    vocabSize,
    embeddingSize: hiddenSize,
    layers: 0,
    tied,
    labels: named === row.classifier ? labelCount(config) : 0,
  };
  return {
    family: row.id,
    modelType: config.text("model_type", row.id),
    hiddenSize,
    vocabSize: targetSize,
    tied,
    ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
    norm: "layer",
    stacks: sides.map((side) => stack(config, side, prefix, () => layer(config, side))),
    tensors: [
      ...(alone ? [] : [embedding(`${prefix}shared`, vocabSize, hiddenSize)]),
      ...(ownTables && !alone ? [embedding(`${prefix}encoder.embed_tokens`, vocabSize, hiddenSize)] : []),
      ...(shared && !ownTables && !alone
        ? []
        : [embedding(`${prefix}decoder.embed_tokens`, targetSize, hiddenSize)]),
      ...outside,
      ...(named === row.generator || alone
        ? [
            ...(row.logitsBias && !alone ? [buffer("final_logits_bias", "lm-head", [1, targetSize])] : []),
            ...(tied ? [] : head("lm_head", targetSize, hiddenSize)),
          ]
        : []),
      ...(named === row.classifier
        ? denseClassifier(context, "classification_head.dense", "classification_head.out_proj")
        : []),
    ],
    notes: [],
  };
}

function family(row: Row): Family {
  return {
    id: row.id,
    modelTypes: row.modelTypes ?? [row.id],
    classNames: [
      row.generator,
      row.plain,
      ...[row.classifier, row.causal].filter((name) => name !== undefined),
    ],
    build: (config) => build(row, config),
  };
}

/** Learned positions with an offset of two. */
export const bart = family({
  id: "bart",
  generator: "BartForConditionalGeneration",
  plain: "BartModel",
  causal: "BartForCausalLM",
  classifier: "BartForSequenceClassification",
  positions: 2,
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
});

export const mbart = family({
  id: "mbart",
  generator: "MBartForConditionalGeneration",
  plain: "MBartModel",
  causal: "MBartForCausalLM",
  positions: 2,
  embeddingNorm: true,
  finalNorm: true,
  logitsBias: true,
});

/** Sinusoidal positions that the class keeps as a table. */
export const pegasus = family({
  id: "pegasus",
  generator: "PegasusForConditionalGeneration",
  plain: "PegasusModel",
  causal: "PegasusForCausalLM",
  positions: 0,
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: true,
});

export const marian = family({
  id: "marian",
  generator: "MarianMTModel",
  plain: "MarianModel",
  causal: "MarianForCausalLM",
  positions: 0,
  embeddingNorm: false,
  finalNorm: false,
  logitsBias: true,
});

/** M2M-100 and NLLB: sinusoidal positions computed on the fly. */
export const m2m100 = family({
  id: "m2m_100",
  generator: "M2M100ForConditionalGeneration",
  plain: "M2M100Model",
  positions: "computed",
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: false,
});

/** BART for programs. */
export const plbart = family({
  id: "plbart",
  generator: "PLBartForConditionalGeneration",
  plain: "PLBartModel",
  classifier: "PLBartForSequenceClassification",
  causal: "PLBartForCausalLM",
  positions: 2,
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
});

/** Norms after the last layers, positions without an offset. */
export const blenderbot = family({
  id: "blenderbot",
  generator: "BlenderbotForConditionalGeneration",
  plain: "BlenderbotModel",
  causal: "BlenderbotForCausalLM",
  positions: 0,
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: true,
});

export const blenderbotSmall = family({
  id: "blenderbot-small",
  generator: "BlenderbotSmallForConditionalGeneration",
  plain: "BlenderbotSmallModel",
  causal: "BlenderbotSmallForCausalLM",
  positions: 0,
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
});

/** Keys have no bias; the encoder always has max_source_positions positions, so cross attention's cache is fixed. */
export const whisper: Family = {
  id: "whisper",
  modelTypes: ["whisper"],
  classNames: ["WhisperForConditionalGeneration", "WhisperModel", "WhisperForCausalLM"],
  build: (config) => {
    const named = config.texts("architectures")?.[0] ?? "WhisperForConditionalGeneration";
    const alone = named === "WhisperForCausalLM";
    if (named !== "WhisperForConditionalGeneration" && named !== "WhisperModel" && !alone)
      config.fail("architectures", "WhisperForConditionalGeneration, WhisperForCausalLM or WhisperModel");
    const generates = named !== "WhisperModel";
    const prefix = generates ? "model." : "";
    const hiddenSize = config.int("d_model");
    const vocabSize = config.int("vocab_size");
    const tied = generates && tiedEmbeddings(config, true);
    const targets = config.int("max_target_positions", 448);
    const encoderTokens = config.int("max_source_positions", 1500);
    const build = (side: Side): LayerKind => layer(config, side, { keyBias: false, encoderTokens });
    return {
      family: "whisper",
      modelType: config.text("model_type", "whisper"),
      hiddenSize,
      vocabSize,
      tied,
      maxContextTokens: targets,
      norm: "layer",
      stacks: [
        ...(alone ? [] : [stack(config, "encoder", prefix, () => build("encoder"))]),
        stack(config, "decoder", prefix, () => build("decoder")),
      ],
      tensors: [
        ...(alone ? [] : whisperStem(config, `${prefix}encoder`)),
        embedding(`${prefix}decoder.embed_tokens`, vocabSize, hiddenSize),
        positionEmbedding(`${prefix}decoder.embed_positions`, targets, hiddenSize),
        ...norm(`${prefix}decoder.layer_norm`, hiddenSize, "bias"),
        ...(generates && !tied ? inGroup("lm-head", head("proj_out", vocabSize, hiddenSize)) : []),
      ],
      notes: [],
    };
  },
};
