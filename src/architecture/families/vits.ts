/** Vision transformers published by themselves, as plain encoders and as classifiers. */

import { labelCount } from "../class-heads.ts";
import { projection } from "../composite.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { headLinear } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { norm, vector } from "../tensors.ts";
import { type TowerHeadContext, towerFamily } from "../tower-family.ts";
import { inGroup, patchCount, squareSize } from "../towers/tower.ts";
import { vitTower } from "../towers/vit.ts";
import { dinov2, dinov2Registers, dinov3, pixio, tipsv2Vision } from "./dino.ts";
import { videomae, vivit, yolos } from "./video-vits.ts";
import { classifier, maskedDecoder, none, pooler } from "./vit-heads.ts";

/** A class token for distillation beside the usual one. */
const deit = towerFamily({
  id: "deit",
  prefix: "",
  tower: vitTower({ classTokens: () => 2 }),
  heads: {
    DeiTModel: pooler,
    DeiTForImageClassification: classifier,
    DeiTForImageClassificationWithTeacher: (context) => [
      ...headLinear("cls_classifier", labelCount(context.config), context.hiddenSize),
      ...headLinear("distillation_classifier", labelCount(context.config), context.hiddenSize),
    ],
  },
});

/** ViT; to train it, a smaller one behind it that paints the masked patches. */
const vitMae = towerFamily({
  id: "vit_mae",
  prefix: "vit",
  tower: vitTower({}),
  heads: {
    ViTMAEModel: none,
    ViTMAEForPreTraining: ({ config, hiddenSize }) => {
      const layers = maskedDecoder({}, config, "decoder.decoder_layers", [512, 8, 16, 2048]);
      const width = layers.hiddenSize;
      const patches = patchCount(withDefaults(config, { image_size: 224, patch_size: 16 }));
      const patch = config.int("patch_size", 16) ** 2 * config.int("num_channels", 3);
      return {
        stacks: [layers],
        tensors: inGroup("vision", [
          ...projection("decoder.decoder_embed", width, hiddenSize, true),
          vector("decoder.mask_token", "vision", [1, 1, width]),
          vector("decoder.decoder_pos_embed", "vision", [1, patches + 1, width]),
          ...norm("decoder.decoder_norm", width, "bias"),
          ...projection("decoder.decoder_pred", patch, width, true),
        ]),
      };
    },
  },
});

const vitMsn = towerFamily({
  id: "vit_msn",
  prefix: "vit",
  tower: vitTower({}),
  heads: { ViTMSNModel: none, ViTMSNForImageClassification: classifier },
});

/** No class token: images are predicted from images. */
const ijepa = towerFamily({
  id: "ijepa",
  prefix: "",
  tower: vitTower({ classTokens: () => 0 }),
  heads: { IJepaModel: none, IJepaForImageClassification: classifier },
});

/** Rows of a table of relative positions: (2h - 1)(2w - 1), and 3 for those from and to the class token. */
function relativePositions(config: ConfigReader, name: string): Tensor[] {
  const [height, width] = squareSize(config, "image_size");
  const [patchHeight, patchWidth] = squareSize(config, "patch_size");
  const side = (pixels: number, patch: number): number => 2 * Math.floor(pixels / patch) - 1;
  const rows = side(height, patchHeight) * side(width, patchWidth) + 3;
  return [
    vector(`${name}.relative_position_bias_table`, "vision", [rows, config.int("num_attention_heads")]),
  ];
}

/** Keys without a bias, positions relative and absolute by keys, scales unless they start at 0. */
const BEIT = vitTower({
  biases: () => ({ qkv: true, k: false, o: true }),
  positions: (config, rows) => (config.flag("use_absolute_position_embeddings", false) ? rows : 0),
  scales: (config) =>
    config.number("layer_scale_init_value", 0.1) > 0 ? (["lambda_1", "lambda_2"] as const) : [],
  layerExtras: (config) =>
    config.flag("use_relative_position_bias", false)
      ? relativePositions(config, "attention.attention.relative_position_bias")
      : [],
  outside: (config, hiddenSize) => [
    ...(config.flag("use_mask_token", false)
      ? [vector("embeddings.mask_token", "vision", [1, 1, hiddenSize])]
      : []),
    ...(config.flag("use_shared_relative_position_bias", false)
      ? relativePositions(config, "encoder.relative_position_bias")
      : []),
  ],
  finalNorm: (config) => (config.flag("use_mean_pooling", true) ? undefined : "layernorm"),
});

/** The norm of the mean, in place of the one after the layers. */
const meanNorm = ({ config, hiddenSize }: TowerHeadContext): Tensor[] =>
  config.flag("use_mean_pooling", true) ? norm("pooler.layernorm", hiddenSize, "bias") : [];
const pooledClassifier = (context: TowerHeadContext): Tensor[] => [
  ...meanNorm(context),
  ...classifier(context),
];

const beit = towerFamily({
  id: "beit",
  prefix: "beit",
  tower: BEIT,
  heads: {
    BeitModel: meanNorm,
    BeitForImageClassification: pooledClassifier,
    BeitForMaskedImageModeling: ({ config, hiddenSize }) => [
      ...norm("layernorm", hiddenSize, "bias"),
      ...headLinear("lm_head", config.int("vocab_size", 8192), hiddenSize),
    ],
  },
});

const data2vecVision = towerFamily({
  id: "data2vec-vision",
  prefix: "data2vec_vision",
  tower: BEIT,
  heads: {
    // The plain class has no pooler.
    Data2VecVisionModel: none,
    Data2VecVisionForImageClassification: pooledClassifier,
  },
});

export const VITS: readonly Family[] = [
  deit,
  vitMae,
  vitMsn,
  ijepa,
  beit,
  data2vecVision,
  dinov2,
  dinov2Registers,
  tipsv2Vision,
  dinov3,
  pixio,
  videomae,
  vivit,
  yolos,
];
