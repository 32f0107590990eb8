/** Vision transformers published by themselves, as plain encoders and as classifiers. */
import { projection } from "../composite.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import { headLinear, labelCount } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { Stack, Tensor } from "../model.ts";
import { norm, vector } from "../tensors.ts";
import { type TowerHeadContext, towerFamily } from "../tower-family.ts";
import { inGroup, patchCount, squareSize } from "../towers/tower.ts";
import { DINO_NAMES, ratioWidth, VIT_NAMES, type VitLayout, vitLayers, vitTower } from "../towers/vit.ts";

const none = (): Tensor[] => [];
const classifier = ({ config, hiddenSize }: TowerHeadContext): Tensor[] =>
  headLinear("classifier", labelCount(config), hiddenSize);
/** lin(h, pooler_output_size). */
const pooler = ({ config, hiddenSize }: TowerHeadContext): Tensor[] =>
  projection("pooler.dense", config.int("pooler_output_size", hiddenSize), hiddenSize, true);

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

/** The layers that paint the masked patches, in keys of their own. */
function maskedDecoder(
  layout: VitLayout,
  config: ConfigReader,
  prefix: string,
  [hidden, layers, heads, width]: readonly [number, number, number, number],
): Stack {
  const keys = {
    hidden_size: config.int("decoder_hidden_size", hidden),
    num_hidden_layers: config.layers("decoder_num_hidden_layers", layers),
    num_attention_heads: config.int("decoder_num_attention_heads", heads),
    intermediate_size: config.int("decoder_intermediate_size", width),
  };
  return vitLayers(layout, overriding(config, keys), prefix);
}

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

const SCALES = () => ["layer_scale1.lambda1", "layer_scale2.lambda1"] as const;
const registers = (config: ConfigReader, hiddenSize: number, otherwise: number): Tensor[] => [
  vector("embeddings.register_tokens", "vision", [
    1,
    config.count("num_register_tokens", otherwise),
    hiddenSize,
  ]),
];

/** A norm of class token and mean together. */
const twiceAsWide = ({ config, hiddenSize }: TowerHeadContext): Tensor[] =>
  headLinear("classifier", labelCount(config), 2 * hiddenSize);

const DINOV2 = {
  names: DINO_NAMES,
  scales: SCALES,
  width: ratioWidth,
  mlp: (config: ConfigReader) => ({ gated: config.flag("use_swiglu_ffn", false) }),
};

const dinov2 = towerFamily({
  id: "dinov2",
  prefix: "",
  tower: vitTower({
    ...DINOV2,
    defaults: { patch_size: 14 },
    outside: (config, hiddenSize) =>
      config.flag("use_mask_token", true) ? [vector("embeddings.mask_token", "vision", [1, hiddenSize])] : [],
  }),
  heads: { Dinov2Model: none, Dinov2ForImageClassification: twiceAsWide },
});

const registered = (tokens: number, image: number, patch: number) =>
  vitTower({
    ...DINOV2,
    defaults: { image_size: image, patch_size: patch },
    outside: (config, hiddenSize) => [
      vector("embeddings.mask_token", "vision", [1, hiddenSize]),
      ...registers(config, hiddenSize, tokens),
    ],
  });

const dinov2Registers = towerFamily({
  id: "dinov2_with_registers",
  prefix: "",
  tower: registered(4, 224, 16),
  heads: { Dinov2WithRegistersModel: none, Dinov2WithRegistersForImageClassification: twiceAsWide },
});

/** The image encoder of TIPS v2. */
export const tipsVision = registered(1, 448, 14);
const tipsv2Vision = towerFamily({ id: "tipsv2_vision_model", prefix: "vision_model", tower: tipsVision });

/** Rotary positions; each projection has a key for its bias. */
const dinov3 = towerFamily({
  id: "dinov3_vit",
  prefix: "",
  tower: vitTower({
    names: {
      ...DINO_NAMES,
      layers: "layer",
      attention: ["q_proj", "k_proj", "v_proj", "o_proj"],
      mlp: ["mlp.up_proj", "mlp.down_proj"],
      patches: "embeddings.patch_embeddings",
    },
    defaults: { hidden_size: 384, intermediate_size: 1536, num_attention_heads: 6 },
    biases: (config) => {
      const qkv = config.flag("query_bias", true);
      if (config.flag("value_bias", true) !== qkv) config.fail("value_bias", "as query_bias");
      return { qkv, k: config.flag("key_bias", false), o: config.flag("proj_bias", true) };
    },
    positions: () => 0,
    scales: SCALES,
    mlp: (config) => ({ gated: config.flag("use_gated_mlp", false), bias: config.flag("mlp_bias", true) }),
    outside: (config, hiddenSize) => [
      vector("embeddings.mask_token", "vision", [1, 1, hiddenSize]),
      ...registers(config, hiddenSize, 0),
    ],
    finalNorm: () => "norm",
  }),
  heads: { DINOv3ViTModel: none },
});

const pixio = towerFamily({
  id: "pixio",
  prefix: "",
  tower: vitTower({
    defaults: { hidden_size: 1280, num_hidden_layers: 32, num_attention_heads: 16, image_size: 256 },
    names: { ...VIT_NAMES, mlp: ["mlp.fc1", "mlp.fc2"] },
    width: ratioWidth,
    classTokens: (config) => config.int("n_cls_tokens", 8),
  }),
});

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
const videomae = towerFamily({
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

const vivit = towerFamily({
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
const yolos = towerFamily({
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
