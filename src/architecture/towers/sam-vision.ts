/** The image encoder of Segment Anything, which GOT-OCR and DeepSeek-VL read pages with. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import type { Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { convolution, norm, vector } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { encoderLayer, imagePatches, inGroup, readEncoderHeads, squareSize } from "./tower.ts";

/** 1 x 1 and 3 x 3 convolutions without biases, a LayerNorm after each. */
export function samNeck(name: string, outDim: number, inDim: number): Tensor[] {
  const conv = (part: string, shape: readonly number[]): Tensor[] =>
    convolution({ name: `${name}.${part}`, group: "vision", shape });
  return inGroup("vision", [
    ...conv("conv1", [outDim, inDim, 1, 1]),
    ...norm(`${name}.layer_norm1`, outDim, "bias"),
    ...conv("conv2", [outDim, outDim, 3, 3]),
    ...norm(`${name}.layer_norm2`, outDim, "bias"),
  ]);
}

/** Patches per side of the whole image. */
function grid(config: ConfigReader): readonly [height: number, width: number] {
  const [height, width] = squareSize(config, "image_size");
  const [patchHeight, patchWidth] = squareSize(config, "patch_size");
  return [Math.floor(height / patchHeight), Math.floor(width / patchWidth)];
}

/**
 * Absolute positions on the grid, and in each layer relative ones of (2 side - 1) head widths for rows and columns:
 * of the window, or of the whole grid in the layers of global_attn_indexes.
 */
export const samVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 1024,
    patch_size: 16,
    output_channels: 256,
    window_size: 14,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const [rows, columns] = grid(config);
  const everywhere = new Set(config.ints("global_attn_indexes") ?? [2, 5, 8, 11]);
  const windowSide = config.count("window_size");
  const relative = config.flag("use_rel_pos", true);
  const sides = (layer: number): readonly [number, number] =>
    everywhere.has(layer) || windowSide === 0 ? [rows, columns] : [windowSide, windowSide];
  const relativePositions = (layer: number): Tensor[] => {
    if (!relative) return [];
    const [height, width] = sides(layer);
    return [
      vector("attn.rel_pos_h", "vision", [2 * height - 1, hiddenSize / heads]),
      vector("attn.rel_pos_w", "vision", [2 * width - 1, hiddenSize / heads]),
    ];
  };
  return {
    stacks: [
      stackOf({
        role: "vision",
        prefix: `${prefix}.layers`,
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        keyOf: (layer) => String(everywhere.has(layer)),
        build: (layer) =>
          encoderLayer({
            hiddenSize,
            heads,
            attention: {
              name: "attn",
              fused: "qkv",
              outName: "proj",
              bias: { qkv: config.flag("qkv_bias", true), o: true },
            },
            mlp: {
              name: "mlp",
              width: config.int("mlp_dim", Math.floor(hiddenSize * config.number("mlp_ratio", 4))),
              activation: activationOf(config, "gelu"),
              bias: true,
              plain: ["lin1", "lin2"],
            },
            norm: "layer",
            norms: ["layer_norm1", "layer_norm2"],
            extras: relativePositions(layer),
          }),
      }),
    ],
    tensors: [
      ...(config.flag("use_abs_pos", true)
        ? [vector(`${prefix}.pos_embed`, "vision", [1, rows, columns, hiddenSize])]
        : []),
      ...imagePatches(config, `${prefix}.patch_embed.projection`, hiddenSize),
      ...samNeck(`${prefix}.neck`, config.int("output_channels"), hiddenSize),
    ],
  };
};
