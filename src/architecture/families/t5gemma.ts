/** T5Gemma (arXiv:2504.06225): Gemma 2 as an encoder and as a decoder that attends to it. */
import { classNamed } from "../class-named.ts";
import { type ConfigReader, readConfig, readHeads, withDefaults } from "../config-reader.ts";
import { seqLayer } from "../encoder-decoder.ts";
import { activationOf, type Family } from "../family.ts";
import type { LayerKind, Stack } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, norm } from "../tensors.ts";
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

/** A norm before and one after each sublayer; every second layer slides. `encoderSize` is what cross attention reads. */
function layer(
  config: ConfigReader,
  side: "encoder" | "decoder",
  spec: { readonly windowTokens: number | undefined; readonly encoderSize: number },
): LayerKind {
  const hiddenSize = config.int("hidden_size");
  const { heads, kvHeads, headDim } = readHeads(config, { hiddenSize });
  const biased = config.flag("attention_bias", false);
  const bias = { qkv: biased, o: biased };
  const built = seqLayer({
    hiddenSize,
    heads,
    kvHeads,
    headDim,
    windowTokens: spec.windowTokens,
    selfAttention: { name: "self_attn", bias },
    ...(side === "decoder" ? { crossAttention: { name: "cross_attn", bias } } : {}),
    mlp: {
      name: "mlp",
      width: config.int("intermediate_size"),
      activation: activationOf(config, "gelu_pytorch_tanh"),
      bias: false,
      gated: ["gate_proj", "up_proj", "down_proj"],
    },
    norm: "rms",
    norms: SUBLAYERS[side].flatMap((name) => [`pre_${name}_layernorm`, `post_${name}_layernorm`]),
  });
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
