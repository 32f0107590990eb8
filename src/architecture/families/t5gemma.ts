/** T5Gemma (arXiv:2504.06225): Gemma 2 as an encoder and as a decoder that attends to it. */
import { labelCount } from "../class-heads.ts";
import { classNamed } from "../class-named.ts";
import { type ConfigReader, readConfig, readHeads, withDefaults } from "../config-reader.ts";
import { seqLayer } from "../encoder-decoder.ts";
import { headLinear } from "../encoder-row.ts";
import { activationOf, type Family } from "../family.ts";
import type { LayerKind, Stack, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, norm, vector } from "../tensors.ts";
import { siglipVision } from "../towers/image-encoders.ts";
import { inGroup } from "../towers/tower.ts";
import { periodicWindow } from "../windows.ts";

const GEMMA_2B = {
  vocab_size: 256_000,
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
} as const;

const SUBLAYERS = {
  encoder: ["self_attn", "feedforward"],
  decoder: ["self_attn", "cross_attn", "feedforward"],
};

/** `merged`: one attention over both sides' positions by one set of matrices, its queries and keys normalised. A norm before and one after each sublayer; every second layer slides. `encoderSize` is what cross attention reads. */
function layer(
  config: ConfigReader,
  side: "encoder" | "decoder",
  spec: { readonly windowTokens: number | undefined; readonly encoderSize: number; readonly merged?: true },
): LayerKind {
  const hiddenSize = config.int("hidden_size");
  const { heads, kvHeads, headDim } = readHeads(config, { hiddenSize });
  const biased = config.flag("attention_bias", false);
  const bias = { qkv: biased, o: biased };
  const crosses = side === "decoder" && spec.merged !== true;
  const built = seqLayer({
    hiddenSize,
    heads,
    kvHeads,
    headDim,
    windowTokens: spec.windowTokens,
    selfAttention: { name: "self_attn", bias, ...(spec.merged === true ? { qkNorm: "head" } : {}) },
    ...(crosses ? { crossAttention: { name: "cross_attn", bias } } : {}),
    mlp: {
      name: "mlp",
      width: config.int("intermediate_size"),
      activation: activationOf(config, "gelu_pytorch_tanh"),
      bias: false,
      gated: ["gate_proj", "up_proj", "down_proj"],
    },
    norm: "rms",
    norms: SUBLAYERS[crosses ? "decoder" : "encoder"].flatMap((name) => [
      `pre_${name}_layernorm`,
      `post_${name}_layernorm`,
    ]),
  });
  if (spec.merged === true && side === "decoder") {
    const shape = {
      kind: "attention",
      queryHeads: heads,
      kvHeads,
      keyDim: headDim,
      valueDim: headDim,
    } as const;
    const { windowTokens } = spec;
    const own = { ...shape, cache: "own" as const, ...(windowTokens === undefined ? {} : { windowTokens }) };
    return { ...built, mixers: [own, { ...shape, cache: "cross" }] };
  }
  const reads = /^cross_attn\.[kv]_proj\.weight$/;
  return {
    ...built,
    tensors: built.tensors.map((t) =>
      reads.test(t.name) ? { ...t, shape: [t.shape[0]!, spec.encoderSize] } : t,
    ),
  };
}

const CLASSES = ["T5GemmaForConditionalGeneration", "T5GemmaModel"] as const;

export const t5gemma: Family = {
  id: "t5gemma",
  modelTypes: ["t5gemma"],
  classNames: CLASSES,
  build: (config) => {
    const generates = classNamed(config, CLASSES) === "T5GemmaForConditionalGeneration";
    const part = (side: "encoder" | "decoder"): ConfigReader =>
      withDefaults(config.child(side) ?? readConfig({}, config.file), GEMMA_2B);
    const parts = { encoder: part("encoder"), decoder: part("decoder") };
    const encoderSize = parts.encoder.int("hidden_size");
    const prefix = generates ? "model." : "";
    const side = (name: "encoder" | "decoder"): Stack => {
      const own = parts[name];
      const layers = own.layers("num_hidden_layers");
      const window = periodicWindow(own, layers, { period: 2, windowTokens: 4096 });
      return stackOf({
        role: name,
        prefix: `${prefix}${name}.layers`,
        hiddenSize: own.int("hidden_size"),
        layers,
        keyOf: (index) => String(window?.(index)),
        build: (index) => layer(own, name, { windowTokens: window?.(index), encoderSize }),
      });
    };
    const hiddenSize = parts.decoder.int("hidden_size");
    const vocabSize = parts.decoder.int("vocab_size");
    const tied = generates && (config.optionalFlag("tie_word_embeddings") ?? true);
    const maxContextTokens = parts.decoder.optionalInt("max_position_embeddings");
    return {
      family: "t5gemma",
      modelType: "t5gemma",
      hiddenSize,
      vocabSize,
      tied,
      ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
      norm: "rms-plus-one",
      stacks: [side("encoder"), side("decoder")],
      tensors: [
        embedding(`${prefix}encoder.embed_tokens`, parts.encoder.int("vocab_size"), encoderSize),
        ...norm(`${prefix}encoder.norm`, encoderSize),
        embedding(`${prefix}decoder.embed_tokens`, vocabSize, hiddenSize),
        ...norm(`${prefix}decoder.norm`, hiddenSize),
        ...(generates && !tied ? head("lm_head.out_proj", vocabSize, hiddenSize) : []),
      ],
      notes: [],
    };
  },
};

const GEMMA_3 = { ...GEMMA_2B, vocab_size: 262_208 } as const;

/**
 * T5Gemma 2 (arXiv:2512.14856): Gemma 3 on both sides, the decoder's attention over itself and the encoder merged into
 * one, SigLIP before the encoder; one table for both sides and the head where tied.
 *
 * @example the class's own sizes, 2B on each side: 4,747,846,400
 */
export const t5gemma2: Family = {
  id: "t5gemma2",
  modelTypes: ["t5gemma2"],
  classNames: [
    "T5Gemma2ForConditionalGeneration",
    "T5Gemma2ForSequenceClassification",
    "T5Gemma2ForTokenClassification",
  ],
  build: (config) => {
    const classifies = /Classification$/.test(config.texts("architectures")?.[0] ?? "");
    const empty = readConfig({}, config.file);
    const both = config.child("encoder") ?? empty;
    const encoder = withDefaults(both.child("text_config") ?? empty, GEMMA_3);
    const decoder = withDefaults(config.child("decoder") ?? empty, GEMMA_3);
    const encoderSize = encoder.int("hidden_size");
    const hiddenSize = decoder.int("hidden_size");
    const vocabSize = decoder.int("vocab_size");
    const tied = config.flag("tie_word_embeddings", true);
    const at = "model.encoder";
    const side = (name: "encoder" | "decoder", own: ConfigReader, prefix: string): Stack => {
      const layers = own.layers("num_hidden_layers");
      const window = periodicWindow(own, layers, { period: 6, windowTokens: 4096 });
      return stackOf({
        role: name,
        prefix: `${prefix}.layers`,
        hiddenSize: own.int("hidden_size"),
        layers,
        keyOf: (index) => String(window?.(index)),
        build: (index) => layer(own, name, { windowTokens: window?.(index), encoderSize, merged: true }),
      });
    };
    const words = (prefix: string, rows: number, size: number): Tensor[] => [
      embedding(`${prefix}.embed_tokens`, rows, size),
      vector(`${prefix}.embed_tokens.eoi_embedding`, "embedding", [size]),
    ];
    const tower = siglipVision(both.child("vision_config") ?? empty, `${at}.vision_tower`);
    const seen = tower.stacks[0]!.hiddenSize;
    const maxContextTokens = decoder.optionalInt("max_position_embeddings");
    return {
      family: "t5gemma2",
      modelType: "t5gemma2",
      hiddenSize,
      vocabSize,
      tied: tied && !classifies,
      ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
      norm: "rms-plus-one",
      stacks: [
        side("encoder", encoder, `${at}.text_model`),
        side("decoder", decoder, "model.decoder"),
        ...tower.stacks,
      ],
      tensors: [
        ...words(`${at}.text_model`, encoder.int("vocab_size"), encoderSize),
        ...norm(`${at}.text_model.norm`, encoderSize),
        ...tower.tensors,
        vector(`${at}.multi_modal_projector.mm_input_projection_weight`, "projector", [seen, encoderSize]),
        ...inGroup("projector", norm(`${at}.multi_modal_projector.mm_soft_emb_norm`, seen)),
        ...(tied ? [] : words("model.decoder", vocabSize, hiddenSize)),
        ...norm("model.decoder.norm", hiddenSize),
        ...(classifies
          ? headLinear("score.out_proj", labelCount(config), hiddenSize)
          : tied
            ? []
            : head("lm_head.out_proj", vocabSize, hiddenSize)),
      ],
      notes: [],
    };
  },
};
