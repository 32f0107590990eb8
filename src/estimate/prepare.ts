/** Turns what was asked for into what is computed, with every default filled in and said. */

import type { Architecture, Note } from "../architecture/model.ts";
import { crossAttention } from "../architecture/stack.ts";
import type { CacheFormat } from "../engines/cache-format.ts";
import { VramCalcError } from "../errors.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import { onceFor } from "../remember.ts";
import { groupDigits, type Tokens } from "../units.ts";
import { cacheFormatOf, chosenCacheFormat } from "./cache-format-choice.ts";
import type { EngineFlags, EstimateOptions } from "./estimate-options.ts";
import { chooseStorage } from "./storage-choice.ts";

/** Context when none is asked for; less if the model ends earlier. */
const DEFAULT_CONTEXT_TOKENS: Tokens = 4096;

/** The options as they took effect. */
export interface EffectiveRequest {
  readonly [option: string]: string | number | boolean | null | EngineFlags;
  readonly dtype: string;
  readonly kvDtype: string | null;
  readonly context: Tokens | null;
  readonly batch: number | null;
  readonly weightsOnly: boolean;
}

export interface Prepared {
  readonly storage: WeightStorage;
  readonly cacheFormat: CacheFormat;
  readonly contextTokens: Tokens;
  readonly sequences: number;
  /** Positions that cross attention reads, where images say. */
  readonly encoderTokens?: Tokens;
  /** Bytes of one value that is computed: 2, or 4 for a model that is published and kept in fp32. */
  readonly computeBytes: number;
  readonly weightsOnly: boolean;
  readonly request: EffectiveRequest;
  readonly notes: readonly Note[];
}

/**
 * The request with its defaults, checked.
 *
 * @param storageOf reads a storage by name; the schemes are a table of their own that not every caller loads
 * @throws unknown-name for a format, bad-option for a context or batch that is not a whole number from 1
 */
export function prepare(
  model: Architecture,
  options: EstimateOptions,
  storageOf: (name: string) => WeightStorage,
): Prepared {
  const notes: Note[] = [];
  const storage = chooseStorage(model, options, storageOf, notes);
  if (storage.notesOf !== undefined) notes.push(...storage.notesOf(model));
  const weightsOnly = options.weightsOnly === true;
  const contextTokens = weightsOnly ? 1 : contextOf(model, options, notes);
  const sequences = options.batch === undefined ? 1 : positive("batch", options.batch);
  const cacheFormat = cacheFormatOf(chosenCacheFormat(model, options, weightsOnly ? [] : notes));
  const encoderTokens = weightsOnly ? undefined : encoderTokensOf(model, contextTokens, notes);
  return {
    storage,
    cacheFormat,
    contextTokens,
    sequences,
    ...(encoderTokens === undefined ? {} : { encoderTokens }),
    computeBytes: storage.id === "fp32" ? 4 : 2,
    weightsOnly,
    notes,
    request: {
      dtype: storage.id,
      kvDtype: weightsOnly ? null : cacheFormat.id,
      context: weightsOnly ? null : contextTokens,
      batch: weightsOnly ? null : sequences,
      weightsOnly,
    },
  };
}

/** The context taken when none is asked for. */
export function defaultContext({ maxContextTokens: longest }: Architecture): Tokens {
  return longest === undefined ? DEFAULT_CONTEXT_TOKENS : Math.min(DEFAULT_CONTEXT_TOKENS, longest);
}

function contextOf(model: Architecture, options: EstimateOptions, notes: Note[]): Tokens {
  const longest = model.maxContextTokens;
  if (options.contextTokens === undefined) return defaultContext(model);
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

/** Cross attention over positions that the class does not fix. */
const hasOpenCross = onceFor((model: Architecture): boolean =>
  crossAttention(model).some(({ encoderTokens }) => encoderTokens === undefined),
);

/**
 * Positions that cross attention reads where the class does not fix them: as many as the decoder's behind an
 * encoder for text, none where they would be those of images and none are given.
 */
function encoderTokensOf(model: Architecture, contextTokens: Tokens, notes: Note[]): Tokens | undefined {
  if (!hasOpenCross(model)) return undefined;
  if (!model.stacks.some(({ role }) => role === "encoder")) return 0;
  notes.push({
    code: "encoder-tokens",
    message: `the encoder's text is taken as long as the decoder's: ${groupDigits(contextTokens)} tokens in the cross-attention cache`,
    details: { encoderTokens: contextTokens },
  });
  return contextTokens;
}

/** @throws bad-option */
export function positive(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 40) return value;
  throw new VramCalcError("bad-option", {
    option,
    given: String(value),
    expected: "a whole number from 1 to 2^40",
  });
}
