/** The vector-quantised autoencoder of images that Janus and Chameleon share (arXiv:2012.09841). */
import type { ConfigReader } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { convolution, embedding, norm } from "../tensors.ts";
import { inGroup, type Tower } from "./tower.ts";

const conv = (name: string, outDim: number, inDim: number, side: number): Tensor[] =>
  convolution({ name, group: "vision", shape: [outDim, inDim, side, side], bias: true });

/** Two norms and two convolutions of 3 x 3; one of 1 x 1 where the channels change. */
const residual = (name: string, from: number, to: number): Tensor[] => [
  ...norm(`${name}.norm1`, from, "bias"),
  ...conv(`${name}.conv1`, to, from, 3),
  ...norm(`${name}.norm2`, to, "bias"),
  ...conv(`${name}.conv2`, to, to, 3),
  ...(from === to ? [] : conv(`${name}.nin_shortcut`, to, from, 1)),
];

/** Attention over the pixels, its projections convolutions of 1 x 1. */
const pixelAttention = (name: string, size: number): Tensor[] => [
  ...norm(`${name}.norm`, size, "bias"),
  ...["q", "k", "v", "proj_out"].flatMap((each) => conv(`${name}.${each}`, size, size, 1)),
];

const middle = (name: string, size: number, attends: boolean): Tensor[] => [
  ...residual(`${name}.block_1`, size, size),
  ...(attends ? pixelAttention(`${name}.attn_1`, size) : []),
  ...residual(`${name}.block_2`, size, size),
];

interface Shape {
  readonly widths: readonly number[];
  readonly base: number;
  readonly latent: number;
  readonly dim: number;
  readonly blocks: number;
}

function readShape(config: ConfigReader, dim: number): Shape {
  const factors = config.ints("channel_multiplier") ?? [1, 1, 2, 2, 4];
  if (factors.length === 0 || factors.length > 100 || factors.includes(0))
    config.fail("channel_multiplier", "one to 100 factors from 1");
  const base = config.int("base_channels", 128);
  const blocks = config.layers("num_res_blocks", 2);
  if (blocks > 100) config.fail("num_res_blocks", "at most 100");
  return {
    widths: factors.map((factor) => base * factor),
    base,
    latent: config.int("latent_channels", 256),
    dim: config.int("embed_dim", dim),
    blocks,
  };
}

/** One resolution: its blocks, attention behind each where asked, a convolution that resizes. */
function level(
  at: string,
  width: number,
  spec: {
    readonly first: number;
    readonly blocks: number;
    readonly attends: boolean;
    readonly resize?: string;
  },
): Tensor[] {
  return [
    ...Array.from({ length: spec.blocks }, (_, i) => [
      ...residual(`${at}.block.${i}`, i === 0 ? spec.first : width, width),
      ...(spec.attends ? pixelAttention(`${at}.attn.${i}`, width) : []),
    ]).flat(),
    ...(spec.resize === undefined ? [] : conv(`${at}.${spec.resize}.conv`, width, width, 3)),
  ];
}

/** Encoder and code book: the channels grow by channel_multiplier from base_channels. */
function encoder(
  config: ConfigReader,
  prefix: string,
  shape: Shape,
  attends: (level: number) => boolean,
  middleAttends: boolean,
) {
  const { widths, base, latent, dim, blocks } = shape;
  const deepest = widths.length - 1;
  const widest = widths[deepest]!;
  return [
    ...conv(`${prefix}.encoder.conv_in`, base, config.int("in_channels", 3), 3),
    ...widths.flatMap((width, i) =>
      level(`${prefix}.encoder.down.${i}`, width, {
        first: i === 0 ? base : widths[i - 1]!,
        blocks,
        attends: attends(i),
        ...(i === deepest ? {} : { resize: "downsample" }),
      }),
    ),
    ...middle(`${prefix}.encoder.mid`, widest, middleAttends),
    ...norm(`${prefix}.encoder.norm_out`, widest, "bias"),
    ...conv(
      `${prefix}.encoder.conv_out`,
      config.flag("double_latent", false) ? 2 * latent : latent,
      widest,
      3,
    ),
    ...conv(`${prefix}.quant_conv`, dim, latent, 1),
    ...conv(`${prefix}.post_quant_conv`, latent, dim, 1),
  ];
}

/** Janus paints as well: attention at the lowest resolution, and a decoder. */
export function janusCodes(config: ConfigReader, prefix: string): Tower {
  const shape = readShape(config, 8);
  const { widths, latent, dim, blocks } = shape;
  const deepest = widths.length - 1;
  const widest = widths[deepest]!;
  const tensors = [
    ...encoder(config, prefix, shape, (i) => i === deepest, true),
    embedding(`${prefix}.quantize.embedding`, config.int("num_embeddings", 16_384), dim),
    ...conv(`${prefix}.decoder.conv_in`, widest, latent, 3),
    ...middle(`${prefix}.decoder.mid`, widest, true),
    ...widths.flatMap((width, i) =>
      level(`${prefix}.decoder.up.${i}`, width, {
        first: i === deepest ? widest : widths[i + 1]!,
        blocks: blocks + 1,
        attends: i === deepest,
        ...(i === 0 ? {} : { resize: "upsample" }),
      }),
    ),
    ...norm(`${prefix}.decoder.norm_out`, widths[0]!, "bias"),
    ...conv(`${prefix}.decoder.conv_out`, config.int("out_channels", 3), widths[0]!, 3),
  ];
  return { stacks: [], tensors: inGroup("vision", tensors) };
}

/** Chameleon only reads: attention at the resolutions of a list. */
export function chameleonCodes(config: ConfigReader, prefix: string): Tower {
  const shape = readShape(config, 256);
  const vanilla = config.text("attn_type", "vanilla") === "vanilla";
  const listed = new Set(config.ints("attn_resolutions"));
  const resolution = config.int("resolution", 512);
  const tensors = [
    ...encoder(config, prefix, shape, (i) => vanilla && listed.has(Math.floor(resolution / 2 ** i)), vanilla),
    embedding(`${prefix}.quantize.embedding`, config.int("num_embeddings", 8192), shape.dim),
  ];
  return { stacks: [], tensors: inGroup("vision", tensors) };
}
