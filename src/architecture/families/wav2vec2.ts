import type { Tensor } from "../model.ts";
import { convolvedAdapter, convolvedPositions, type SpeechRow, speechLayer } from "../speech-encoder.ts";
import { norm, otherLinear } from "../tensors.ts";
import { waveformStem } from "../waveform-stem.ts";

/** The projection of the stem's features to the hidden width, behind a norm. */
export function projected(width: number, hiddenSize: number, normed = true): Tensor[] {
  return [
    ...(normed ? norm("feature_projection.layer_norm", width, "bias") : []),
    ...otherLinear("feature_projection.projection", hiddenSize, width),
  ];
}

/** wav2vec 2.0, whose facts its relatives start from. */
export const WAV2VEC2: SpeechRow = {
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
