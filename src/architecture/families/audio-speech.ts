/** Speech encoders of wav2vec 2.0's kind: its relatives differ in positions, in the layer, or in the stem. */
import type { ConfigReader } from "../config-reader.ts";
import { activationOf, type Family } from "../family.ts";
import { plainMlp } from "../feed-forward.ts";
import type { LayerKind, Tensor } from "../model.ts";
import {
  adapterProjection,
  batchNorm,
  convolvedAdapter,
  convolvedPositions,
  other,
  perGroup,
  type SpeechRow,
  speechFamily,
  speechLayer,
  waveformStem,
} from "../speech-encoder.ts";
import { convolution, embedding, linear, norm, vector } from "../tensors.ts";
import { encoderLayer, readEncoderHeads } from "../towers/tower.ts";

/** The projection of the stem's features to the hidden width, behind a norm. */
function projected(width: number, hiddenSize: number, normed = true): Tensor[] {
  return [
    ...(normed ? norm("feature_projection.layer_norm", width, "bias") : []),
    ...other("feature_projection.projection", hiddenSize, width),
  ];
}

const WAV2VEC2: SpeechRow = {
  id: "wav2vec2",
  classPrefix: "Wav2Vec2",
  prefix: "wav2vec2",
  outside: (config, hiddenSize) => {
    const { tensors, width } = waveformStem(config);
    return [...tensors, ...projected(width, hiddenSize), ...convolvedPositions(config, hiddenSize)];
  },
  layer: speechLayer,
  adapter: convolvedAdapter,
};

const { adapter: _, ...WITHOUT_ADAPTER } = WAV2VEC2;

const hubert = speechFamily({
  ...WITHOUT_ADAPTER,
  id: "hubert",
  classPrefix: "Hubert",
  prefix: "hubert",
  outside: (config, hiddenSize) => {
    const { tensors, width } = waveformStem(config);
    const normed = config.flag("feat_proj_layer_norm", true);
    return [...tensors, ...projected(width, hiddenSize, normed), ...convolvedPositions(config, hiddenSize)];
  },
});

/** Gated relative positions (arXiv:2110.13900): a gate per layer, one table of buckets in the first. */
const wavlm = speechFamily({
  ...WAV2VEC2,
  id: "wavlm",
  classPrefix: "WavLM",
  prefix: "wavlm",
  firstDiffers: true,
  layer: (config, hiddenSize, first) => {
    // The stable variant of this class has no bottleneck.
    const layer = speechLayer(config, hiddenSize);
    const { heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
    const at = (name: string): string => `attention.${name}`;
    return {
      ...layer,
      tensors: [
        ...layer.tensors.filter(({ name }) => !name.startsWith("adapter_layer.")),
        vector(at("gru_rel_pos_const"), "attention", [1, heads, 1, 1]),
        ...linear({
          name: at("gru_rel_pos_linear"),
          role: "other",
          group: "attention",
          outDim: 8,
          inDim: hiddenSize / heads,
          bias: true,
        }),
        ...(first
          ? [
              {
                ...embedding(at("rel_attn_embed"), config.int("num_buckets", 320), heads),
                role: "position-embedding" as const,
                group: "attention" as const,
                split: "replicated" as const,
              },
            ]
          : []),
      ],
    };
  },
});

const unispeech = speechFamily({
  ...WITHOUT_ADAPTER,
  id: "unispeech",
  classPrefix: "UniSpeech",
  prefix: "unispeech",
});
const unispeechSat = speechFamily({
  ...WITHOUT_ADAPTER,
  id: "unispeech-sat",
  classPrefix: "UniSpeechSat",
  prefix: "unispeech_sat",
});

const SEW_DIM = [64, 128, 128, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512];
const SEW_KERNEL = [10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1];

/** Attends over squeezed positions and spreads them again (arXiv:2109.06870). */
const sew = speechFamily({
  ...WITHOUT_ADAPTER,
  id: "sew",
  classPrefix: "SEW",
  prefix: "sew",
  outside: (config, hiddenSize) => {
    const { tensors, width } = waveformStem(config, { dims: SEW_DIM, kernels: SEW_KERNEL });
    return [
      ...tensors,
      ...norm("layer_norm", width, "bias"),
      ...(width === hiddenSize ? [] : other("feature_projection", hiddenSize, width)),
      ...convolvedPositions(config, hiddenSize),
      ...other("encoder.upsample.projection", hiddenSize * config.int("squeeze_factor", 2), hiddenSize),
    ];
  },
  layer: (config, hiddenSize) => withoutBottleneck(speechLayer(config, hiddenSize)),
});

/** Every convolution of the stem is normed; positions by a chain of convolutions. */
const data2vecAudio = speechFamily({
  ...WAV2VEC2,
  id: "data2vec-audio",
  classPrefix: "Data2VecAudio",
  prefix: "data2vec_audio",
  outside: (config, hiddenSize) => {
    const { tensors, width } = waveformStem(config, { allNormed: true });
    const shape = [hiddenSize, perGroup(config, hiddenSize), config.int("conv_pos_kernel_size", 19)];
    const chain = Array.from({ length: config.layers("num_conv_pos_embeddings", 5) }, (_, at) => at);
    return [
      ...tensors,
      ...projected(width, hiddenSize),
      ...chain.flatMap((at) =>
        convolution({
          name: `encoder.pos_conv_embed.layers.${at}.conv`,
          group: "positions",
          shape,
          bias: true,
        }),
      ),
    ];
  },
  layer: (config, hiddenSize) => withoutBottleneck(speechLayer(config, hiddenSize)),
});

function withoutBottleneck(layer: LayerKind): LayerKind {
  return { ...layer, tensors: layer.tensors.filter(({ name }) => !name.startsWith("adapter_layer.")) };
}

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

const wav2vec2Conformer = speechFamily({
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
const wav2vec2Bert = speechFamily({
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
            other(name(`self_attn.${part}`), width, width),
          ),
          ...other(name("ffn.intermediate_dense"), mlp, width),
          ...other(name("ffn.output_dense"), width, mlp),
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

export const AUDIO_SPEECH: readonly Family[] = [
  speechFamily(WAV2VEC2),
  hubert,
  wavlm,
  unispeech,
  unispeechSat,
  sew,
  data2vecAudio,
  wav2vec2Conformer,
  wav2vec2Bert,
];
