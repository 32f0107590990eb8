/** Mimi (arXiv:2410.00037): strided convolutions, a transformer on both sides, and residual code books between. */
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import type { Tensor } from "../model.ts";
import { buffer, convolution, vector } from "../tensors.ts";
import { encoderTower, inGroup, readEncoderHeads, type Tower } from "./tower.ts";

const MIMI = {
  hidden_size: 512,
  num_hidden_layers: 8,
  num_attention_heads: 8,
  intermediate_size: 2048,
  upsampling_ratios: [8, 6, 5, 4],
} as const;

type Conv = (name: string, outDim: number, inDim: number, kernel: number, bias?: boolean) => Tensor[];

/** Residual blocks between resampling convolutions; the width doubles on the way in and halves on the way out. */
function convolutions(config: ConfigReader, conv: Conv, ratios: readonly number[]): Tensor[] {
  const hiddenSize = config.int("hidden_size");
  const filters = config.int("num_filters", 64);
  const channels = config.int("audio_channels", 1);
  const [kernel, last] = [config.int("kernel_size", 7), config.int("last_kernel_size", 3)];
  const residuals = config.count("num_residual_layers", 1);
  const compress = config.int("compress", 2);
  const residualKernel = config.int("residual_kernel_size", 3);
  if (residuals > 100) config.fail("num_residual_layers", "at most 100");
  const blocks = (side: string, level: number, size: number): Tensor[] =>
    Array.from({ length: residuals }, (_, i) => {
      const at = `${side}.blocks.${level}.${i}`;
      const hidden = Math.max(1, Math.floor(size / compress));
      return [
        ...conv(`${at}.block.1`, hidden, size, residualKernel),
        ...conv(`${at}.block.3`, size, hidden, 1),
        ...(config.flag("use_conv_shortcut", false) ? conv(`${at}.shortcut`, size, size, 1) : []),
      ];
    }).flat();
  const widest = filters * 2 ** ratios.length;
  return [
    ...conv("encoder.first", filters, channels, kernel),
    ...[...ratios].reverse().flatMap((ratio, level) => {
      const size = filters * 2 ** level;
      return [...blocks("encoder", level, size), ...conv(`encoder.down.${level}`, 2 * size, size, 2 * ratio)];
    }),
    ...conv("encoder.last", hiddenSize, widest, last),
    ...conv("decoder.first", widest, hiddenSize, kernel),
    ...ratios.flatMap((ratio, level) => {
      const size = widest / 2 ** (level + 1);
      // A transposed convolution holds [in, out, kernel] and a bias per output.
      return [
        ...convolution({
          name: `decoder.up.${level}.conv`,
          group: "audio",
          shape: [2 * size, size, 2 * ratio],
        }),
        vector(`decoder.up.${level}.conv.bias`, "audio", [size]),
        ...blocks("decoder", level, size),
      ];
    }),
    ...conv("decoder.last", channels, filters, last),
  ];
}

/** Code books are buffers: sums, counts and a flag each. */
function quantizers(config: ConfigReader, conv: Conv): Tensor[] {
  const hiddenSize = config.int("hidden_size");
  const rows = config.int("codebook_size", 2048);
  const dim = config.int("codebook_dim", 256);
  const width = config.int("vector_quantization_hidden_dimension", 256);
  const count = config.int("num_quantizers", 32);
  const semantic = config.int("num_semantic_quantizers", 1);
  if (count > 1000 || semantic >= count)
    config.fail("num_quantizers", "more than num_semantic_quantizers, up to 1,000");
  return ["semantic", "acoustic"].flatMap((kind, at) => {
    const name = `quantizer.${kind}_residual_vector_quantizer`;
    return [
      ...(width === hiddenSize
        ? []
        : [
            ...conv(`${name}.input_proj`, width, hiddenSize, 1, false),
            ...conv(`${name}.output_proj`, hiddenSize, width, 1, false),
          ]),
      ...Array.from({ length: at === 0 ? semantic : count - semantic }, (_, layer) => {
        const codebook = `${name}.layers.${layer}.codebook`;
        return [
          buffer(`${codebook}.initialized`, "audio", [1]),
          buffer(`${codebook}.cluster_usage`, "audio", [rows]),
          buffer(`${codebook}.embed_sum`, "audio", [rows, dim]),
        ];
      }).flat(),
    ];
  });
}

/**
 * Frames are halved once more between convolutions and code books, unless frame_rate says otherwise.
 *
 * @example Mimi: 79,308,609
 */
export function mimiTower(given: ConfigReader, prefix: string): Tower {
  const config = withDefaults(given, MIMI);
  const at = (name: string): string => (prefix === "" ? name : `${prefix}.${name}`);
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const ratios = config.ints("upsampling_ratios")!;
  if (ratios.length === 0 || ratios.length > 12 || ratios.includes(0))
    config.fail("upsampling_ratios", "one to 12 factors from 1");
  const conv: Conv = (name, outDim, inDim, kernel, bias = true) =>
    convolution({ name: `${name}.conv`, group: "audio", shape: [outDim, inDim, kernel], bias });
  const hop = ratios.reduce((product, ratio) => product * ratio, 1);
  const sampling = config.int("sampling_rate", 24_000);
  const before = Math.ceil(sampling / hop);
  const after = config.number("frame_rate", sampling / (2 * hop));
  const kernel = 2 * Math.floor(before / after);
  if (!(kernel >= 2 && kernel <= 2 ** 20))
    config.fail("frame_rate", `a rate up to the ${before} of the convolutions`);
  const groups = config.int("upsample_groups", 512);
  const bias = config.flag("attention_bias", false);
  const transformer = (name: string, outside: readonly Tensor[]): Tower =>
    encoderTower({
      role: "audio",
      prefix: at(`${name}_transformer.layers`),
      layers: config.layers("num_hidden_layers"),
      hiddenSize,
      heads,
      headDim: config.int("head_dim", hiddenSize / heads),
      kvHeads: config.int("num_key_value_heads", 8),
      attention: { name: "self_attn", bias: { qkv: bias, o: bias } },
      mlp: {
        name: "mlp",
        width: config.int("intermediate_size"),
        activation: activationOf(config, "gelu"),
        plain: ["fc1", "fc2"],
      },
      norm: "layer",
      norms: ["input_layernorm", "post_attention_layernorm"],
      extras: ["self_attn", "mlp"].map((part) => vector(`${part}_layer_scale.scale`, "audio", [hiddenSize])),
      outside,
    });
  const own = [
    ...convolutions(config, conv, ratios),
    ...(before === after
      ? []
      : [
          ...conv("downsample", hiddenSize, hiddenSize, kernel, false),
          ...conv("upsample", hiddenSize, Math.max(1, Math.floor(hiddenSize / groups)), kernel, false),
        ]),
    ...quantizers(config, conv),
  ].map((tensor) => ({ ...tensor, name: at(tensor.name) }));
  const sides = [transformer("encoder", own), transformer("decoder", [])];
  return {
    stacks: sides.flatMap(({ stacks }) => stacks),
    tensors: inGroup(
      "audio",
      sides.flatMap(({ tensors }) => tensors),
    ),
  };
}
