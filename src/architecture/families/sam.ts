/** Segment Anything (arXiv:2304.02643): an image encoder, an encoder of prompts and a small decoder of masks. */
import { part, projection } from "../composite.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { convolution, norm, vector } from "../tensors.ts";
import { towerAlone } from "../tower-family.ts";
import { samVision } from "../towers/sam-vision.ts";
import { inGroup } from "../towers/tower.ts";

const dense = (name: string, outDim: number, inDim: number): Tensor[] =>
  projection(name, outDim, inDim, true);
const conv = (name: string, shape: readonly number[]): Tensor[] =>
  convolution({ name, group: "projector", shape, bias: true });

/** Weight [in, out, side, side] and one bias for each channel written. */
const upscale = (name: string, from: number, to: number): Tensor[] => [
  ...convolution({ name, group: "projector", shape: [from, to, 2, 2] }),
  vector(`${name}.bias`, "projector", [to]),
];

/** Masks given as a prompt through three convolutions; a vector for each kind of point. */
function promptEncoder(config: ConfigReader, prefix: string): Tensor[] {
  const size = config.int("hidden_size", 256);
  const channels = config.int("mask_input_channels", 16);
  const fewer = Math.floor(channels / 4);
  if (fewer < 1) config.fail("mask_input_channels", "a number from 4");
  const at = (name: string): string => `${prefix}.${name}`;
  return [
    ...conv(at("mask_embed.conv1"), [fewer, 1, 2, 2]),
    ...conv(at("mask_embed.conv2"), [channels, fewer, 2, 2]),
    ...conv(at("mask_embed.conv3"), [size, channels, 1, 1]),
    ...norm(at("mask_embed.layer_norm1"), fewer, "bias"),
    ...norm(at("mask_embed.layer_norm2"), channels, "bias"),
    vector(at("no_mask_embed.weight"), "projector", [1, size]),
    vector(at("point_embed"), "projector", [config.int("num_point_embeddings", 4), size]),
    vector(at("not_a_point_embed.weight"), "projector", [1, size]),
  ];
}

/** proj_in, depth - 2 layers and proj_out. */
function mlp(name: string, sizes: { in: number; hidden: number; out: number }, depth: number): Tensor[] {
  return [
    ...dense(`${name}.proj_in`, sizes.hidden, sizes.in),
    ...Array.from({ length: Math.max(0, depth - 2) }, (_, i) =>
      dense(`${name}.layers.${i}`, sizes.hidden, sizes.hidden),
    ).flat(),
    ...dense(`${name}.proj_out`, sizes.out, sizes.hidden),
  ];
}

/** Tokens attend to themselves and to the image, the image to the tokens; the crossings at a narrower width. */
function maskDecoder(given: ConfigReader, prefix: string): Tensor[] {
  const config = withDefaults(given, { num_hidden_layers: 2 });
  const size = config.int("hidden_size", 256);
  const inner = Math.floor(size / config.int("attention_downsample_rate", 2));
  const width = config.int("mlp_dim", 2048);
  const tokens = config.int("num_multimask_outputs", 3) + 1;
  const layers = config.layers("num_hidden_layers");
  const depth = config.layers("iou_head_depth", 3);
  if (layers > 1000 || depth > 1000 || tokens > 1000 || inner < 1 || size < 8)
    config.fail("hidden_size", "the sizes of a mask decoder");
  const at = (name: string): string => `${prefix}.${name}`;
  const attention = (name: string, to: number): Tensor[] => [
    ...["q_proj", "k_proj", "v_proj"].flatMap((each) => dense(`${name}.${each}`, to, size)),
    ...dense(`${name}.out_proj`, size, to),
  ];
  const layer = (i: number): Tensor[] => {
    const name = at(`transformer.layers.${i}`);
    return [
      ...attention(`${name}.self_attn`, size),
      ...attention(`${name}.cross_attn_token_to_image`, inner),
      ...attention(`${name}.cross_attn_image_to_token`, inner),
      ...dense(`${name}.mlp.lin1`, width, size),
      ...dense(`${name}.mlp.lin2`, size, width),
      ...[1, 2, 3, 4].flatMap((n) => norm(`${name}.layer_norm${n}`, size, "bias")),
    ];
  };
  const [quarter, eighth] = [Math.floor(size / 4), Math.floor(size / 8)];
  return [
    vector(at("iou_token.weight"), "projector", [1, size]),
    vector(at("mask_tokens.weight"), "projector", [tokens, size]),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    ...attention(at("transformer.final_attn_token_to_image"), inner),
    ...norm(at("transformer.layer_norm_final_attn"), size, "bias"),
    ...upscale(at("upscale_conv1"), size, quarter),
    ...upscale(at("upscale_conv2"), quarter, eighth),
    ...norm(at("upscale_layer_norm"), quarter, "bias"),
    ...Array.from({ length: tokens }, (_, i) =>
      mlp(at(`output_hypernetworks_mlps.${i}`), { in: size, hidden: size, out: eighth }, 3),
    ).flat(),
    ...mlp(
      at("iou_prediction_head"),
      { in: size, hidden: config.int("iou_head_hidden_dim", 256), out: tokens },
      depth,
    ),
  ];
}

/** The table of positions is one for image and prompts. */
export const sam: Family = {
  id: "sam",
  modelTypes: ["sam"],
  classNames: ["SamModel"],
  build: (config) => {
    const vision = part(config, "vision_config");
    const frequencies = vision.int("num_pos_feats", Math.floor(vision.int("output_channels", 256) / 2));
    const draft = towerAlone("sam", config, samVision(vision, "vision_encoder"), [
      vector("shared_image_embedding.positional_embedding", "projector", [2, frequencies]),
      ...inGroup("projector", [
        ...promptEncoder(part(config, "prompt_encoder_config"), "prompt_encoder"),
        ...maskDecoder(part(config, "mask_decoder_config"), "mask_decoder"),
      ]),
    ]);
    return { ...draft, tied: config.flag("tie_word_embeddings", true) };
  },
};
