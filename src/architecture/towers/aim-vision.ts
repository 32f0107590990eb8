/** AIMv2 (arXiv:2411.14402), which Ovis 2 reads images with: RMSNorms throughout and gated MLPs. */
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { LayerKind } from "../model.ts";
import { norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { encoderLayer, gateUpDownMlp, imagePatches, patchCount, readEncoderHeads, towerOf } from "./tower.ts";

/** One layer, of images or of text. */
export function aimLayer(config: ConfigReader): LayerKind {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const bias = config.flag("qkv_bias", false);
  return encoderLayer({
    hiddenSize,
    heads,
    attention: { name: "attention", outName: "out_proj", bias: { qkv: bias, o: bias } },
    mlp: { ...gateUpDownMlp(config, "silu", config.flag("mlp_bias", false)), name: "ffn" },
    norm: "rms",
    norms: ["rms_norm1", "rms_norm2"],
  });
}

/** Biased patches and a norm of them, positions unless they are computed (is_native), a norm at the end. */
export const aimVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1024,
    intermediate_size: 2816,
    num_hidden_layers: 24,
    num_attention_heads: 8,
    image_size: 224,
    patch_size: 14,
  });
  const hiddenSize = config.int("hidden_size");
  const at = (name: string): string => `${prefix}.${name}`;
  return towerOf({
    role: "vision",
    prefix: at("encoder.layers"),
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    layer: aimLayer(config),
    outside: [
      ...imagePatches(config, at("embeddings.patch_embedding"), hiddenSize),
      ...(config.flag("is_native", false)
        ? []
        : [positionEmbedding(at("embeddings.position_embedding"), patchCount(config), hiddenSize)]),
      ...norm(at("embeddings.rms_norm"), hiddenSize),
      ...norm(at("rms_norm"), hiddenSize),
    ],
  });
};
