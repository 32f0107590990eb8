/** Encoders of whole images, chosen by the model_type of a vision_config: CLIP, SigLIP, Pixtral, Idefics 3. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { linear, norm, positionEmbedding, vector } from "../tensors.ts";
import {
  encoderLayer,
  encoderTower,
  fcMlp,
  gateUpDownMlp,
  imagePatches,
  inGroup,
  patchCount,
  readEncoderHeads,
  squareSize,
  type Tower,
  towerOf,
} from "./tower.ts";

/** Reads a vision_config and builds the tower at a module path. */
export type TowerBuilder = (config: ConfigReader, prefix: string) => Tower;

/** CLIP ViT-L/14 and SigLIP-SO400M, which other models name instead of describing. */
export const CLIP_L = {
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  image_size: 224,
  patch_size: 14,
} as const;
export const SIGLIP_SO400M = {
  hidden_size: 1152,
  intermediate_size: 4304,
  num_hidden_layers: 27,
  num_attention_heads: 16,
  image_size: 384,
  patch_size: 14,
} as const;

/** The layer of CLIP and SigLIP: LayerNorms, biases everywhere, fc1 and fc2. */
export function clipLayer(config: ConfigReader, activation: string) {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  return encoderLayer({
    hiddenSize,
    heads,
    attention: { name: "self_attn", outName: "out_proj", bias: { qkv: true, o: true } },
    mlp: fcMlp(config, activation),
    norm: "layer",
    norms: ["layer_norm1", "layer_norm2"],
  });
}

/**
 * class h + patches 3*p*p*h + (n + 1)*h positions + norms before and after + L*(4 lin(+) + plain MLP + 4h).
 *
 * @example CLIP-L/14 at 336: 303,507,456
 */
export const clipVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 224,
    patch_size: 32,
  });
  const hiddenSize = config.int("hidden_size");
  return towerOf({
    role: "vision",
    prefix: `${prefix}.encoder.layers`,
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    layer: clipLayer(config, "quick_gelu"),
    outside: [
      vector(`${prefix}.embeddings.class_embedding`, "vision", [hiddenSize]),
      ...imagePatches(config, `${prefix}.embeddings.patch_embedding`, hiddenSize, { bias: false }),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, patchCount(config) + 1, hiddenSize),
      ...norm(`${prefix}.pre_layrnorm`, hiddenSize, "bias"),
      ...norm(`${prefix}.post_layernorm`, hiddenSize, "bias"),
    ],
  });
};

/**
 * Patches with a bias, n positions, a norm after, and with vision_use_head (default true) an attention-pooling
 * head: probe h, in lin(h, 3h), out lin(h, h), norm 2h, MLP.
 */
export const siglipVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 224,
    patch_size: 16,
  });
  const hiddenSize = config.int("hidden_size");
  return {
    stacks: [siglipLayers(config, prefix)],
    tensors: inGroup("vision", [
      ...imagePatches(config, `${prefix}.embeddings.patch_embedding`, hiddenSize),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, patchCount(config), hiddenSize),
      ...norm(`${prefix}.post_layernorm`, hiddenSize, "bias"),
      ...poolingHead(config, prefix),
    ]),
  };
};

function poolingHead(config: ConfigReader, prefix: string): Tensor[] {
  if (!config.flag("vision_use_head", true)) return [];
  const hiddenSize = config.int("hidden_size");
  const width = config.int("intermediate_size");
  const dense = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name: `${prefix}.head.${name}`, role: "other", group: "vision", outDim, inDim, bias: true });
  return [
    vector(`${prefix}.head.probe`, "vision", [1, 1, hiddenSize]),
    ...dense("attention.in_proj", 3 * hiddenSize, hiddenSize),
    ...dense("attention.out_proj", hiddenSize, hiddenSize),
    ...norm(`${prefix}.head.layernorm`, hiddenSize, "bias"),
    ...dense("mlp.fc1", width, hiddenSize),
    ...dense("mlp.fc2", hiddenSize, width),
  ];
}

/** SigLIP 2 for any aspect ratio: patches as one biased matrix, num_patches positions. */
export const siglip2Vision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    patch_size: 16,
    num_patches: 256,
  });
  const hiddenSize = config.int("hidden_size");
  const [height, width] = squareSize(config, "patch_size");
  return {
    stacks: [siglipLayers(config, prefix)],
    tensors: inGroup("vision", [
      ...linear({
        name: `${prefix}.embeddings.patch_embedding`,
        role: "other",
        group: "vision",
        outDim: hiddenSize,
        inDim: config.int("num_channels", 3) * height * width,
        bias: true,
      }),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, config.int("num_patches"), hiddenSize),
      ...norm(`${prefix}.post_layernorm`, hiddenSize, "bias"),
      ...poolingHead(config, prefix),
    ]),
  };
};

function siglipLayers(config: ConfigReader, prefix: string) {
  return stackOf({
    role: "vision",
    prefix: `${prefix}.encoder.layers`,
    hiddenSize: config.int("hidden_size"),
    layers: config.layers("num_hidden_layers"),
    build: () => clipLayer(config, "gelu_pytorch_tanh"),
  });
}

/** SigLIP without a head, at Idefics 3's sizes. */
export const idefics3Vision: TowerBuilder = (given, prefix) =>
  siglipVision(
    withDefaults(given, {
      hidden_size: 1152,
      intermediate_size: 3072,
      num_attention_heads: 16,
      patch_size: 32,
      vision_use_head: false,
    }),
    prefix,
  );

/** SigLIP without a head, at Idefics 2's sizes. */
const idefics2Vision: TowerBuilder = (given, prefix) =>
  siglipVision(withDefaults(given, { patch_size: 32, vision_use_head: false }), prefix);

/** Rotary positions, RMSNorms, gated MLP, no biases. */
export const pixtralVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    patch_size: 16,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.transformer.layers`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: { name: "attention" },
    mlp: { ...gateUpDownMlp(config, "gelu"), name: "feed_forward" },
    norm: "rms",
    norms: ["attention_norm", "ffn_norm"],
    outside: [
      ...imagePatches(config, `${prefix}.patch_conv`, hiddenSize, { bias: false }),
      ...norm(`${prefix}.ln_pre`, hiddenSize),
    ],
  });
};

const BY_MODEL_TYPE: { readonly [modelType: string]: TowerBuilder } = {
  clip_vision_model: clipVision,
  siglip_vision_model: siglipVision,
  siglip_vision: siglipVision,
  siglip2_vision_model: siglip2Vision,
  idefics2: idefics2Vision,
  idefics2_vision: idefics2Vision,
  pixtral: pixtralVision,
  idefics3_vision: idefics3Vision,
  idefics3: idefics3Vision,
  smolvlm_vision: idefics3Vision,
};

/**
 * The tower that a vision_config describes, as `fallback` when it has no model_type.
 *
 * @throws bad-config for a model_type that is none of these.
 */
export function imageEncoder(config: ConfigReader, prefix: string, fallback: string): Tower {
  const modelType = config.text("model_type", fallback);
  const build = Object.hasOwn(BY_MODEL_TYPE, modelType) ? BY_MODEL_TYPE[modelType] : undefined;
  if (build === undefined)
    return config.fail("model_type", `one of ${Object.keys(BY_MODEL_TYPE).join(", ")}`);
  return build(config, prefix);
}
