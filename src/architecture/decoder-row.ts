/**
 * Decoder families as rows of facts. Most classes are one layout with options: what carries a bias, which
 * norms a layer has, which layers slide, which hold experts. A row states the options, `familyOf` reads
 * the config under them and builds the model with `decoder`.
 */

import { defined } from "../defined.ts";
import { type ClassSizes, withClassSizes } from "./class-defaults.ts";
import type { ConfigReader } from "./config-reader.ts";
import { type DecoderNames, decoder } from "./decoder.ts";
import { type DecoderSizes, readDecoderSizes, WIDTH_KEYS } from "./decoder-sizes.ts";
import type { ExpertsRule, Sparse } from "./expert-rules.ts";
import type { Family } from "./family.ts";
import { type FeedForwardParts, gatedFeedForward, plainFeedForward } from "./feed-forward.ts";
import type { MixerParts, SelfAttentionSpec } from "./mixers/self-attention.ts";
import type { ArchitectureDraft, NormKind, Note, Stack, Tensor } from "./model.ts";
import { layerInts, listKey } from "./stack.ts";
import type { WindowRule } from "./windows.ts";

/**
 * Yes, no, or a key of the config with what its class assumes when the key is absent; `negated` for a key
 * that says no (Qwen's no_bias).
 */
export type Option = boolean | { readonly key: string; readonly otherwise: boolean; readonly negated?: true };

/** `attention_bias`, off by default. */
export const ATTENTION_BIAS: Option = { key: "attention_bias", otherwise: false };

/** `mlp_bias`, off by default. */
export const MLP_BIAS: Option = { key: "mlp_bias", otherwise: false };

/** What the config says of an option; false for one that the class does not have. */
export function readOption(config: ConfigReader, option: Option | undefined): boolean {
  if (option === undefined) return false;
  if (typeof option === "boolean") return option;
  return config.flag(option.key, option.otherwise) !== (option.negated ?? false);
}

/** What mixes tokens in each layer. */
export interface MixerRule {
  /** Distinguishes layers of different mixers; absent when all are equal. */
  readonly keyOf?: (layer: number) => string;
  readonly build: (layer: number) => MixerParts;
}

export interface DecoderRow {
  readonly id: string;
  /** `model_type` values; `[id]` when absent. */
  readonly modelTypes?: readonly string[];
  readonly classNames?: readonly string[];
  readonly alsoNamed?: readonly string[];
  /** What a nested config may leave to the class. */
  readonly classSizes?: ClassSizes;
  /** "encoder" for a text that is read whole, without a cache. */
  readonly role?: "encoder";
  readonly tied?: boolean;
  readonly kvHeads?: number;
  readonly headDim?: number;
  /** RMSNorm when absent. */
  readonly norm?: NormKind;
  readonly layerNorms?: readonly string[] | ((config: ConfigReader) => readonly string[]);
  readonly qkvBias?: Option;
  readonly oBias?: Option;
  readonly mlpBias?: Option;
  readonly headBias?: Option;
  readonly qkNorm?: "head" | "projection";
  /** Queries and keys are normalised only when this holds. */
  readonly qkNormWhen?: Option;
  /** Names and details of the shared attention that differ. */
  readonly attention?: Partial<SelfAttentionSpec>;
  /** Names of gate, up and down. */
  readonly gatedMlp?: readonly [gate: string, up: string, down: string];
  readonly fusedGateUp?: string;
  /** up and down instead of gate, up and down. */
  readonly plainMlp?: readonly [up: string, down: string];
  readonly activation?: string;
  /** Module path of the MLP: "mlp". */
  readonly mlpName?: string;
  /** MLP width when no key states it. */
  readonly widthDefault?: (hiddenSize: number) => number;
  /** MLP width whatever the keys state, for classes that compute it. */
  readonly width?: (config: ConfigReader, hiddenSize: number) => number;
  readonly names?: DecoderNames;
  readonly finalNorm?: boolean;
  readonly embeddingDim?: number;
  readonly window?: WindowRule;
  /** transformers caches K and V of every query head (Falcon's new decoder architecture). */
  readonly broadcastBeforeCache?: boolean;
  /** The whole mixer, for classes whose attention is not the shared one. */
  readonly mixer?: (config: ConfigReader, sizes: DecoderSizes) => MixerRule;
  readonly experts?: (config: ConfigReader, sizes: DecoderSizes) => ExpertsRule;
  /** Tensors of each layer besides attention, MLP and norms. */
  readonly layerExtras?: (config: ConfigReader, sizes: DecoderSizes) => readonly Tensor[];
  /** Tensors outside the layers besides embedding, final norm and head. */
  readonly extras?: (config: ConfigReader, sizes: DecoderSizes) => readonly Tensor[];
  /** Multi-token-prediction layers, given a layer of the model's last kind. */
  readonly mtp?: (config: ConfigReader, sizes: DecoderSizes, body: Stack) => Stack | undefined;
  /** Reads the sizes itself, for classes whose heads are not stated the usual way. */
  readonly sizes?: (config: ConfigReader) => DecoderSizes;
  /** Refuses what the class refuses. */
  readonly check?: (config: ConfigReader, sizes: DecoderSizes) => void;
  /** Set for classes that live in a model's own repository: the layout that they follow. */
  readonly customCode?: string;
}

/** The family that a row describes; `vary` gives the options that only a config decides. */
export function familyOf(
  row: DecoderRow,
  vary?: (config: ConfigReader) => Omit<Partial<DecoderRow>, "id" | "modelTypes" | "classNames">,
): Family {
  return {
    id: row.id,
    modelTypes: row.modelTypes ?? [row.id],
    ...defined({ classNames: row.classNames, alsoNamed: row.alsoNamed }),
    build: (config) => buildRow(vary === undefined ? row : { ...row, ...vary(config) }, config),
  };
}

/** Says that a class which transformers does not hold was sized by its published layout. */
export function customCodeNote(modelType: string, layout: string): Note {
  return {
    code: "custom-code-layout",
    message: `${modelType} is a class of the model's own repository, sized by its layout: ${layout}`,
    details: { modelType, layout },
  };
}

/** The decoder that a row and a config describe. */
export function buildRow(row: DecoderRow, given: ConfigReader): ArchitectureDraft {
  const { config, notes } = withClassSizes(given, row.classSizes);
  const sizes =
    row.sizes?.(config) ??
    readDecoderSizes(config, {
      tied: row.tied ?? false,
      ...defined({ kvHeads: row.kvHeads, headDim: row.headDim }),
    });
  row.check?.(config, sizes);
  const { hiddenSize, layers } = sizes;
  const window = row.window?.(config, layers);
  const mixer = row.mixer?.(config, sizes);
  const rule = row.experts?.(config, sizes);
  const everySparse = rule !== undefined && allLayers(rule.sparse, layers);
  // A class whose layers all hold experts need not state a dense width.
  const oneWidth = rule?.denseWidth ?? row.width?.(config, hiddenSize);
  const width = everySparse
    ? undefined
    : oneWidth === undefined
      ? layerInts(config, WIDTH_KEYS, layers, row.widthDefault?.(hiddenSize))
      : () => oneWidth;
  const mlpBias = readOption(config, row.mlpBias);
  const dense = (layer: number): FeedForwardParts => {
    const shared = { name: row.mlpName, width: width!(layer), bias: mlpBias, activation: row.activation };
    if (row.plainMlp !== undefined)
      return plainFeedForward(config, hiddenSize, { ...shared, names: row.plainMlp });
    return gatedFeedForward(config, hiddenSize, { ...shared, names: row.gatedMlp, fused: row.fusedGateUp });
  };
  const feedForwardKey = (layer: number): string =>
    rule?.sparse(layer) === true ? `experts ${rule.keyOf?.(layer)}` : `dense ${width!(layer)}`;
  // Most models have layers of one kind, and need no key to tell them apart.
  const differ =
    window !== undefined ||
    mixer?.keyOf !== undefined ||
    (rule !== undefined && !(everySparse && rule.keyOf === undefined)) ||
    (oneWidth === undefined && listKey(config, WIDTH_KEYS) !== undefined);
  const modelType = config.optionalText("model_type") ?? row.id;
  const draft = decoder({
    family: row.id,
    config,
    sizes,
    role: row.role,
    tiedByDefault: row.tied ?? false,
    norm: row.norm ?? "rms",
    layerNorms: typeof row.layerNorms === "function" ? row.layerNorms(config) : row.layerNorms,
    attention: {
      bias: { qkv: readOption(config, row.qkvBias), o: readOption(config, row.oBias) },
      qkNorm: readOption(config, row.qkNormWhen ?? true) ? row.qkNorm : undefined,
      broadcastHeads: row.broadcastBeforeCache === true ? sizes.heads : undefined,
      ...row.attention,
    },
    window,
    mixer: mixer?.build,
    feedForward: (layer) => (rule?.sparse(layer) === true ? rule.build(layer) : dense(layer)),
    keyOf: differ
      ? (layer) => `${window?.(layer)} ${mixer?.keyOf?.(layer)} ${feedForwardKey(layer)}`
      : undefined,
    headBias: readOption(config, row.headBias),
    names: row.names,
    finalNorm: row.finalNorm,
    embeddingDim: row.embeddingDim,
    layerExtras: row.layerExtras?.(config, sizes),
    extraTensors: row.extras?.(config, sizes),
    notes: [...notes, ...(row.customCode === undefined ? [] : [customCodeNote(modelType, row.customCode)])],
  });
  const mtp = row.mtp?.(config, sizes, draft.stacks[0]!);
  return mtp === undefined ? draft : { ...draft, stacks: [...draft.stacks, mtp] };
}

function allLayers(sparse: Sparse, layers: number): boolean {
  for (let layer = 0; layer < layers; layer++) if (!sparse(layer)) return false;
  return true;
}
