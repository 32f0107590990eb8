import type { Family } from "../family.ts";
import type { LayerKind } from "../model.ts";
import { convolvedPositions, perGroup, speechFamily, speechLayer } from "../speech-encoder.ts";
import { uniSpeechPretraining, uniSpeechSatPretraining } from "../speech-pretraining.ts";
import { convolution, embedding, linear, norm, otherLinear, vector } from "../tensors.ts";
import { readEncoderHeads } from "../towers/tower.ts";
import { waveformStem } from "../waveform-stem.ts";
import { wav2vec2Bert, wav2vec2Conformer } from "./audio-conformers.ts";
import { projected, WAV2VEC2 } from "./wav2vec2.ts";

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
  pretraining: uniSpeechPretraining,
});
const unispeechSat = speechFamily({
  ...WITHOUT_ADAPTER,
  id: "unispeech-sat",
  classPrefix: "UniSpeechSat",
  prefix: "unispeech_sat",
  pretraining: uniSpeechSatPretraining,
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
      ...(width === hiddenSize ? [] : otherLinear("feature_projection", hiddenSize, width)),
      ...convolvedPositions(config, hiddenSize),
      ...otherLinear("encoder.upsample.projection", hiddenSize * config.int("squeeze_factor", 2), hiddenSize),
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
