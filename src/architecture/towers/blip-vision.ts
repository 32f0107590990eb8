import { withDefaults } from "../config-reader.ts";
import { norm, vector } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { encoderTower, fcMlp, imagePatches, patchCount, readEncoderHeads } from "./tower.ts";

/** EVA-CLIP's ViT-g as BLIP-2 holds it: fused q, k and v, biased patches, a norm after the layers only. */
export const blipVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1408,
    intermediate_size: 6144,
    num_hidden_layers: 39,
    num_attention_heads: 16,
    image_size: 224,
    patch_size: 14,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.encoder.layers`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: {
      name: "self_attn",
      fused: "qkv",
      outName: "projection",
      bias: { qkv: config.flag("qkv_bias", true), o: true },
    },
    mlp: fcMlp(config),
    norm: "layer",
    norms: ["layer_norm1", "layer_norm2"],
    outside: [
      vector(`${prefix}.embeddings.class_embedding`, "vision", [1, 1, hiddenSize]),
      vector(`${prefix}.embeddings.position_embedding`, "vision", [1, patchCount(config) + 1, hiddenSize]),
      ...imagePatches(config, `${prefix}.embeddings.patch_embedding`, hiddenSize),
      ...norm(`${prefix}.post_layernorm`, hiddenSize, "bias"),
    ],
  });
};
