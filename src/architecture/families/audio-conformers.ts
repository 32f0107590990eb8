/** Speech encoders of conformer layers. */

import type { ConfigReader } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { plainMlp } from "../feed-forward.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { adapterProjection, batchNorm, speechFamily } from "../speech-encoder.ts";
import { convolution, embedding, linear, norm, otherLinear, vector } from "../tensors.ts";
import { encoderLayer, readEncoderHeads } from "../towers/tower.ts";
import { projected, WAV2VEC2 } from "./wav2vec2.ts";

/** Half an MLP before and after attention and a gated depthwise convolution (arXiv:2005.08100). */
function conformerLayer(
  config: ConfigReader,
  hiddenSize: number,
  parts: { readonly attention: readonly Tensor[]; readonly convolutionNorm: readonly Tensor[] },
): LayerKind {
  const { heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const width = config.int("intermediate_size");
  const mlp = ["intermediate_dense", "output_dense"] as const;
  const conv = (name: string, shape: readonly number[]): Tensor[] =>
    convolution({ name: `conv_module.${name}`, group: "other", shape });
  return encoderLayer({
    hiddenSize,
    heads,
    attention: {
      name: "self_attn",
      names: ["linear_q", "linear_k", "linear_v", "linear_out"],
      bias: { qkv: true, o: true },
    },
    mlp: { name: "ffn1", width, activation: activationOf(config, "swish"), bias: true, plain: mlp },
    norm: "layer",
    norms: [
      "ffn1_layer_norm",
      "self_attn_layer_norm",
      "conv_module.layer_norm",
      "ffn2_layer_norm",
      "final_layer_norm",
    ],
    extras: [
      ...plainMlp({ name: "ffn2", hiddenSize, width, bias: true, names: mlp }),
      ...parts.attention,
      ...conv("pointwise_conv1", [2 * hiddenSize, hiddenSize, 1]),
      ...conv("depthwise_conv", [hiddenSize, 1, config.int("conv_depthwise_kernel_size", 31)]),
      ...conv("pointwise_conv2", [hiddenSize, hiddenSize, 1]),
      ...parts.convolutionNorm,
    ],
  });
}

/** Sinusoids that attention projects, with two biases per head. */
function relativeAttention(config: ConfigReader, hiddenSize: number): Tensor[] {
  const { heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  return [
    ...linear({
      name: "self_attn.linear_pos",
      role: "other",
      group: "attention",
      outDim: hiddenSize,
      inDim: hiddenSize,
    }),
    ...["pos_bias_u", "pos_bias_v"].map((name) =>
      vector(`self_attn.${name}`, "attention", [heads, hiddenSize / heads]),
    ),
  ];
}

export const wav2vec2Conformer = speechFamily({
  ...WAV2VEC2,
  id: "wav2vec2-conformer",
  classPrefix: "Wav2Vec2Conformer",
  prefix: "wav2vec2_conformer",
  layer: (config, hiddenSize) =>
    conformerLayer(config, hiddenSize, {
      attention:
        config.optionalText("position_embeddings_type") === "relative" ||
        !Object.hasOwn(config.raw, "position_embeddings_type")
          ? relativeAttention(config, hiddenSize)
          : [],
      convolutionNorm: batchNorm("conv_module.batch_norm", hiddenSize),
    }),
});

/** W2v-BERT 2.0: reads filter banks, a table of distances per layer. */
export const wav2vec2Bert = speechFamily({
  ...WAV2VEC2,
  id: "wav2vec2-bert",
  classPrefix: "Wav2Vec2Bert",
  prefix: "wav2vec2_bert",
  defaults: {
    hidden_size: 1024,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    intermediate_size: 4096,
  },
  finalNorm: false,
  outside: (config, hiddenSize) => [
    ...projected(config.int("feature_projection_input_dim", 160), hiddenSize),
    ...(config.flag("use_intermediate_ffn_before_adapter", false)
      ? plainMlp({
          name: "intermediate_ffn",
          hiddenSize,
          width: config.int("intermediate_size"),
          bias: true,
          names: ["intermediate_dense", "output_dense"],
        })
      : []),
  ],
  layer: (config, hiddenSize) =>
    conformerLayer(config, hiddenSize, {
      attention: distances(config, hiddenSize),
      convolutionNorm: norm("conv_module.depthwise_layer_norm", hiddenSize, "bias"),
    }),
  adapter: (config, hiddenSize) => {
    const width = config.int("output_hidden_size", hiddenSize);
    const kernel = config.int("adapter_kernel_size", 3);
    const mlp = config.int("intermediate_size");
    const layers = Array.from({ length: config.layers("num_adapter_layers", 1) }, (_, at) => at);
    return [
      ...adapterProjection(width, hiddenSize),
      ...layers.flatMap((at) => {
        const name = (part: string): string => `adapter.layers.${at}.${part}`;
        return [
          ...["residual_layer_norm", "self_attn_layer_norm", "ffn_layer_norm"].flatMap((part) =>
            norm(name(part), width, "bias"),
          ),
          ...["residual_conv", "self_attn_conv"].flatMap((part) =>
            convolution({ name: name(part), group: "other", shape: [2 * width, width, kernel], bias: true }),
          ),
          ...["linear_q", "linear_k", "linear_v", "linear_out"].flatMap((part) =>
            otherLinear(name(`self_attn.${part}`), width, width),
          ),
          ...otherLinear(name("ffn.intermediate_dense"), mlp, width),
          ...otherLinear(name("ffn.output_dense"), width, mlp),
        ];
      }),
    ];
  },
});

function distances(config: ConfigReader, hiddenSize: number): Tensor[] {
  const { heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const kind = Object.hasOwn(config.raw, "position_embeddings_type")
    ? config.optionalText("position_embeddings_type")
    : "relative_key";
  if (kind === "relative") return relativeAttention(config, hiddenSize);
  if (kind !== "relative_key") return [];
  const rows =
    config.int("left_max_position_embeddings", 64) + config.int("right_max_position_embeddings", 8) + 1;
  return [
    {
      ...embedding("self_attn.distance_embedding", rows, hiddenSize / heads),
      role: "position-embedding",
      group: "attention",
      split: "replicated",
    },
  ];
}
