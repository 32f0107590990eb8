/** The Fast Conformer (arXiv:2305.05084) that Parakeet and its relatives put in front of their decoders. */
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { plainMlp } from "../feed-forward.ts";
import type { LayerKind, Stack, StackRole, Tensor } from "../model.ts";
import { batchNorm } from "../speech-encoder.ts";
import { stackOf } from "../stack.ts";
import { convolution, linear, vector } from "../tensors.ts";
import { encoderLayer } from "./tower.ts";

const DEFAULTS = {
  hidden_size: 1024,
  num_hidden_layers: 24,
  num_attention_heads: 8,
  intermediate_size: 4096,
} as const;

/**
 * Half an MLP before and after: attention over relative positions [h, h] with two biases per head, and a gated
 * depthwise convolution behind a batch norm.
 */
function layer(config: ConfigReader): LayerKind {
  const hiddenSize = config.int("hidden_size");
  const heads = config.int("num_attention_heads");
  if (hiddenSize % heads !== 0)
    config.fail("num_attention_heads", `a divisor of the hidden size ${hiddenSize}`);
  const headDim = config.int("head_dim", hiddenSize / heads);
  const bias = config.flag("attention_bias", true);
  const convBias = config.flag("convolution_bias", true);
  const width = config.int("intermediate_size");
  const conv = (name: string, shape: readonly number[]): Tensor[] =>
    convolution({ name: `conv.${name}`, group: "other", shape, bias: convBias });
  return encoderLayer({
    hiddenSize,
    heads,
    headDim,
    kvHeads: config.int("num_key_value_heads", heads),
    attention: { name: "self_attn", bias: { qkv: bias, o: bias } },
    mlp: {
      name: "feed_forward1",
      width,
      activation: activationOf(config, "silu"),
      bias,
      plain: ["linear1", "linear2"],
    },
    norm: "layer",
    norms: ["norm_feed_forward1", "norm_self_att", "norm_conv", "norm_feed_forward2", "norm_out"],
    extras: [
      ...plainMlp({ name: "feed_forward2", hiddenSize, width, bias, names: ["linear1", "linear2"] }),
      ...linear({
        name: "self_attn.relative_k_proj",
        role: "other",
        group: "attention",
        outDim: heads * headDim,
        inDim: hiddenSize,
      }),
      ...["bias_u", "bias_v"].map((name) => vector(`self_attn.${name}`, "attention", [heads, headDim])),
      ...conv("pointwise_conv1", [2 * hiddenSize, hiddenSize, 1]),
      ...conv("depthwise_conv", [hiddenSize, 1, config.int("conv_kernel_size", 9)]),
      ...batchNorm("conv.norm", hiddenSize),
      ...conv("pointwise_conv2", [hiddenSize, hiddenSize, 1]),
    ],
  });
}

/** Convolutions that halve time and frequency log2(subsampling_factor) times, and a linear over what is left. */
function subsampling(config: ConfigReader): Tensor[] {
  const channels = config.int("subsampling_conv_channels", 256);
  const kernel = config.int("subsampling_conv_kernel_size", 3);
  const factor = config.int("subsampling_factor", 8);
  const steps = Math.floor(Math.log2(factor));
  const mels = Math.floor(config.int("num_mel_bins", 80) / config.int("subsampling_conv_stride", 2) ** steps);
  if (mels < 1) config.fail("num_mel_bins", `at least subsampling_factor ${factor}`);
  const conv = (at: number, inDim: number, size: number): Tensor[] =>
    convolution({
      name: `subsampling.layers.${at}`,
      group: "other",
      shape: [channels, inDim, size, size],
      bias: true,
    });
  return [
    ...conv(0, 1, kernel),
    // Each further step is a depthwise and a pointwise convolution and an activation.
    ...Array.from({ length: Math.max(0, steps - 1) }, (_, at) => [
      ...conv(2 + 3 * at, 1, kernel),
      ...conv(3 + 3 * at, channels, 1),
    ]).flat(),
    ...linear({
      name: "subsampling.linear",
      role: "other",
      group: "other",
      outDim: config.int("hidden_size"),
      inDim: channels * mels,
      bias: true,
    }),
  ];
}

/** Its layers and what it holds outside them; `defaults` are those of a class that has its own. */
export function conformerEncoder(
  given: ConfigReader,
  spec: {
    readonly prefix: string;
    readonly role: StackRole;
    readonly defaults?: Readonly<Record<string, unknown>>;
  },
): { readonly stack: Stack; readonly tensors: readonly Tensor[]; readonly hiddenSize: number } {
  const config = withDefaults(given, { ...DEFAULTS, ...spec.defaults });
  const hiddenSize = config.int("hidden_size");
  return {
    hiddenSize,
    stack: stackOf({
      role: spec.role,
      prefix: `${spec.prefix}layers`,
      hiddenSize,
      layers: config.layers("num_hidden_layers"),
      build: () => layer(config),
    }),
    tensors: subsampling(config).map((t) => ({ ...t, name: `${spec.prefix}${t.name}` })),
  };
}
