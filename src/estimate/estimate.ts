import type { Architecture, Note } from "../architecture/model.ts";
import type { CacheFormat } from "../engines/cache-format.ts";
import { VramCalcError } from "../errors.ts";
import { formatByName } from "../formats/format-names.ts";
import { kvFormatByName } from "../formats/kv-formats.ts";
import { uniformStorage, type WeightStorage } from "../quantization/storage.ts";
import { groupDigits, type Tokens } from "../units.ts";
import { type Estimate, serve } from "./serve.ts";

/** Context when none is asked for; less if the model ends earlier. */
export const DEFAULT_CONTEXT_TOKENS: Tokens = 4096;

/** What may be asked of a serving estimate. Everything has a default, and the result says which were taken. */
export interface EstimateOptions {
  /** Format of the weights: "fp16", "q8_0", ... Default: as published, else bf16. */
  readonly dtype?: string;
  /** Format of the KV cache, or "K,V" separately. Default: 16 bits. */
  readonly kvDtype?: string;
  /** Tokens kept per sequence. Default: 4096, or the model's maximum if that is smaller. */
  readonly contextTokens?: Tokens;
  /** Sequences on the card at once. Default 1. */
  readonly batch?: number;
  /** Weights and nothing else. */
  readonly weightsOnly?: boolean;
  /** How a file stores the weights; taken when `dtype` is absent. */
  readonly stored?: WeightStorage;
}

/** The options as they took effect. */
export interface EffectiveRequest {
  readonly [option: string]: string | number | boolean | null;
  readonly dtype: string;
  readonly kvDtype: string | null;
  readonly context: Tokens | null;
  readonly batch: number | null;
  readonly weightsOnly: boolean;
}

export interface EstimateResult extends Estimate {
  readonly request: EffectiveRequest;
}

/**
 * Memory to serve a model, term by term: the pure core of `vram-calc <model>`.
 *
 * @returns devices with their terms, the worst device's total with its band, the effective request and notes
 * @throws unknown-name for a format, bad-option for a context or batch that is not a whole number from 1
 * @example estimate(typicalArchitecture(14e9), { dtype: "fp16", weightsOnly: true }).total.bytes // 28_000_000_000
 */
export function estimate(model: Architecture, options: EstimateOptions = {}): EstimateResult {
  const notes: Note[] = [];
  const storage = storageOf(model, options, notes);
  const weightsOnly = options.weightsOnly === true;
  const contextTokens = weightsOnly ? 1 : contextOf(model, options, notes);
  const sequences = options.batch === undefined ? 1 : positive("batch", options.batch);
  const cacheFormat = cacheFormatOf(options.kvDtype ?? "fp16");
  const result = serve(model, { storage, cacheFormat, contextTokens, sequences, weightsOnly });
  return {
    devices: result.devices,
    total: result.total,
    notes: notes.length === 0 ? result.notes : [...result.notes, ...notes],
    request: {
      dtype: storage.id,
      kvDtype: weightsOnly ? null : cacheFormat.id,
      context: weightsOnly ? null : contextTokens,
      batch: weightsOnly ? null : sequences,
      weightsOnly,
    },
  };
}

function storageOf(model: Architecture, options: EstimateOptions, notes: Note[]): WeightStorage {
  if (options.dtype !== undefined) return uniformStorage(formatByName(options.dtype));
  if (options.stored !== undefined) return options.stored;
  if (model.dtype !== undefined) return uniformStorage(formatByName(model.dtype));
  notes.push(DEFAULT_DTYPE_NOTE);
  return uniformStorage(formatByName("bf16"));
}

const DEFAULT_DTYPE_NOTE: Note = {
  code: "default-dtype",
  message: "the model does not say how its weights are stored: bf16 taken; --dtype sets another",
  details: { dtype: "bf16" },
};

function contextOf(model: Architecture, options: EstimateOptions, notes: Note[]): Tokens {
  const longest = model.maxContextTokens;
  if (options.contextTokens === undefined)
    return longest === undefined ? DEFAULT_CONTEXT_TOKENS : Math.min(DEFAULT_CONTEXT_TOKENS, longest);
  const context = positive("context", options.contextTokens);
  if (longest !== undefined && context > longest) {
    notes.push({
      code: "context-beyond-model",
      message: `context ${groupDigits(context)} is longer than the ${groupDigits(longest)} positions the config declares`,
      details: { context, longest },
    });
  }
  return context;
}

function positive(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 40) return value;
  throw new VramCalcError("bad-option", {
    option,
    given: String(value),
    expected: "a whole number from 1 to 2^40",
  });
}

const cacheFormats = new Map<string, CacheFormat>();

/** One format, or keys and values apart: "q8_0/q4_0", also written with a comma. */
function cacheFormatOf(text: string): CacheFormat {
  let format = cacheFormats.get(text);
  if (format === undefined) {
    format = kvFormatByName(text.replace(",", "/"));
    cacheFormats.set(text, format);
  }
  return format;
}
