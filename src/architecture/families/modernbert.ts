/** Encoders with rotary positions and a gated MLP: ModernBERT, Nomic BERT. */

import {
  type EncoderRow,
  encoderFamily,
  type HeadContext,
  headLinear,
  maskedLmHead,
} from "../encoder-row.ts";
import { activationOf } from "../family.ts";
import type { Tensor } from "../model.ts";
import { embedding, linear, norm, tensor } from "../tensors.ts";
import { encoderLayer, readEncoderHeads } from "../towers/tower.ts";
import { BERT_MLM } from "./bert.ts";

const bias = (context: HeadContext, key: string): boolean => context.config.flag(key, false);

/** lin(h, h) and a norm before every head. */
function predictionHead(context: HeadContext): Tensor[] {
  const { hiddenSize } = context;
  return [
    ...linear({
      name: "head.dense",
      role: "head",
      group: "lm-head",
      outDim: hiddenSize,
      inDim: hiddenSize,
      bias: bias(context, "classifier_bias"),
    }),
    ...norm("head.norm", hiddenSize, bias(context, "norm_bias") ? "bias" : "no-bias"),
  ];
}

const classifier = (context: HeadContext): Tensor[] => [
  ...predictionHead(context),
  ...headLinear("classifier", context.labels, context.hiddenSize),
];

/** Layer 0 has no attention norm; two of three layers see local_attention tokens only. */
const MODERNBERT: EncoderRow = {
  id: "modernbert",
  classPrefixes: ["ModernBert"],
  prefix: "model",
  layersName: "layers",
  norm: "layer-no-bias",
  sizes: (config) => {
    const hiddenSize = config.int("hidden_size");
    return {
      hiddenSize,
      layers: config.layers("num_hidden_layers"),
      vocabSize: config.int("vocab_size"),
      embeddingSize: hiddenSize,
    };
  },
  outside: (config, { vocabSize, hiddenSize }) => {
    const biased = config.flag("norm_bias", false) ? "bias" : "no-bias";
    return [
      embedding("embeddings.tok_embeddings", vocabSize, hiddenSize),
      ...norm("embeddings.norm", hiddenSize, biased),
      ...norm("final_norm", hiddenSize, biased),
    ];
  },
  keyOf: (layer) => `${layer === 0} ${layer % 3 === 0}`,
  layer: (config, _sizes, layer) => {
    const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
    const attentionBias = config.flag("attention_bias", false);
    const local = layer % 3 === 0 ? undefined : config.int("local_attention", 128);
    return encoderLayer({
      hiddenSize,
      heads,
      attention: {
        name: "attn",
        fused: "Wqkv",
        outName: "Wo",
        bias: { qkv: attentionBias, o: attentionBias },
        windowTokens: local,
      },
      mlp: {
        name: "mlp",
        width: config.int("intermediate_size"),
        activation: activationOf(config, "gelu"),
        bias: config.flag("mlp_bias", false),
        gated: ["gate", "up", "Wo"],
        fused: "Wi",
      },
      norm: config.flag("norm_bias", false) ? "layer" : "layer-no-bias",
      norms: layer === 0 ? ["mlp_norm"] : ["attn_norm", "mlp_norm"],
    });
  },
  heads: {
    plain: () => [],
    "masked-lm": (context) => [
      ...predictionHead(context),
      ...(context.config.flag("decoder_bias", true)
        ? [
            tensor({
              name: "decoder.bias",
              role: "head",
              kind: "bias",
              group: "lm-head",
              shape: [context.vocabSize],
              split: "vocab",
            }),
          ]
        : []),
      ...(context.tied
        ? []
        : linear({
            name: "decoder",
            role: "head",
            group: "lm-head",
            outDim: context.vocabSize,
            inDim: context.hiddenSize,
            split: "vocab",
          })),
    ],
    sequence: classifier,
    token: classifier,
  },
};
export const modernbert = encoderFamily(MODERNBERT);

/**
 * BERT with rotary positions and SwiGLU, no biases but in its norms.
 *
 * @throws bad-config when layers hold experts or biases, which this layout does not have.
 */
export const nomicBert = encoderFamily({
  ...MODERNBERT,
  id: "nomic_bert",
  classPrefixes: ["NomicBert"],
  prefix: "bert",
  layersName: "encoder.layers",
  norm: "layer",
  sizes: (config) => {
    const hiddenSize = config.int(["hidden_size", "n_embd"]);
    return {
      hiddenSize,
      layers: config.layers(["num_hidden_layers", "n_layer"]),
      vocabSize: config.int("vocab_size"),
      embeddingSize: hiddenSize,
    };
  },
  outside: (config, { vocabSize, hiddenSize }) => {
    const types = config.count("type_vocab_size", 2);
    return [
      embedding("embeddings.word_embeddings", vocabSize, hiddenSize),
      ...(types === 0 ? [] : [embedding("embeddings.token_type_embeddings", types, hiddenSize)]),
      ...norm("emb_ln", hiddenSize, "bias"),
    ];
  },
  keyOf: () => "",
  layer: (config) => {
    if (config.count("num_experts", 0) > 0) config.fail("num_experts", "none: layers without experts");
    for (const key of ["qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias"])
      if (config.flag(key, false)) config.fail(key, "false");
    const { hiddenSize, heads } = readEncoderHeads(
      config,
      ["hidden_size", "n_embd"],
      ["num_attention_heads", "n_head"],
    );
    return encoderLayer({
      hiddenSize,
      heads,
      headDim: config.int("head_dim", hiddenSize / heads),
      attention: { name: "attn", fused: "Wqkv", outName: "out_proj" },
      mlp: {
        name: "mlp",
        width: config.int(["intermediate_size", "n_inner"]),
        activation: "silu",
        gated: ["fc11", "fc12", "fc2"],
      },
      norm: "layer",
      norms: ["norm1", "norm2"],
    });
  },
  heads: { plain: () => [], "masked-lm": (context) => maskedLmHead(context, BERT_MLM) },
});
