/** The conformer audio towers of Gemma 3n and Gemma 4: two strided convolutions, then blocks of MLP, attention, convolution, MLP. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { plainMlp } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";
import { clipBounds } from "./gemma-vision.ts";
import { inGroup, readEncoderHeads, type Tower } from "./tower.ts";

interface BlockNames {
  readonly mlps: readonly [string, string];
  readonly attention: string;
  readonly outProjection: string;
  readonly relative: string;
  readonly norms: readonly string[];
}

/** Two MLPs of 4h, attention with a relative-key projection and a scale per dimension, a gated convolution. */
function conformerBlock(
  config: ConfigReader,
  sizes: {
    readonly hiddenSize: number;
    readonly heads: number;
    readonly kernel: number;
    readonly clipped: boolean;
  },
  names: BlockNames,
): LayerKind {
  const { hiddenSize, heads, kernel } = sizes;
  const headDim = hiddenSize / heads;
  const attention = selfAttention({
    name: names.attention,
    hiddenSize,
    heads,
    kvHeads: heads,
    keyDim: headDim,
    outName: names.outProjection,
    cache: "none",
  });
  const square = (name: string, outDim: number): Tensor[] =>
    linear({ name, role: "other", group: "audio", outDim, inDim: hiddenSize });
  const clippedLinears = [
    ...names.mlps.flatMap((mlp) => [`${mlp}.ffw_layer_1`, `${mlp}.ffw_layer_2`]),
    ...["q_proj", "k_proj", "v_proj", names.outProjection].map((name) => `${names.attention}.${name}`),
    "lconv1d.linear_start",
    "lconv1d.linear_end",
  ];
  return {
    mixers: attention.mixers,
    feedForward: {
      kind: "dense",
      width: 4 * hiddenSize,
      gated: false,
      activation: activationOf(config, "silu"),
    },
    tensors: [
      ...attention.tensors,
      ...square(names.relative, hiddenSize),
      vector(`${names.attention}.per_dim_scale`, "audio", [headDim]),
      ...names.mlps.flatMap((mlp) => [
        ...plainMlp({ name: mlp, hiddenSize, width: 4 * hiddenSize, names: ["ffw_layer_1", "ffw_layer_2"] }),
        ...norm(`${mlp}.pre_layer_norm`, hiddenSize),
        ...norm(`${mlp}.post_layer_norm`, hiddenSize),
      ]),
      ...square("lconv1d.linear_start", 2 * hiddenSize),
      ...square("lconv1d.linear_end", hiddenSize),
      ...convolution({ name: "lconv1d.depthwise_conv1d", group: "audio", shape: [hiddenSize, 1, kernel] }),
      ...norm("lconv1d.pre_layer_norm", hiddenSize),
      ...norm("lconv1d.conv_norm", hiddenSize),
      ...names.norms.flatMap((name) => norm(name, hiddenSize)),
      ...(sizes.clipped ? clipBounds("audio", clippedLinears) : []),
    ],
  };
}

/** Two convolutions of 3x3 with a scale per channel, then one matrix into the tower. */
function subsampling(
  config: ConfigReader,
  key: string,
  spec: {
    readonly prefix: string;
    readonly layer: string;
    readonly hiddenSize: number;
    /** Height and width of both kernels. */
    readonly kernels?: readonly [readonly number[], readonly number[]];
    readonly bins: (channels: readonly [number, number]) => number;
  },
): Tensor[] {
  const [first, second, ...rest] = config.ints(key) ?? [128, 32];
  if (first === undefined || second === undefined || first < 1 || second < 1 || rest.length > 0)
    config.fail(key, "the channels of two convolutions");
  const { prefix, layer } = spec;
  const [kernel0, kernel1] = spec.kernels ?? [
    [3, 3],
    [3, 3],
  ];
  return [
    ...convolution({ name: `${prefix}.${layer}0.conv`, group: "audio", shape: [first, 1, ...kernel0] }),
    ...norm(`${prefix}.${layer}0.norm`, first),
    ...convolution({ name: `${prefix}.${layer}1.conv`, group: "audio", shape: [second, first, ...kernel1] }),
    ...norm(`${prefix}.${layer}1.norm`, second),
    ...linear({
      name: `${prefix}.input_proj_linear`,
      role: "other",
      group: "audio",
      outDim: spec.hiddenSize,
      inDim: second * spec.bins([first, second]),
    }),
  ];
}

/** Gemma 4: linears with clip bounds, and an output projection lin(h, output_proj_dims). */
export function gemma4Audio(given: ConfigReader, prefix: string): Tower {
  const config = withDefaults(given, { hidden_size: 1024, num_hidden_layers: 12, num_attention_heads: 8 });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const kernel = config.int("conv_kernel_size", 5);
  const clipped = config.flag("use_clipped_linears", true);
  return {
    stacks: [
      stackOf({
        role: "audio",
        prefix: `${prefix}.layers`,
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        build: () =>
          conformerBlock(
            config,
            { hiddenSize, heads, kernel, clipped },
            {
              mlps: ["feed_forward1", "feed_forward2"],
              attention: "self_attn",
              outProjection: "post",
              relative: "self_attn.relative_k_proj",
              norms: ["norm_pre_attn", "norm_post_attn", "norm_out"],
            },
          ),
      }),
    ],
    tensors: inGroup("audio", [
      ...subsampling(config, "subsampling_conv_channels", {
        prefix: `${prefix}.subsample_conv_projection`,
        layer: "layer",
        hiddenSize,
        bins: ([first]) => Math.floor(first / 4),
      }),
      ...linear({
        name: `${prefix}.output_proj`,
        role: "other",
        group: "audio",
        outDim: config.int("output_proj_dims", 1536),
        inDim: hiddenSize,
        bias: true,
      }),
    ]),
  };
}

/** A pair of [height, width] for the two convolutions. */
function pairs(config: ConfigReader, key: string, fallback: number) {
  const stated = config.raw[key];
  if (stated === undefined || stated === null)
    return [
      [fallback, fallback],
      [fallback, fallback],
    ] as const;
  const valid =
    Array.isArray(stated) &&
    stated.length === 2 &&
    stated.every(
      (pair) =>
        Array.isArray(pair) &&
        pair.length === 2 &&
        pair.every((n) => Number.isInteger(n) && n >= 1 && n <= 1000),
    );
  if (!valid) config.fail(key, "two pairs of numbers from 1 to 1,000");
  return stated as [[number, number], [number, number]];
}

/** Gemma 3n: the number of mel bins after both convolutions follows from their kernels and strides. */
export function gemma3nAudio(given: ConfigReader, prefix: string): Tower {
  const config = withDefaults(given, {
    hidden_size: 1536,
    conf_num_hidden_layers: 12,
    conf_num_attention_heads: 8,
    input_feat_size: 128,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["conf_num_attention_heads"]);
  const kernel = config.int("conf_conv_kernel_size", 5);
  const kernels = pairs(config, "sscp_conv_kernel_size", 3);
  const strides = pairs(config, "sscp_conv_stride_size", 2);
  // One bin of padding on both sides.
  const bins = [0, 1].reduce(
    (size, i) => Math.floor((size + 2 - kernels[i]![1]) / strides[i]![1]) + 1,
    config.int("input_feat_size"),
  );
  if (bins < 1) config.fail("input_feat_size", "more bins than the convolutions take away");
  return {
    stacks: [
      stackOf({
        role: "audio",
        prefix: `${prefix}.conformer`,
        hiddenSize,
        layers: config.layers("conf_num_hidden_layers"),
        build: () =>
          conformerBlock(
            config,
            { hiddenSize, heads, kernel, clipped: false },
            {
              mlps: ["ffw_layer_start", "ffw_layer_end"],
              attention: "attention.attn",
              outProjection: "post",
              relative: "attention.attn.relative_position_embedding.pos_proj",
              norms: ["attention.pre_attn_norm", "attention.post_norm", "norm"],
            },
          ),
      }),
    ],
    tensors: inGroup(
      "audio",
      subsampling(config, "sscp_conv_channel_size", {
        prefix: `${prefix}.subsample_conv_projection`,
        layer: "conv_",
        hiddenSize,
        kernels,
        bins: () => bins,
      }),
    ),
  };
}
