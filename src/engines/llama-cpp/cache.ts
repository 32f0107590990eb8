import type { Mixer } from "../../architecture/mixers/mixer.ts";
import type { Architecture } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
import { cacheLayers } from "../cache-layers.ts";
import { type CachePart, type CachePartRow, rowsBytes } from "../cache-sum.ts";

export interface LlamaCppCacheInput {
  /** Tokens of one slot; `-c` is this times the slots. */
  readonly contextTokens: Tokens;
  /** `--parallel`: sequences with a place of their own. */
  readonly slots: number;
  /** `--kv-unified`: one buffer for all slots. Default false. */
  readonly unified?: boolean;
  /** `-ub`. Default 512. */
  readonly ubatchTokens?: Tokens;
  /** `-ctk` and `-ctv`. */
  readonly format: CacheFormat;
  /** Cells come in multiples of this: 256, before late 2025 32 without flash attention. Default 256. */
  readonly padTokens?: Tokens;
  /** `--swa-full`: window layers as long as the others. Default false. */
  readonly swaFull?: boolean;
  /** Without flash attention every value row is as wide as the widest. Default true. */
  readonly flashAttention?: boolean;
  /**
   * What a latent model keeps: `latent` (since late 2025 keys alone), `latent-and-values` (a transposed copy
   * beside it: builds of 2025), `expanded` (per head: before April 2025, or files without split kv_b).
   */
  readonly latentCache?: "latent" | "latent-and-values" | "expanded";
}

export interface LlamaCppCacheBytes {
  readonly kv: Bytes;
  readonly state: Bytes;
}

const PAD = 256;
const DEFAULT_UBATCH = 512;
const pad = (tokens: Tokens, multiple = PAD): Tokens => Math.ceil(tokens / multiple) * multiple;

/**
 * KV and recurrent buffers, allocated whole at start.
 *
 *     cells       context rounded up to 256, per slot; unified: slots * context rounded up
 *     full        cells * (key row + value row), a row being all heads of a layer in whole GGML blocks
 *     window W    min(cells, W (times slots when unified) + ubatch) rounded up to 256, per slot
 *     latent      cells * key row of latent + rope; no values
 *     recurrent   slots * ((K - 1) * conv channels + state) * 4 B: F32 for every model
 *
 * Where every layer has the same window (Mistral 7B v0.1, Phi-3, StarCoder2) the window is not used and the
 * cache is full. Source: llama.cpp `llama-kv-cache.cpp`, `llama-kv-cache-iswa.cpp`, `llama-memory-recurrent.cpp`.
 *
 * @example llamaCppCacheBytes(gpt_oss_120b, { contextTokens: 131_072, slots: 2, ubatchTokens: 1024, ... }).kv
 * // 9_758_048_256 = 9216 MiB in full layers + 90 MiB in window layers
 */
export function llamaCppCacheBytes(model: Architecture, input: LlamaCppCacheInput): LlamaCppCacheBytes {
  const { kv, state } = llamaCppCacheRows(model, input);
  return { kv: rowsBytes(kv), state: rowsBytes(state) * input.slots };
}

/** The same by layer: `kv` of all slots, `state` of one. */
export function llamaCppCacheRows(
  model: Architecture,
  input: LlamaCppCacheInput,
): { readonly kv: readonly CachePartRow[]; readonly state: readonly CachePartRow[] } {
  const rows = cacheLayers(model);
  const cells = cellsOf(input);
  const widestValue = input.flashAttention === false ? widestValueRow(rows.map((row) => row.mixer)) : 0;
  const mixed = rows.some(({ mixer }) => mixer.kind !== "attention" || windowOf(mixer) === null);
  return {
    kv: rows.map(({ mixer, layers }) => ({
      layers,
      parts: kvParts(mixer, { input, cells, widestValue, mixed }),
    })),
    state: rows.map(({ mixer, layers }) => ({
      layers,
      parts: [{ tokens: null, bytes: stateBytes(mixer) }],
    })),
  };
}

interface Cells {
  readonly full: Tokens;
  readonly window: (windowTokens: Tokens) => Tokens;
}

function cellsOf(input: LlamaCppCacheInput): Cells {
  const { contextTokens, slots, unified, ubatchTokens, swaFull } = input;
  const streams = unified === true ? 1 : slots;
  const perStream = pad(unified === true ? contextTokens * slots : contextTokens, input.padTokens);
  const reach = unified === true ? slots : 1;
  return {
    full: streams * perStream,
    window: (windowTokens) =>
      swaFull === true
        ? streams * perStream
        : streams * pad(Math.min(perStream, windowTokens * reach + (ubatchTokens ?? DEFAULT_UBATCH))),
  };
}

/** Window or chunk: llama.cpp keeps both in the same small cache. */
function windowOf(mixer: Mixer): Tokens | null {
  return mixer.kind === "attention" ? (mixer.windowTokens ?? mixer.chunkTokens ?? null) : null;
}

function kvParts(
  mixer: Mixer,
  at: {
    readonly input: LlamaCppCacheInput;
    readonly cells: Cells;
    readonly widestValue: number;
    readonly mixed: boolean;
  },
): readonly CachePart[] {
  const { format, latentCache = "latent" } = at.input;
  const { full } = at.cells;
  switch (mixer.kind) {
    case "attention": {
      const window = at.mixed ? windowOf(mixer) : null;
      const values = Math.max(at.widestValue, mixer.kvHeads * mixer.valueDim);
      return [
        {
          tokens: window === null ? full : at.cells.window(window),
          bytes: format.keyBytesPerVector(mixer.kvHeads * mixer.keyDim) + format.valueBytesPerVector(values),
        },
      ];
    }
    case "latent": {
      const keys = format.keyBytesPerVector(mixer.latentDim + mixer.ropeDim);
      switch (latentCache) {
        case "latent":
          return [{ tokens: full, bytes: keys }];
        case "latent-and-values":
          return [{ tokens: full, bytes: keys + format.valueBytesPerVector(mixer.latentDim) }];
        case "expanded":
          return [
            {
              tokens: full,
              bytes:
                format.keyBytesPerVector(mixer.queryHeads * (mixer.nopeDim + mixer.ropeDim)) +
                format.valueBytesPerVector(mixer.queryHeads * mixer.valueDim),
            },
          ];
      }
      break;
    }
    case "compressed": {
      const compressed = mixer.ratio > 0 ? Math.ceil(full / mixer.ratio) : 0;
      return [
        {
          tokens: at.cells.window(mixer.windowTokens) + compressed,
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

function widestValueRow(mixers: readonly Mixer[]): number {
  let widest = 0;
  for (const mixer of mixers)
    if (mixer.kind === "attention") widest = Math.max(widest, mixer.kvHeads * mixer.valueDim);
  return widest;
}

function stateBytes(mixer: Mixer): Bytes {
  switch (mixer.kind) {
    case "recurrent":
      return (Math.max(0, mixer.convKernel - 1) * mixer.convChannels + mixer.stateElements) * 4;
    case "conv":
      return Math.max(0, mixer.kernel - 1) * mixer.channels * 4;
    case "attention":
    case "latent":
    case "compressed":
      return 0;
  }
}
