/** DINOv2 and v3 and what is built like them: registers and layer scales. */
import { labelCount } from "../class-heads.ts";
import type { ConfigReader } from "../config-reader.ts";
import { headLinear } from "../encoder-row.ts";
import type { Tensor } from "../model.ts";
import { vector } from "../tensors.ts";
import { type TowerHeadContext, towerFamily } from "../tower-family.ts";
import { DINO_NAMES, ratioWidth, VIT_NAMES, vitTower } from "../towers/vit.ts";
import { none } from "./vit-heads.ts";

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

export const dinov2 = towerFamily({
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

export const dinov2Registers = towerFamily({
  id: "dinov2_with_registers",
  prefix: "",
  tower: registered(4, 224, 16),
  heads: { Dinov2WithRegistersModel: none, Dinov2WithRegistersForImageClassification: twiceAsWide },
});

/** The image encoder of TIPS v2. */
export const tipsVision = registered(1, 448, 14);
export const tipsv2Vision = towerFamily({
  id: "tipsv2_vision_model",
  prefix: "vision_model",
  tower: tipsVision,
});

/** Rotary positions; each projection has a key for its bias. */
export const dinov3 = towerFamily({
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

export const pixio = towerFamily({
  id: "pixio",
  prefix: "",
  tower: vitTower({
    defaults: { hidden_size: 1280, num_hidden_layers: 32, num_attention_heads: 16, image_size: 256 },
    names: { ...VIT_NAMES, mlp: ["mlp.fc1", "mlp.fc2"] },
    width: ratioWidth,
    classTokens: (config) => config.int("n_cls_tokens", 8),
  }),
});
