import type { Mixer } from "../architecture/mixers/mixer.ts";
import type { Architecture } from "../architecture/model.ts";
import type { CacheFormat } from "../engines/cache-format.ts";
import { type CacheLayer, cacheLayers, reachOf } from "../engines/cache-layers.ts";
import {
  attentionParts,
  type CachePart,
  type CachePartRow,
  cacheSum,
  rowsBytes,
} from "../engines/cache-sum.ts";
import { onceFor } from "../remember.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { Term } from "./term.ts";

/** Convolution states are kept in the 16 bits of the activations. */
const CONV_BYTES = 2;
/** Recurrent states accumulate: fp32 in transformers, llama.cpp and SGLang, and where a config demands it. */
const STATE_BYTES = 4;

export interface CacheInput {
  /** Tokens kept per sequence. */
  readonly contextTokens: Tokens;
  readonly sequences: number;
  readonly format: CacheFormat;
  /** Positions on the encoder side of cross attention where the model does not fix them. Default: the context. */
  readonly encoderTokens?: Tokens;
}

export interface CacheBytes {
  /** Grows with the context (up to a window). */
  readonly kv: Bytes;
  /** Recurrent and convolution states: the same for every context. */
  readonly state: Bytes;
}

/**
 * What one sequence keeps between tokens, whatever the engine.
 *
 *     attention   layers * min(context, window) * kvHeads * (key vector + value vector)
 *     latent      layers * context * (vector of latent + rope), once for all heads; index key beside it
 *     compressed  layers * (min(context, window) + floor(context / ratio)) * vector, and index keys
 *     cross       layers * encoder positions * kvHeads * (key vector + value vector)
 *     recurrent   layers * ((K - 1) * conv channels * 2 B + state elements * 4 B)
 *
 * Not modelled: blocks, padding and reserves, which are an engine's (`engines/`).
 * Sources: arXiv:2305.13245 (grouped heads), arXiv:2405.04434 (latent attention), arXiv:2405.21060 (states).
 *
 * @example cacheBytes(llama_3_1_8b, { contextTokens: 8192, ... }).kv // 1_073_741_824 = 8192 x 131,072
 */
export function cacheBytes(model: Architecture, input: Omit<CacheInput, "sequences">): CacheBytes {
  return rowBytes(cacheLayers(model), input);
}

function rowBytes(rows: readonly CacheLayer[], input: Omit<CacheInput, "sequences">): CacheBytes {
  return { kv: rowsBytes(kvRows(rows, input)), state: rowsBytes(stateRows(rows)) };
}

const kvRows = (rows: readonly CacheLayer[], input: Omit<CacheInput, "sequences">): readonly CachePartRow[] =>
  rows.map(({ mixer, layers }) => ({ layers, parts: kvParts(mixer, input) }));

/** Only mixers that keep a state: most models have none. */
const stateRows = onceFor((rows: readonly CacheLayer[]): readonly CachePartRow[] =>
  rows.flatMap(({ mixer, layers }) => {
    const bytes = stateBytes(mixer);
    return bytes === 0 ? [] : [{ layers, parts: [{ tokens: null, bytes }] }];
  }),
);

function kvParts(mixer: Mixer, input: Omit<CacheInput, "sequences">): readonly CachePart[] {
  const { contextTokens, format } = input;
  switch (mixer.kind) {
    case "attention": {
      const tokens =
        mixer.cache === "cross"
          ? (mixer.encoderTokens ?? input.encoderTokens ?? contextTokens)
          : Math.min(contextTokens, reachOf(mixer));
      return attentionParts(mixer, tokens, { format });
    }
    case "latent":
      return [
        {
          tokens: contextTokens,
          bytes:
            format.keyBytesPerVector(mixer.latentDim + mixer.ropeDim) +
            (mixer.indexer === undefined ? 0 : format.keyBytesPerVector(mixer.indexer.keyDim)),
        },
      ];
    case "compressed": {
      const compressed = mixer.ratio > 0 ? Math.floor(contextTokens / mixer.ratio) : 0;
      return [
        {
          tokens: Math.min(contextTokens, mixer.windowTokens) + compressed,
          bytes: format.keyBytesPerVector(mixer.headDim),
        },
        ...(mixer.indexer === undefined
          ? []
          : [{ tokens: compressed, bytes: format.keyBytesPerVector(mixer.indexer.keyDim) }]),
      ];
    }
    case "recurrent":
    case "conv":
      return [];
  }
}

function stateBytes(mixer: Mixer): Bytes {
  switch (mixer.kind) {
    case "recurrent":
      return (
        Math.max(0, mixer.convKernel - 1) * mixer.convChannels * CONV_BYTES +
        mixer.stateElements * STATE_BYTES
      );
    case "conv":
      return Math.max(0, mixer.kernel - 1) * mixer.channels * CONV_BYTES;
    case "attention":
    case "latent":
    case "compressed":
      return 0;
  }
}

/**
 * `kv-cache` and `recurrent-state` of all sequences, each left out when it is zero.
 *
 *     bytes = sequences * bytes of one sequence
 *
 * Exact, but for shapes that were guessed from a bare count: published decoders of one size differ by
 * grouped heads and depth, from a quarter to four times the typical cache.
 *
 * @example cacheTerms(llama_3_1_8b, { contextTokens: 8192, sequences: 4, format: formats.kvFormatByName("fp16") })[0].bytes // 4_294_967_296
 */
export function cacheTerms(model: Architecture, input: CacheInput): Term[] {
  return rowTerms(cacheLayers(model), model, input);
}

/** The same for some of a model's layers. */
export function rowTerms(rows: readonly CacheLayer[], model: Architecture, input: CacheInput): Term[] {
  return [
    ...perSequence("kv-cache", kvRows(rows, input), model, input),
    ...perSequence("recurrent-state", stateRows(rows), model, input),
  ];
}

function perSequence(
  id: "kv-cache" | "recurrent-state",
  rows: readonly CachePartRow[],
  model: Architecture,
  { sequences }: CacheInput,
): readonly Term[] {
  const bytes = sequences * rowsBytes(rows);
  if (bytes === 0) return [];
  const assumed = model.assumed === true;
  return [
    {
      id,
      bytes,
      low: assumed ? Math.floor(bytes / 4) : bytes,
      high: assumed ? bytes * 4 : bytes,
      basis: assumed ? "assumed" : "exact",
      ...cacheSum(rows, { times: ["sequences", sequences] }),
    },
  ];
}
