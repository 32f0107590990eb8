/** EVA-02-CLIP-E as CogVLM and GLM-4V carry it: norms behind attention and MLP, then a gated MLP into the text. */

import type { ConfigReader } from "../config-reader.ts";
import { gatedMlp } from "../feed-forward.ts";
import { convolution, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import { encoderTower, fcMlp, inGroup, readEncoderHeads, type Tower } from "./tower.ts";

/** What stands between the last layer and the text, besides the gated MLP. */
interface EvaBridge {
  readonly textSize: number;
  /** Width of the gated MLP. */
  readonly width: number;
  /** Channels that a convolution of 2 x 2 patches makes; absent where patches stay as they are. */
  readonly folded?: number;
}

/**
 * class h + n positions + patches + L*(4 lin(+) + plain MLP + 4h), then [conv] lin(c, t), norm 2t, gated MLP
 * 3*t*f, and the marks of an image's begin and end.
 *
 * @example CogVLM's: 4,282,641,664 + 142,622,720 parameters
 */
export function evaClipVision(config: ConfigReader, prefix: string, bridge: EvaBridge): Tower {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_heads"]);
  const { textSize, width, folded } = bridge;
  const patch = config.int("patch_size");
  const at = (name: string): string => `${prefix}.${name}`;
  const tower = encoderTower({
    role: "vision",
    prefix: at("transformer.layers"),
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: {
      name: "attention",
      fused: "query_key_value",
      outName: "dense",
      bias: { qkv: true, o: true },
    },
    mlp: fcMlp(config),
    norm: "layer",
    norms: ["input_layernorm", "post_attention_layernorm"],
    outside: [
      ...convolution({
        name: at("patch_embedding.proj"),
        group: "vision",
        shape: [hiddenSize, config.int("in_channels", 3), patch, patch],
        bias: true,
      }),
      vector(at("patch_embedding.cls_embedding"), "vision", [1, hiddenSize]),
      positionEmbedding(at("patch_embedding.position_embedding"), config.int("num_positions"), hiddenSize),
    ],
  });
  return {
    stacks: tower.stacks,
    tensors: [
      ...tower.tensors,
      ...inGroup("projector", [
        ...(folded === undefined
          ? []
          : convolution({
              name: at("conv"),
              group: "projector",
              shape: [folded, hiddenSize, 2, 2],
              bias: true,
            })),
        ...linear({
          name: at("linear_proj.linear_proj"),
          role: "other",
          group: "projector",
          outDim: textSize,
          inDim: folded ?? hiddenSize,
        }),
        ...norm(at("linear_proj.norm1"), textSize, "bias"),
        ...gatedMlp({
          name: at("linear_proj"),
          hiddenSize: textSize,
          width,
          names: ["gate_proj", "dense_h_to_4h", "dense_4h_to_h"],
        }),
        ...["boi", "eoi"].map((name) => vector(at(name), "projector", [1, 1, textSize])),
      ]),
    ],
  };
}
