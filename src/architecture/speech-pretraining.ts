/** What speech encoders hold while they are trained without text: codebooks and the projections around them. */
import type { ConfigReader } from "./config-reader.ts";
import { headLinear } from "./encoder-row.ts";
import type { Tensor } from "./model.ts";
import { norm, vector } from "./tensors.ts";

export interface PretrainingSizes {
  readonly hiddenSize: number;
  /** Width of the last convolution over the waveform. */
  readonly features: number;
}

export type Pretraining = (config: ConfigReader, sizes: PretrainingSizes) => readonly Tensor[];

/** Codewords in groups, the scores that choose them from `inDim` values, and lin(codevector_dim, proj_codevector_dim). */
function quantizer(
  config: ConfigReader,
  inDim: number,
): { tensors: Tensor[]; width: number; target: number } {
  const groups = config.int("num_codevector_groups", 2);
  const vectors = groups * config.int("num_codevectors_per_group", 320);
  const width = config.int("codevector_dim", 256);
  const target = config.int("proj_codevector_dim", 256);
  if (width % groups !== 0) config.fail("codevector_dim", `a multiple of num_codevector_groups ${groups}`);
  const tensors = [
    vector("quantizer.codevectors", "lm-head", [1, vectors, width / groups]),
    ...headLinear("quantizer.weight_proj", vectors, inDim),
    ...headLinear("project_q", target, width),
  ];
  return { tensors, width, target };
}

/** wav2vec 2.0 (arXiv:2006.11477): states and codewords meet at proj_codevector_dim. */
export const wav2vec2Pretraining: Pretraining = (config, { hiddenSize, features }) => {
  const { tensors, target } = quantizer(config, features);
  return [...tensors, ...headLinear("project_hid", target, hiddenSize)];
};

/** UniSpeech (arXiv:2101.07597): codewords come back to the hidden size, from which phonemes are spelled. */
export const uniSpeechPretraining: Pretraining = (config, { hiddenSize, features }) => {
  const { tensors, target } = quantizer(config, features);
  return [
    ...tensors,
    ...headLinear("project_hid", hiddenSize, target),
    ...headLinear("ctc_proj", config.int("num_ctc_classes", 80), hiddenSize),
  ];
};

/** UniSpeech-SAT (arXiv:2110.05752): codewords for hidden states, and speakers told apart by clusters. */
export const uniSpeechSatPretraining: Pretraining = (config, { hiddenSize }) => {
  const { tensors, width, target } = quantizer(config, hiddenSize);
  return [
    ...tensors,
    ...headLinear("project_hid", target, hiddenSize),
    ...headLinear("speaker_proj", width, hiddenSize),
    vector("label_embeddings_concat", "lm-head", [config.int("num_clusters", 504), width]),
    ...norm("layer_norm_for_extract", hiddenSize, "bias"),
  ];
};
