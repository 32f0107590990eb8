/** Encoder-decoders that few configs name. */

import { classNamed } from "../class-named.ts";
import { tiedEmbeddings } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { plainExperts } from "../moe.ts";
import { computedPositions, learnedPositions, seqFamily, seqStack } from "../seq2seq-row.ts";
import { embedding, head, linear, norm, otherLinear, positionEmbedding } from "../tensors.ts";
import { longT5, switchTransformers } from "./t5.ts";
import { t5gemma, t5gemma2 } from "./t5gemma.ts";

/** BART for programs. */
const plbart = seqFamily({
  id: "plbart",
  generator: "PLBartForConditionalGeneration",
  plain: "PLBartModel",
  classifier: "PLBartForSequenceClassification",
  causal: "PLBartForCausalLM",
  positions: learnedPositions(2),
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
});

/** Norms after the last layers, positions without an offset. */
const blenderbot = seqFamily({
  id: "blenderbot",
  generator: "BlenderbotForConditionalGeneration",
  plain: "BlenderbotModel",
  causal: "BlenderbotForCausalLM",
  positions: learnedPositions(0),
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: true,
});

const blenderbotSmall = seqFamily({
  id: "blenderbot-small",
  generator: "BlenderbotSmallForConditionalGeneration",
  plain: "BlenderbotSmallModel",
  causal: "BlenderbotSmallForCausalLM",
  positions: learnedPositions(0),
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
});

/** Biases on projections only when the config says so; the decoder alone has a head of its own. */
const bigbirdPegasus = seqFamily({
  id: "bigbird_pegasus",
  generator: "BigBirdPegasusForConditionalGeneration",
  plain: "BigBirdPegasusModel",
  causal: "BigBirdPegasusForCausalLM",
  causalTied: false,
  classifier: "BigBirdPegasusForSequenceClassification",
  positions: (config) => config.int("max_position_embeddings", 4096),
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
  layer: {
    attentionBias: (config) => config.flag("use_bias", false),
    encoderAttention: { name: "self_attn", names: ["self.query", "self.key", "self.value", "output"] },
  },
});

/** Tokens of the whole text beside the blocks; no biases in attention. */
const pegasusX = seqFamily({
  id: "pegasus_x",
  generator: "PegasusXForConditionalGeneration",
  plain: "PegasusXModel",
  positions: computedPositions,
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: false,
  layer: {
    attentionBias: () => false,
    encoderExtras: (config) => norm("global_self_attn_layer_norm", config.int("d_model"), "bias"),
  },
  extras: (config, side) =>
    side === "encoder"
      ? [positionEmbedding("embed_global", config.int("num_global_tokens", 32), config.int("d_model"))]
      : [],
});

/** BART under prompts: a table of prompt positions and two linears that make keys and values of them. */
const mvp = seqFamily({
  id: "mvp",
  generator: "MvpForConditionalGeneration",
  plain: "MvpModel",
  causal: "MvpForCausalLM",
  classifier: "MvpForSequenceClassification",
  positions: learnedPositions(2),
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
  extras: (config, side) => {
    // The decoder alone is built without prompts; the encoder's, which files hold, are not built by transformers 5.18.
    const alone = config.texts("architectures")?.[0] === "MvpForCausalLM";
    if (!config.flag("use_prompt", false) || alone || side === "encoder") return [];
    const names = ["self_attn_prompt", "cross_attn_prompt"];
    const hiddenSize = config.int("d_model");
    const width = config.int("prompt_mid_dim", 800);
    const rows = 2 * config.layers(`${side}_layers`) * hiddenSize;
    return names.flatMap((name) => [
      positionEmbedding(`${name}.prompt_embedding`, config.int("prompt_length", 100), hiddenSize),
      ...otherLinear(`${name}.prompt_trans.0`, width, hiddenSize),
      ...otherLinear(`${name}.prompt_trans.2`, rows, width),
    ]);
  },
});

/** The decoder that reads an image encoder's states. */
const trocr = seqFamily({
  id: "trocr",
  causal: "TrOCRForCausalLM",
  positions: (config) =>
    config.flag("use_learned_position_embeddings", true)
      ? config.int("max_position_embeddings", 512) + 2
      : undefined,
  embeddingNorm: (config) => config.flag("layernorm_embedding", true),
  finalNorm: false,
  logitsBias: false,
  head: "output_projection",
});

/** BART whose encoder attends as Longformer does, with a longer table of positions. */
const led = seqFamily({
  id: "led",
  generator: "LEDForConditionalGeneration",
  plain: "LEDModel",
  classifier: "LEDForSequenceClassification",
  prefix: "led",
  positions: (config, side) =>
    config.int(`max_${side}_position_embeddings`, side === "encoder" ? 16_384 : 1024),
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
  layer: {
    encoderAttention: {
      name: "self_attn",
      names: [
        "longformer_self_attn.query",
        "longformer_self_attn.key",
        "longformer_self_attn.value",
        "output",
      ],
    },
    encoderExtras: (config) => {
      const hiddenSize = config.int("d_model");
      return ["query", "key", "value"].flatMap((name) =>
        linear({
          name: `self_attn.longformer_self_attn.${name}_global`,
          role: "other",
          group: "attention",
          outDim: hiddenSize,
          inDim: hiddenSize,
          bias: true,
          split: "column",
        }),
      );
    },
  },
});

/** NLLB-200 54B: every fourth layer holds experts, two of which a token uses. */
const nllbMoe = seqFamily({
  id: "nllb-moe",
  generator: "NllbMoeForConditionalGeneration",
  plain: "NllbMoeModel",
  positions: computedPositions,
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: false,
  layer: {
    mlpName: "ffn",
    names: { cross: "cross_attention", crossNorm: "cross_attention_layer_norm", mlpNorm: "ff_layer_norm" },
    experts: (config, side, layer) => {
      const step = config.count(`${side}_sparse_step`, 4);
      if (step === 0 || (layer + 1) % step !== 0) return undefined;
      return plainExperts(config, {
        name: "ffn",
        width: config.int(`${side}_ffn_dim`),
        experts: config.int("num_experts", 128),
        activeExperts: 2,
        names: ["fc1", "fc2"],
        bias: true,
      });
    },
  },
});

/** FSMT: a vocabulary per language, sinusoidal positions held as parameters, a head inside the decoder. */
const fsmt: Family = {
  id: "fsmt",
  modelTypes: ["fsmt"],
  classNames: ["FSMTForConditionalGeneration", "FSMTModel"],
  build: (config) => {
    const named = classNamed(config, ["FSMTForConditionalGeneration", "FSMTModel"]);
    const prefix = named === "FSMTModel" ? "" : "model.";
    const hiddenSize = config.int("d_model", 1024);
    const tied = tiedEmbeddings(config, false);
    const source = config.int("src_vocab_size", 42_024);
    const target = config.int("tgt_vocab_size", 42_024);
    if (tied && source !== target)
      config.fail("tgt_vocab_size", `src_vocab_size ${source}, since the tables are tied`);
    const rows = config.int("max_position_embeddings", 1024) + config.count("pad_token_id", 1) + 1;
    const maxContextTokens = config.optionalInt("max_position_embeddings");
    return {
      family: "fsmt",
      modelType: "fsmt",
      hiddenSize,
      vocabSize: target,
      tied,
      ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
      norm: "layer",
      stacks: (["encoder", "decoder"] as const).map((side) => seqStack(config, side, prefix)),
      tensors: [
        ...(tied ? [] : [embedding(`${prefix}encoder.embed_tokens`, source, hiddenSize)]),
        embedding(`${prefix}decoder.embed_tokens`, target, hiddenSize),
        ...["encoder", "decoder"].map((side) =>
          positionEmbedding(`${prefix}${side}.embed_positions`, rows, hiddenSize),
        ),
        ...(tied ? [] : head(`${prefix}decoder.output_projection`, target, hiddenSize)),
      ],
      notes: [],
    };
  },
};

export const RARE_SEQ2SEQ: readonly Family[] = [
  plbart,
  blenderbot,
  blenderbotSmall,
  bigbirdPegasus,
  pegasusX,
  mvp,
  trocr,
  led,
  nllbMoe,
  fsmt,
  longT5,
  switchTransformers,
  t5gemma,
  t5gemma2,
];
