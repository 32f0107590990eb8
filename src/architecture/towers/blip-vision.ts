import { withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { stackOf } from "../stack.ts";
import { convolution, norm, vector } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { encoderLayer, inGroup, patchCount, readEncoderHeads, squareSize } from "./tower.ts";

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
  const [height, width] = squareSize(config, "patch_size");
  return {
    stacks: [
      stackOf({
        role: "vision",
        prefix: `${prefix}.encoder.layers`,
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        build: () =>
          encoderLayer({
            hiddenSize,
            heads,
            attention: {
              name: "self_attn",
              fused: "qkv",
              outName: "projection",
              bias: { qkv: config.flag("qkv_bias", true), o: true },
            },
            mlp: {
              name: "mlp",
              width: config.int("intermediate_size"),
              activation: activationOf(config, "gelu"),
              bias: true,
              plain: ["fc1", "fc2"],
            },
            norm: "layer",
            norms: ["layer_norm1", "layer_norm2"],
          }),
      }),
    ],
    tensors: inGroup("vision", [
      vector(`${prefix}.embeddings.class_embedding`, "vision", [1, 1, hiddenSize]),
      vector(`${prefix}.embeddings.position_embedding`, "vision", [1, patchCount(config) + 1, hiddenSize]),
      ...convolution({
        name: `${prefix}.embeddings.patch_embedding`,
        group: "vision",
        shape: [hiddenSize, config.int("num_channels", 3), height, width],
        bias: true,
      }),
      ...norm(`${prefix}.post_layernorm`, hiddenSize, "bias"),
    ]),
  };
};
