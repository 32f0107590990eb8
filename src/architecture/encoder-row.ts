/**
 * Text encoders as rows of facts: what is embedded, what a layer is, and what each head of the class adds.
 * `architectures` names the head; a config without it is the plain encoder.
 */

import { labelCount } from "./class-heads.ts";
import type { ConfigReader } from "./config-reader.ts";
import { tiedEmbeddings } from "./config-reader.ts";
import type { Family } from "./family.ts";
import type { ArchitectureDraft, LayerKind, NormKind, Tensor } from "./model.ts";
import { stackOf } from "./stack.ts";
import { embedding, linear, norm, tensor } from "./tensors.ts";
import { inGroup } from "./towers/tower.ts";

/** Heads by the end of the class name. */
const HEADS = {
  ForMaskedLM: "masked-lm",
  ForCausalLM: "masked-lm",
  LMHeadModel: "masked-lm",
  ForPreTraining: "pretraining",
  ForSequenceClassification: "sequence",
  ForTokenClassification: "token",
  ForQuestionAnswering: "question",
  Model: "plain",
} as const;
type HeadKind = (typeof HEADS)[keyof typeof HEADS];

export interface EncoderSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  /** Width of the token embedding when it is not the hidden size. */
  readonly embeddingSize: number;
}

export interface HeadContext extends EncoderSizes {
  readonly config: ConfigReader;
  readonly tied: boolean;
  /** Classes of a classifier. */
  readonly labels: number;
}

export interface EncoderRow {
  readonly id: string;
  readonly modelTypes?: readonly string[];
  /** What class names start with: "Bert". */
  readonly classPrefixes: readonly string[];
  /** Classes that do not end as the others do, and what they hold: FlaubertWithLMHeadModel. */
  readonly classNames?: Readonly<Record<string, HeadKind>>;
  /** Attribute of the encoder inside a headed class: "bert". */
  readonly prefix: string;
  readonly layersName: string;
  readonly norm: NormKind;
  readonly sizes: (config: ConfigReader) => EncoderSizes;
  /** Embeddings and everything else outside the layers, heads aside. */
  readonly outside: (config: ConfigReader, sizes: EncoderSizes) => readonly Tensor[];
  /** Distinguishes layers; absent when all are equal. */
  readonly keyOf?: (layer: number) => string;
  readonly layer: (config: ConfigReader, sizes: EncoderSizes, layer: number) => LayerKind;
  /** Layers stored and how often each runs, when layers share weights. */
  readonly sharing?: (
    config: ConfigReader,
    sizes: EncoderSizes,
  ) => { readonly stored: number; readonly repeats: number };
  /** The class has a decoder of its own whatever the key says. */
  readonly neverTied?: true;
  readonly heads: { readonly [K in HeadKind]?: (context: HeadContext) => readonly Tensor[] };
}

function headOf(config: ConfigReader, row: EncoderRow): HeadKind {
  const name = config.texts("architectures")?.[0];
  if (name === undefined) return "plain";
  const known = (Object.keys(HEADS) as (keyof typeof HEADS)[]).filter(
    (end) => row.heads[HEADS[end]] !== undefined,
  );
  const special = row.classNames?.[name];
  if (special !== undefined && Object.hasOwn(row.classNames!, name)) return special;
  for (const prefix of row.classPrefixes) {
    const found = known.find((end) => name === `${prefix}${end}`);
    if (found !== undefined) return HEADS[found];
  }
  const expected = known.map((end) => `${row.classPrefixes[0]}${end}`);
  return config.fail("architectures", `one of ${expected.join(", ")}`);
}

/** The family that a row describes. */
export function encoderFamily(row: EncoderRow): Family {
  return {
    id: row.id,
    modelTypes: row.modelTypes ?? [row.id],
    classNames: [
      ...row.classPrefixes.flatMap((prefix) => Object.keys(HEADS).map((end) => `${prefix}${end}`)),
      ...Object.keys(row.classNames ?? {}),
    ],
    build: (config) => buildEncoder(row, config),
  };
}

function buildEncoder(row: EncoderRow, config: ConfigReader): ArchitectureDraft {
  const sizes = row.sizes(config);
  const kind = headOf(config, row);
  const tied =
    row.neverTied !== true &&
    (kind === "masked-lm" || kind === "pretraining") &&
    tiedEmbeddings(config, true);
  const context: HeadContext = { ...sizes, config, tied, labels: labelCount(config) };
  const head = row.heads[kind]?.(context) ?? [];
  const { stored, repeats } = row.sharing?.(config, sizes) ?? { stored: sizes.layers, repeats: 1 };
  const at = (name: string): string => (kind === "plain" ? name : `${row.prefix}.${name}`);
  const maxContextTokens = config.optionalInt("max_position_embeddings");
  return {
    family: row.id,
    modelType: config.text("model_type", row.id),
    hiddenSize: sizes.hiddenSize,
    vocabSize: sizes.vocabSize,
    tied: tied && head.some((t) => t.split === "vocab"),
    ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
    norm: row.norm,
    stacks: [
      stackOf({
        role: "encoder",
        prefix: at(row.layersName),
        hiddenSize: sizes.hiddenSize,
        layers: stored,
        ...(repeats === 1 ? {} : { repeats }),
        ...(row.keyOf === undefined ? {} : { keyOf: row.keyOf }),
        build: (layer) => row.layer(config, sizes, layer),
      }),
    ],
    tensors: [...row.outside(config, sizes).map((t) => ({ ...t, name: at(t.name) })), ...head],
    notes: [],
  };
}

/** A biased linear of a head. */
export function headLinear(name: string, outDim: number, inDim: number): Tensor[] {
  return linear({ name, role: "head", group: "lm-head", outDim, inDim, bias: true });
}

/** The first token through one biased linear: lin(h, h). */
export function pooler(name: string, hiddenSize: number): Tensor[] {
  return linear({ name, role: "other", group: "other", outDim: hiddenSize, inDim: hiddenSize, bias: true });
}

/**
 * lin(h, e) + LayerNorm 2e + output bias V; the decoder [V, e] is the embedding unless untied.
 * `sharedBias` says that the class keeps the bias twice under one name, which untying separates.
 */
export function maskedLmHead(
  context: HeadContext,
  names: {
    readonly dense: string;
    readonly norm: string;
    readonly decoder: string;
    readonly sharedBias: boolean;
  },
): Tensor[] {
  const { hiddenSize, embeddingSize, vocabSize, tied } = context;
  const bias = (name: string): Tensor =>
    tensor({ name, role: "head", kind: "bias", group: "lm-head", shape: [vocabSize], split: "vocab" });
  return [
    ...headLinear(names.dense, embeddingSize, hiddenSize),
    ...norm(names.norm, embeddingSize, "bias"),
    bias(`${names.decoder}.bias`),
    ...(tied
      ? []
      : [
          ...inGroup("lm-head", [embedding(names.decoder, vocabSize, embeddingSize)]),
          ...(names.sharedBias ? [bias(`${names.decoder}.(second bias)`)] : []),
        ]),
  ];
}

/** lin(h, h) and lin(h, labels). */
export function denseClassifier(context: HeadContext, dense: string, out: string): Tensor[] {
  const { hiddenSize, labels } = context;
  return [...headLinear(dense, hiddenSize, hiddenSize), ...headLinear(out, labels, hiddenSize)];
}

/** decoder [V, e] with a bias; tied, the bias alone. */
export function tokenHead(
  name: string,
  rows: number,
  width: number,
  options: { readonly tied: boolean; readonly twoBiases?: boolean },
): Tensor[] {
  const [weight, bias] = linear({
    name,
    role: "head",
    group: "lm-head",
    outDim: rows,
    inDim: width,
    split: "vocab",
    bias: true,
  });
  return [
    ...(options.tied ? [] : [weight!]),
    bias!,
    ...(options.twoBiases === true && !options.tied ? [{ ...bias!, name: `${name}.(second bias)` }] : []),
  ];
}
