/** GLM-4.1V's tower: patches over time, learned positions, a strided downsampling and a gated merger. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { gatedMlp } from "../feed-forward.ts";
import type { Tensor } from "../model.ts";
import { convolution, linear, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { temporalPatches } from "./qwen-vision.ts";
import { blockTower, gateUpDownMlp, patchCount, readEncoderHeads, type Tower } from "./tower.ts";

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
  const bias = config.flag("attention_bias", false);
  return blockTower(config, prefix, {
    hiddenSize,
    heads,
    attention: { bias: { qkv: bias } },
    mlp: gateUpDownMlp(config, "silu", false, outSize),
    norm: "rms",
    outside: [
      ...temporalPatches(config, `${prefix}.patch_embed.proj`, hiddenSize, true),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, patchCount(config), hiddenSize),
      ...norm(`${prefix}.post_conv_layernorm`, hiddenSize),
      ...norm(`${prefix}.post_layernorm`, hiddenSize),
      ...glmMerger(config, prefix, config.int("intermediate_size")),
    ],
  });
};

/**
 * GLM-OCR's: no learned positions, queries and keys normalised per head, one key for every bias of a layer, and a
 * merger as wide as out_hidden_size times the colour channels.
 */
export const glmOcrVision: TowerBuilder = (given, prefix) =>
  headNormedVision(given, prefix, (config) => config.int("out_hidden_size") * config.int("in_channels", 3));

/** GLM-5 Next's: the same, with a width of its own for the merger. */
export const glmNextVision: TowerBuilder = (given, prefix) =>
  headNormedVision(given, prefix, (config) => config.int("projection_intermediate_size", 10_240));

function headNormedVision(
  given: ConfigReader,
  prefix: string,
  mergerWidth: (config: ConfigReader) => number,
): Tower {
  const config = withDefaults(given, {
    depth: 24,
    hidden_size: 1024,
    num_heads: 16,
    patch_size: 14,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    out_hidden_size: 1536,
    intermediate_size: 4096,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_heads"]);
  const bias = config.flag("attention_bias", true);
  return blockTower(config, prefix, {
    hiddenSize,
    heads,
    attention: { bias: { qkv: bias, o: bias }, qkNorm: "head" },
    mlp: gateUpDownMlp(config, "silu", bias),
    norm: "rms",
    outside: [
      ...temporalPatches(config, `${prefix}.patch_embed.proj`, hiddenSize, true),
      ...norm(`${prefix}.post_layernorm`, hiddenSize),
      ...glmMerger(config, prefix, mergerWidth(config)),
    ],
  });
}

/** A strided downsampling into out_hidden_size, a projection, a norm, and a gated MLP of `width`. */
function glmMerger(config: ConfigReader, prefix: string, width: number): Tensor[] {
  const outSize = config.int("out_hidden_size");
  const merge = config.int("spatial_merge_size");
  return [
    ...convolution({
      name: `${prefix}.downsample`,
      group: "vision",
      shape: [outSize, config.int("hidden_size"), merge, merge],
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
    ...gatedMlp({ name: `${prefix}.merger`, hiddenSize: outSize, width }),
  ];
}
