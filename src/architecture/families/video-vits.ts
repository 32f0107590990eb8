/** Vision transformers over time, and one that finds boxes. */
import { labelCount } from "../class-heads.ts";
import { projection } from "../composite.ts";
import { type ConfigReader, overriding } from "../config-reader.ts";
import { headLinear } from "../encoder-row.ts";
import type { Tensor } from "../model.ts";
import { norm, vector } from "../tensors.ts";
import { towerFamily } from "../tower-family.ts";
import { inGroup, patchCount, squareSize } from "../towers/tower.ts";
import { type VitLayout, vitTower } from "../towers/vit.ts";
import { classifier, maskedDecoder, none, pooler } from "./vit-heads.ts";

/** Patches of time and space under sines; keys without a bias. */
const VIDEO_MAE: VitLayout = {
  classTokens: () => 0,
  positions: () => 0,
  biases: (config) => ({ qkv: config.flag("qv_bias", true), k: false, o: true }),
  patchShape: (config) => [
    config.int("num_channels", 3),
    config.int("tubelet_size", 2),
    ...squareSize(config, "patch_size"),
  ],
  finalNorm: (config) => (config.flag("use_mean_pooling", true) ? undefined : "layernorm"),
};
export const videomae = towerFamily({
  id: "videomae",
  prefix: "videomae",
  tower: vitTower(VIDEO_MAE),
  heads: {
    VideoMAEModel: none,
    VideoMAEForPreTraining: ({ config, hiddenSize }) => {
      const layers = maskedDecoder(VIDEO_MAE, config, "decoder.decoder_layers", [384, 4, 6, 1536]);
      const width = layers.hiddenSize;
      const patch = config.int("patch_size", 16) ** 2 * config.int("num_channels", 3);
      return {
        stacks: [layers],
        tensors: inGroup("vision", [
          ...projection("encoder_to_decoder", width, hiddenSize, false),
          vector("mask_token", "vision", [1, 1, width]),
          ...norm("decoder.norm", width, "bias"),
          ...projection("decoder.head", patch * config.int("tubelet_size", 2), width, true),
        ]),
      };
    },
    VideoMAEForVideoClassification: (context) => [
      ...(context.config.flag("use_mean_pooling", true) ? norm("fc_norm", context.hiddenSize, "bias") : []),
      ...classifier(context),
    ],
  },
});

/** [time, height, width] of one tubelet. */
function tubelet(config: ConfigReader): readonly [number, number, number] {
  const [time, height, width, ...rest] = config.ints("tubelet_size") ?? [2, 16, 16];
  if (!time || !height || !width || rest.length > 0) config.fail("tubelet_size", "three numbers from 1");
  return [time!, height!, width!];
}

export const vivit = towerFamily({
  id: "vivit",
  prefix: "vivit",
  tower: vitTower({
    patches: (config) => {
      const [time, height, width] = tubelet(config);
      return (
        Math.floor(config.int("num_frames", 32) / time) *
        patchCount(overriding(config, { patch_size: [height, width] }))
      );
    },
    patchShape: (config) => [config.int("num_channels", 3), ...tubelet(config)],
  }),
  heads: { VivitModel: pooler, VivitForVideoClassification: classifier },
});

/** Three biased linears of the hidden width, the last one into `out`. */
const boxMlp = (name: string, hiddenSize: number, out: number): Tensor[] => [
  ...headLinear(`${name}.layers.0`, hiddenSize, hiddenSize),
  ...headLinear(`${name}.layers.1`, hiddenSize, hiddenSize),
  ...headLinear(`${name}.layers.2`, out, hiddenSize),
];

/** Tokens that become boxes; positions again before every layer. */
export const yolos = towerFamily({
  id: "yolos",
  prefix: "vit",
  tower: vitTower({
    defaults: { image_size: [512, 864] },
    positions: (config, rows) => rows + config.int("num_detection_tokens", 100),
    outside: (config, hiddenSize, rows) => {
      const tokens = config.int("num_detection_tokens", 100);
      const between = config.layers("num_hidden_layers", 12) - 1;
      return [
        vector("embeddings.detection_tokens", "vision", [1, tokens, hiddenSize]),
        ...(config.flag("use_mid_position_embeddings", true) && between > 0
          ? [vector("encoder.mid_position_embeddings", "vision", [between, 1, rows + tokens, hiddenSize])]
          : []),
      ];
    },
  }),
  heads: {
    YolosModel: ({ hiddenSize }) => projection("pooler.dense", hiddenSize, hiddenSize, true),
    YolosForObjectDetection: ({ config, hiddenSize }) => [
      ...boxMlp("class_labels_classifier", hiddenSize, labelCount(config) + 1),
      ...boxMlp("bbox_predictor", hiddenSize, 4),
    ],
  },
});
