/** Speech to text: encoders of sound with a head, or with a decoder that attends to them. */

import { labelCount } from "../class-heads.ts";
import { classNamed } from "../class-named.ts";
import { type ConfigReader, readConfig, withDefaults } from "../config-reader.ts";
import { headLinear } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { ArchitectureDraft, Tensor } from "../model.ts";
import { computedPositions, seqFamily } from "../seq2seq-row.ts";
import { stackOf } from "../stack.ts";
import { convolution, embedding, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import { conformerEncoder } from "../towers/conformer.ts";
import { encoderLayer, fcMlp, inGroup, readEncoderHeads } from "../towers/tower.ts";
import { moonshine } from "./moonshine.ts";

/** Strided convolutions over filter banks, each halved by a gate, in front of BART's layers. */
const speechToText = seqFamily({
  id: "speech_to_text",
  generator: "Speech2TextForConditionalGeneration",
  plain: "Speech2TextModel",
  positions: computedPositions,
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: false,
  featureInput: true,
  extras: (config, side) => {
    if (side === "decoder") return [];
    const kernels = config.ints("conv_kernel_sizes") ?? [5, 5];
    const between = config.int("conv_channels", 1024);
    const hiddenSize = config.int("d_model");
    const input = config.int("input_feat_per_channel", 80) * config.int("input_channels", 1);
    const layers = config.layers("num_conv_layers", 2);
    if (kernels.length < layers) config.fail("conv_kernel_sizes", `a list of ${layers} kernels`);
    return kernels.slice(0, layers).flatMap((kernel, at) =>
      convolution({
        name: `conv.conv_layers.${at}`,
        group: "other",
        shape: [
          at === layers - 1 ? 2 * hiddenSize : between,
          at === 0 ? input : Math.floor(between / 2),
          kernel,
        ],
        bias: true,
      }),
    );
  },
});

const NO_CONFIG = (config: ConfigReader): ConfigReader => readConfig({}, config.file);

/** What a Parakeet class adds to the encoder: a head over its states, or a small recurrent decoder. */
function parakeet(
  id: string,
  className: string,
  vocabulary: number,
  rest: (config: ConfigReader, hiddenSize: number, vocabSize: number) => readonly Tensor[],
): Family {
  return {
    id,
    modelTypes: [id],
    classNames: [className],
    build: (config) => {
      const { stack, tensors, hiddenSize } = conformerEncoder(
        config.child("encoder_config") ?? NO_CONFIG(config),
        { prefix: "encoder.", role: "encoder" },
      );
      const vocabSize = config.int("vocab_size", vocabulary);
      return bare(id, hiddenSize, vocabSize, {
        stacks: [stack],
        tensors: [...tensors, ...rest(config, hiddenSize, vocabSize)],
      });
    },
  };
}

function bare(
  family: string,
  hiddenSize: number,
  vocabSize: number,
  parts: Pick<ArchitectureDraft, "stacks" | "tensors">,
): ArchitectureDraft {
  return {
    family,
    modelType: family,
    hiddenSize,
    vocabSize,
    tied: false,
    norm: "layer",
    notes: [],
    ...parts,
  };
}

const parakeetCtc = parakeet("parakeet_ctc", "ParakeetForCTC", 1025, (_config, hiddenSize, vocabSize) =>
  inGroup(
    "lm-head",
    convolution({ name: "ctc_head", group: "other", shape: [vocabSize, hiddenSize, 1], bias: true }),
  ),
);

/** An embedding, LSTM layers of four gates with two biases each, and a joint head over both sides. */
function transducer(config: ConfigReader, hiddenSize: number, vocabSize: number, outputs: number): Tensor[] {
  const width = config.int("decoder_hidden_size", 640);
  const layers = Array.from({ length: config.layers("num_decoder_layers", 2) }, (_, at) => at);
  const lin = (name: string, inDim: number): Tensor[] =>
    linear({ name, role: "other", group: "other", outDim: width, inDim, bias: true });
  return [
    embedding("decoder.embedding", vocabSize, width),
    ...layers.flatMap((at) => [
      ...["ih", "hh"].map((side) =>
        vector(`decoder.lstm.weight_${side}_l${at}`, "other", [4 * width, width]),
      ),
      ...["ih", "hh"].map((side) => vector(`decoder.lstm.bias_${side}_l${at}`, "other", [4 * width])),
    ]),
    ...lin("decoder.decoder_projector", width),
    ...lin("encoder_projector", hiddenSize),
    ...headLinear("joint.head", outputs, width),
  ];
}

const parakeetRnnt = parakeet("parakeet_rnnt", "ParakeetForRNNT", 8193, (config, hiddenSize, vocabSize) =>
  transducer(config, hiddenSize, vocabSize, vocabSize),
);
const parakeetTdt = parakeet("parakeet_tdt", "ParakeetForTDT", 8193, (config, hiddenSize, vocabSize) =>
  transducer(config, hiddenSize, vocabSize, vocabSize + (config.ints("durations") ?? [0, 1, 2, 3, 4]).length),
);

const parakeetEncoder: Family = {
  id: "parakeet_encoder",
  modelTypes: ["parakeet_encoder"],
  classNames: ["ParakeetEncoder"],
  build: (config) => {
    const { stack, tensors, hiddenSize } = conformerEncoder(config, { prefix: "", role: "encoder" });
    return bare("parakeet_encoder", hiddenSize, 1, { stacks: [stack], tensors });
  },
};

/** A ViT over patches of a spectrogram (arXiv:2104.01778). */
const ast: Family = {
  id: "audio-spectrogram-transformer",
  modelTypes: ["audio-spectrogram-transformer"],
  classNames: ["ASTModel", "ASTForAudioClassification"],
  build: (given) => {
    const config = withDefaults(given, {
      hidden_size: 768,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      intermediate_size: 3072,
    });
    const named = classNamed(config, ["ASTModel", "ASTForAudioClassification"]);
    const classifies = named === "ASTForAudioClassification";
    const prefix = classifies ? "audio_spectrogram_transformer." : "";
    const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
    const patch = config.int("patch_size", 16);
    const along = (size: number, stride: number): number => Math.floor((size - patch) / stride) + 1;
    const patches =
      along(config.int("num_mel_bins", 128), config.int("frequency_stride", 10)) *
      along(config.int("max_length", 1024), config.int("time_stride", 10));
    if (patches < 1) config.fail("patch_size", "a patch smaller than the spectrogram");
    const at = (name: string): string => `${prefix}embeddings.${name}`;
    return bare("audio-spectrogram-transformer", hiddenSize, 1, {
      stacks: [
        stackOf({
          role: "encoder",
          prefix: `${prefix}layers`,
          hiddenSize,
          layers: config.layers("num_hidden_layers"),
          build: () =>
            encoderLayer({
              hiddenSize,
              heads,
              headDim: config.int("head_dim", hiddenSize / heads),
              attention: { name: "attention", bias: { qkv: config.flag("qkv_bias", true), o: true } },
              mlp: fcMlp(config),
              norm: "layer",
              norms: ["layernorm_before", "layernorm_after"],
            }),
        }),
      ],
      tensors: [
        vector(at("cls_token"), "other", [1, 1, hiddenSize]),
        vector(at("distillation_token"), "other", [1, 1, hiddenSize]),
        positionEmbedding(at("position_embeddings"), patches + 2, hiddenSize),
        ...convolution({
          name: at("patch_embeddings.projection"),
          group: "other",
          shape: [hiddenSize, 1, patch, patch],
          bias: true,
        }),
        ...norm(`${prefix}layernorm`, hiddenSize, "bias"),
        ...(classifies
          ? [
              ...norm("classifier.layernorm", hiddenSize, "bias"),
              ...headLinear("classifier.dense", labelCount(config), hiddenSize),
            ]
          : []),
      ],
    });
  },
};

export const AUDIO_RECOGNITION: readonly Family[] = [
  speechToText,
  moonshine,
  parakeetCtc,
  parakeetRnnt,
  parakeetTdt,
  parakeetEncoder,
  ast,
];
