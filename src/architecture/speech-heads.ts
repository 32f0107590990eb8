/** The heads that classes put on a speech encoder. */
import { labelCount } from "./class-heads.ts";
import type { ConfigReader } from "./config-reader.ts";
import { headLinear } from "./encoder-row.ts";
import type { Tensor } from "./model.ts";
import type { SpeechRow } from "./speech-encoder.ts";
import { wav2vec2Pretraining } from "./speech-pretraining.ts";
import { vector } from "./tensors.ts";
import { CONV_DIM, sizesOf } from "./waveform-stem.ts";

/** What class names end with, after the prefix of the row. */
export const HEADS = [
  "Model",
  "ForCTC",
  "ForSequenceClassification",
  "ForAudioFrameClassification",
  "ForXVector",
  "ForPreTraining",
] as const;

/** The tensors of one of them. */
export function headTensors(
  kind: (typeof HEADS)[number],
  config: ConfigReader,
  row: SpeechRow,
): readonly Tensor[] {
  const hiddenSize = config.int("hidden_size");
  const adapted = row.adapter !== undefined && config.flag("add_adapter", false);
  const labels = labelCount(config);
  const summed = config.flag("use_weighted_layer_sum", false)
    ? [vector("layer_weights", "lm-head", [config.layers("num_hidden_layers") + 1])]
    : [];
  switch (kind) {
    case "Model":
      return [];
    case "ForCTC":
      return headLinear(
        "lm_head",
        config.int("vocab_size"),
        adapted ? config.int("output_hidden_size", hiddenSize) : hiddenSize,
      );
    case "ForSequenceClassification": {
      const width = config.int("classifier_proj_size", row.id === "wav2vec2-bert" ? 768 : 256);
      return [
        ...summed,
        ...headLinear("projector", width, hiddenSize),
        ...headLinear("classifier", labels, width),
      ];
    }
    case "ForAudioFrameClassification":
      return [...summed, ...headLinear("classifier", labels, hiddenSize)];
    case "ForXVector": {
      const dims = sizesOf(config, "tdnn_dim", [512, 512, 512, 512, 1500]);
      const kernels = sizesOf(config, "tdnn_kernel", [5, 3, 3, 1, 1]);
      if (kernels.length < dims.length) config.fail("tdnn_kernel", `a list of ${dims.length} kernels`);
      const width = config.int("xvector_output_dim", 512);
      return [
        ...summed,
        ...headLinear("projector", dims[0]!, hiddenSize),
        ...dims.flatMap((out, at) =>
          headLinear(`tdnn.${at}.kernel`, out, (dims[at - 1] ?? dims[0]!) * kernels[at]!),
        ),
        ...headLinear("feature_extractor", width, 2 * dims[dims.length - 1]!),
        ...headLinear("classifier", width, width),
        vector("objective.weight", "lm-head", [width, labels]),
      ];
    }
    case "ForPreTraining": {
      const dims = sizesOf(config, "conv_dim", CONV_DIM);
      const sizes = { hiddenSize, features: dims[dims.length - 1]! };
      return (row.pretraining ?? wav2vec2Pretraining)(config, sizes);
    }
  }
}
