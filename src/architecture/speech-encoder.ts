/**
 * Speech encoders as rows of facts: convolutions over the waveform, a projection, positions by a convolution,
 * bidirectional layers, and the heads that classes add (wav2vec 2.0, arXiv:2006.11477, and its relatives).
 */
import { classNamed } from "./class-named.ts";
import { type ConfigReader, withDefaults } from "./config-reader.ts";
import { activationOf, type Family } from "./family.ts";
import type { LayerKind, Tensor } from "./model.ts";
import { HEADS, headTensors } from "./speech-heads.ts";
import type { Pretraining } from "./speech-pretraining.ts";
import { stackOf } from "./stack.ts";
import { buffer, convolution, norm, otherLinear, vector } from "./tensors.ts";
import { encoderLayer, readEncoderHeads } from "./towers/tower.ts";

export interface SpeechRow {
  readonly id: string;
  /** What class names start with: "Wav2Vec2". */
  readonly classPrefix: string;
  /** Attribute of the encoder inside a headed class. */
  readonly prefix: string;
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Everything outside the layers besides the mask embedding, the last norm and heads. */
  readonly outside: (config: ConfigReader, hiddenSize: number) => readonly Tensor[];
  /** Norm after the layers; most have one. */
  readonly finalNorm?: false;
  readonly layer: (config: ConfigReader, hiddenSize: number, first: boolean) => LayerKind;
  /** What the class to train without text adds; wav2vec 2.0's when absent. */
  readonly pretraining?: Pretraining;
  /** True where the first layer holds more than the others. */
  readonly firstDiffers?: true;
  /** The class knows `add_adapter`; what the adapter holds. */
  readonly adapter?: (config: ConfigReader, hiddenSize: number) => readonly Tensor[];
}

const DEFAULTS = {
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  vocab_size: 32,
} as const;

/** A grouped convolution [h, h / groups, kernel] whose weight is kept as a direction and a length per tap. */
export function convolvedPositions(config: ConfigReader, hiddenSize: number): Tensor[] {
  const kernel = config.int("num_conv_pos_embeddings", 128);
  const name = "encoder.pos_conv_embed.conv";
  const shape = [hiddenSize, perGroup(config, hiddenSize), kernel];
  if (config.flag("conv_pos_batch_norm", false))
    return [
      ...convolution({ name, group: "positions", shape, bias: true }),
      ...batchNorm("encoder.pos_conv_embed.batch_norm", hiddenSize),
    ];
  return [
    vector(`${name}.parametrizations.weight.original0`, "positions", [1, 1, kernel]),
    ...convolution({
      name: `${name}.parametrizations.weight.original1`,
      group: "positions",
      shape,
      bias: true,
    }),
  ];
}

/** Channels that a group of the positional convolution reads. */
export function perGroup(config: ConfigReader, hiddenSize: number): number {
  const groups = config.int("num_conv_pos_embedding_groups", 16);
  if (hiddenSize % groups !== 0)
    config.fail("num_conv_pos_embedding_groups", `a divisor of the hidden size ${hiddenSize}`);
  return hiddenSize / groups;
}

/** Weight and bias, and what it counts: running mean, variance and batches. */
export function batchNorm(name: string, width: number): Tensor[] {
  return [
    ...norm(name, width, "bias"),
    buffer(`${name}.running_mean`, "norms", [width]),
    buffer(`${name}.running_var`, "norms", [width]),
    { ...buffer(`${name}.num_batches_tracked`, "norms", [1]), pinnedFormat: "int64" },
  ];
}

/** Attention with biases, a plain MLP, two norms; a bottleneck beside them where the config asks for one. */
export function speechLayer(config: ConfigReader, hiddenSize: number): LayerKind {
  const { heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const bottleneck = config.flag("do_stable_layer_norm", false)
    ? (config.optionalInt("adapter_attn_dim") ?? 0)
    : 0;
  return encoderLayer({
    hiddenSize,
    heads,
    attention: { name: "attention", outName: "out_proj", bias: { qkv: true, o: true } },
    mlp: {
      name: "feed_forward",
      width: config.int("intermediate_size"),
      activation: activationOf(config, "gelu"),
      bias: true,
      plain: ["intermediate_dense", "output_dense"],
    },
    norm: "layer",
    norms: ["layer_norm", "final_layer_norm"],
    extras:
      bottleneck === 0
        ? []
        : [
            ...norm("adapter_layer.norm", hiddenSize, "bias"),
            ...otherLinear("adapter_layer.linear_1", bottleneck, hiddenSize),
            ...otherLinear("adapter_layer.linear_2", hiddenSize, bottleneck),
          ],
  });
}

/** Strided convolutions [2d, d, kernel] after the layers, behind a projection to another width. */
export function convolvedAdapter(config: ConfigReader, hiddenSize: number): Tensor[] {
  const width = config.int("output_hidden_size", hiddenSize);
  const kernel = config.int("adapter_kernel_size", 3);
  const layers = Array.from({ length: config.layers("num_adapter_layers", 3) }, (_, at) => at);
  return [
    ...adapterProjection(width, hiddenSize),
    ...layers.flatMap((at) =>
      convolution({
        name: `adapter.layers.${at}.conv`,
        group: "other",
        shape: [2 * width, width, kernel],
        bias: true,
      }),
    ),
  ];
}

/** A linear and a norm to the width of the adapter; none where it is the hidden size. */
export function adapterProjection(width: number, hiddenSize: number): Tensor[] {
  if (width === hiddenSize) return [];
  return [
    ...otherLinear("adapter.proj", width, hiddenSize),
    ...norm("adapter.proj_layer_norm", width, "bias"),
  ];
}

/** The family that a row describes. */
export function speechFamily(row: SpeechRow): Family {
  const classNames = HEADS.map((end) => `${row.classPrefix}${end}`);
  return {
    id: row.id,
    modelTypes: [row.id],
    classNames,
    build: (given) => {
      const config = withDefaults(given, { ...DEFAULTS, ...row.defaults });
      const kind = HEADS[classNames.indexOf(classNamed(config, classNames))]!;
      const hiddenSize = config.int("hidden_size");
      const prefix = kind === "Model" ? "" : `${row.prefix}.`;
      const masked = config.number("mask_time_prob", 0.05) > 0 || config.number("mask_feature_prob", 0) > 0;
      const inner = [
        ...(masked ? [vector("masked_spec_embed", "other", [hiddenSize])] : []),
        ...row.outside(config, hiddenSize),
        ...(row.finalNorm === false ? [] : norm("encoder.layer_norm", hiddenSize, "bias")),
        ...(row.adapter !== undefined && config.flag("add_adapter", false)
          ? row.adapter(config, hiddenSize)
          : []),
      ];
      return {
        family: row.id,
        modelType: row.id,
        hiddenSize,
        // Without a head nothing is spelled out, and files may hold null.
        vocabSize: kind === "ForCTC" ? config.int("vocab_size") : config.int("vocab_size", 1),
        tied: false,
        norm: "layer",
        stacks: [
          stackOf({
            role: "encoder",
            prefix: `${prefix}encoder.layers`,
            hiddenSize,
            layers: config.layers("num_hidden_layers"),
            ...(row.firstDiffers === true ? { keyOf: (layer: number) => String(layer === 0) } : {}),
            build: (layer) => row.layer(config, hiddenSize, layer === 0),
          }),
        ],
        tensors: [
          ...inner.map((t) => ({ ...t, name: `${prefix}${t.name}` })),
          ...headTensors(kind, config, row),
        ],
        notes: [],
      };
    },
  };
}
