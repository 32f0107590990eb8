/** GLM-4.1V's tower: patches over time, learned positions, a strided downsampling and a gated merger. */

import { withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { gatedMlp } from "../feed-forward.ts";
import { stackOf } from "../stack.ts";
import { convolution, linear, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { temporalPatches } from "./qwen-vision.ts";
import { encoderLayer, inGroup, patchCount, readEncoderHeads } from "./tower.ts";

/** The layers' gated MLP is out_hidden_size wide; intermediate_size is the merger's. */
export const glmVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    depth: 24,
    hidden_size: 1536,
    num_heads: 12,
    image_size: 336,
    patch_size: 14,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    out_hidden_size: 4096,
    intermediate_size: 13_696,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_heads"]);
  const outSize = config.int("out_hidden_size");
  const merge = config.int("spatial_merge_size");
  const bias = config.flag("attention_bias", false);
  return {
    stacks: [
      stackOf({
        role: "vision",
        prefix: `${prefix}.blocks`,
        hiddenSize,
        layers: config.layers("depth"),
        build: () =>
          encoderLayer({
            hiddenSize,
            heads,
            attention: { name: "attn", fused: "qkv", outName: "proj", bias: { qkv: bias } },
            mlp: {
              name: "mlp",
              width: outSize,
              activation: activationOf(config, "silu"),
              gated: ["gate_proj", "up_proj", "down_proj"],
            },
            norm: "rms",
            norms: ["norm1", "norm2"],
          }),
      }),
    ],
    tensors: inGroup("vision", [
      ...temporalPatches(config, `${prefix}.patch_embed.proj`, hiddenSize, true),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, patchCount(config), hiddenSize),
      ...norm(`${prefix}.post_conv_layernorm`, hiddenSize),
      ...norm(`${prefix}.post_layernorm`, hiddenSize),
      ...convolution({
        name: `${prefix}.downsample`,
        group: "vision",
        shape: [outSize, hiddenSize, merge, merge],
        bias: true,
      }),
      ...linear({
        name: `${prefix}.merger.proj`,
        role: "other",
        group: "vision",
        outDim: outSize,
        inDim: outSize,
      }),
      ...norm(`${prefix}.merger.post_projection_norm`, outSize, "bias"),
      ...gatedMlp({ name: `${prefix}.merger`, hiddenSize: outSize, width: config.int("intermediate_size") }),
    ]),
  };
};
