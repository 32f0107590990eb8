/** A conformer that hears and a small decoder that writes: Canary and Cohere's transcriber; and Dia, which reads and speaks. */
import { optionalPart } from "../composite.ts";
import { type ConfigReader, readConfig, readHeads, withDefaults } from "../config-reader.ts";
import { seqLayer } from "../encoder-decoder.ts";
import { activationOf, type Family } from "../family.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { ArchitectureDraft, LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, linear, norm, positionEmbedding } from "../tensors.ts";
import { conformerEncoder } from "../towers/conformer.ts";
import { encoderLayer } from "../towers/tower.ts";

/** Biases as attention_bias says, always in the MLP; three LayerNorms. */
function writerLayer(config: ConfigReader): LayerKind {
  const hiddenSize = config.int("hidden_size");
  const biased = config.flag("attention_bias", true);
  const bias = { qkv: biased, o: biased };
  return seqLayer({
    hiddenSize,
    ...readHeads(config, { hiddenSize }),
    selfAttention: { name: "self_attn", bias },
    crossAttention: { name: "encoder_attn", bias },
    mlp: {
      name: "mlp",
      width: config.int("intermediate_size"),
      activation: activationOf(config, "relu"),
      bias: true,
      plain: ["fc1", "fc2"],
    },
    norm: "layer",
    norms: ["input_layernorm", "post_attention_layernorm", "final_layernorm"],
  });
}

const WRITER = {
  vocab_size: 16_384,
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 8,
  num_attention_heads: 8,
  max_position_embeddings: 1024,
} as const;

/** Encoder, decoder and a head with a bias, which a tied one keeps. */
function transcriber(spec: {
  readonly family: string;
  readonly writer: ConfigReader;
  readonly hears: ReturnType<typeof conformerEncoder>;
  readonly tied: boolean;
  readonly extras: readonly Tensor[];
}): ArchitectureDraft {
  const { family, writer, hears, tied } = spec;
  const hiddenSize = writer.int("hidden_size");
  const vocabSize = writer.int("vocab_size");
  const out = head("proj_out", vocabSize, hiddenSize, true);
  return {
    family,
    modelType: family,
    hiddenSize,
    vocabSize,
    tied,
    maxContextTokens: writer.int("max_position_embeddings"),
    norm: "layer",
    stacks: [
      hears.stack,
      stackOf({
        role: "decoder",
        prefix: "model.decoder.layers",
        hiddenSize,
        layers: writer.layers("num_hidden_layers"),
        build: () => writerLayer(writer),
      }),
    ],
    tensors: [
      ...hears.tensors,
      embedding("model.decoder.embed_tokens", vocabSize, hiddenSize),
      ...norm("model.decoder.embedding_layernorm", hiddenSize, "bias"),
      ...norm("model.decoder.norm", hiddenSize, "bias"),
      ...spec.extras,
      ...(tied ? out.slice(1) : out),
    ],
    notes: [],
  };
}

const PLACE = { prefix: "model.encoder.", role: "encoder" } as const;

const canary: Family = {
  id: "canary",
  modelTypes: ["canary"],
  classNames: ["CanaryForConditionalGeneration"],
  build: (config) =>
    transcriber({
      family: "canary",
      writer: optionalPart(config, "decoder_config", { ...WRITER, num_key_value_heads: 8, head_dim: 128 }),
      hears: conformerEncoder(
        config.child("encoder_config") ??
          readConfig({ num_hidden_layers: 32, num_mel_bins: 128 }, config.file),
        PLACE,
      ),
      tied: config.flag("tie_word_embeddings", true),
      extras: [],
    }),
};

/** Learned positions, and a linear from the encoder's width. */
const cohereAsr: Family = {
  id: "cohere_asr",
  modelTypes: ["cohere_asr"],
  classNames: ["CohereAsrForConditionalGeneration"],
  build: (given) => {
    const writer = withDefaults(given, WRITER);
    const hears = conformerEncoder(given.child("encoder_config") ?? readConfig({}, given.file), {
      ...PLACE,
      defaults: { hidden_size: 1280, num_hidden_layers: 48, intermediate_size: 5120, num_mel_bins: 128 },
    });
    const hiddenSize = writer.int("hidden_size");
    return transcriber({
      family: "cohere_asr",
      writer,
      hears,
      tied: writer.flag("tie_word_embeddings", false),
      extras: [
        positionEmbedding("model.decoder.pos_emb", writer.int("max_position_embeddings"), hiddenSize),
        ...linear({
          name: "model.decoder.proj",
          role: "other",
          group: "other",
          outDim: hiddenSize,
          inDim: hears.hiddenSize,
          bias: true,
        }),
      ],
    });
  },
};

/** One side of Dia: RMSNorms, gate and up in one matrix, no biases. */
function diaLayer(config: ConfigReader, decodes: boolean): LayerKind {
  const hiddenSize = config.int("hidden_size");
  const { heads, kvHeads, headDim } = readHeads(config, { hiddenSize });
  const layer = encoderLayer({
    hiddenSize,
    heads,
    kvHeads,
    headDim,
    attention: { name: "self_attention" },
    mlp: {
      name: "mlp",
      width: config.int("intermediate_size"),
      activation: activationOf(config, "silu"),
      fused: "gate_up_proj",
    },
    norm: "rms",
    norms: decodes ? ["pre_sa_norm", "pre_ca_norm", "pre_mlp_norm"] : ["pre_sa_norm", "post_sa_norm"],
  });
  if (!decodes) return layer;
  const own = layer.mixers.map((mixer) =>
    mixer.kind === "attention" ? { ...mixer, cache: "own" as const } : mixer,
  );
  const crossHeads = config.int("cross_num_attention_heads", 16);
  const crossKv = config.int("cross_num_key_value_heads", 16);
  if (crossHeads % crossKv !== 0)
    config.fail("cross_num_key_value_heads", `a divisor of the ${crossHeads} heads`);
  const cross = selfAttention({
    name: "cross_attention",
    hiddenSize,
    heads: crossHeads,
    kvHeads: crossKv,
    keyDim: config.int("cross_head_dim", 128),
    cache: "cross",
  });
  const read = config.int("cross_hidden_size", 1024);
  return {
    ...layer,
    mixers: [...own, ...cross.mixers],
    tensors: [
      ...layer.tensors,
      ...cross.tensors.map((each) =>
        each.role === "attn-k" || each.role === "attn-v" ? { ...each, shape: [each.shape[0]!, read] } : each,
      ),
    ],
  };
}

/**
 * Dia: bytes in, the codes of nine channels at a time out.
 *
 * @example Dia-1.6B: 1,611,160,576
 */
const dia: Family = {
  id: "dia",
  modelTypes: ["dia"],
  classNames: ["DiaForConditionalGeneration"],
  build: (config) => {
    const reads = optionalPart(config, "encoder_config", {
      num_hidden_layers: 12,
      hidden_size: 1024,
      num_attention_heads: 16,
      num_key_value_heads: 16,
      head_dim: 128,
      intermediate_size: 4096,
      vocab_size: 256,
    });
    const speaks = optionalPart(config, "decoder_config", {
      num_hidden_layers: 18,
      hidden_size: 2048,
      num_attention_heads: 16,
      num_key_value_heads: 4,
      head_dim: 128,
      intermediate_size: 8192,
      vocab_size: 1028,
      max_position_embeddings: 3072,
    });
    const hiddenSize = speaks.int("hidden_size");
    const codes = speaks.int("vocab_size") * speaks.int("num_channels", 9);
    const size = reads.int("hidden_size");
    const side = (role: "encoder" | "decoder", own: ConfigReader) =>
      stackOf({
        role,
        prefix: `model.${role}.layers`,
        hiddenSize: own.int("hidden_size"),
        layers: own.layers("num_hidden_layers"),
        build: () => diaLayer(own, role === "decoder"),
      });
    return {
      family: "dia",
      modelType: "dia",
      hiddenSize,
      vocabSize: codes,
      tied: false,
      maxContextTokens: speaks.int("max_position_embeddings"),
      norm: "rms",
      stacks: [side("encoder", reads), side("decoder", speaks)],
      tensors: [
        embedding("model.encoder.embedding", reads.int("vocab_size"), size),
        ...norm("model.encoder.norm", size),
        embedding("model.decoder.embeddings.embed", codes, hiddenSize),
        ...norm("model.decoder.norm", hiddenSize),
        ...head("logits_dense", codes, hiddenSize),
      ],
      notes: [],
    };
  },
};

export const TRANSCRIBERS: readonly Family[] = [canary, cohereAsr, dia];
