import type { Mixer } from "../../architecture/mixers/mixer.ts";
import type { Architecture } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
import { cacheLayers, reachOf } from "../cache-layers.ts";
import { attentionParts, type CachePart, type CachePartRow, rowsBytes } from "../cache-sum.ts";

export interface TransformersCacheInput {
  /** Tokens read so far, the same for every sequence (a padded batch). */
  readonly contextTokens: Tokens;
  readonly sequences: number;
  readonly format: CacheFormat;
  /** Positions of the encoder where the model does not fix them. Default: none held. */
  readonly encoderTokens?: Tokens;
  /** Width of a convolution state in bytes: the model's dtype. Default 2. */
  readonly convBytes?: number;
  /** Releases before 5 cached keys and values of latent attention per head. Default "compressed". */
  readonly latentCache?: "compressed" | "expanded";
  /**
   * `shape`: elements that `past_key_values` shows after a prefill. `after-prefill`: storage alive then,
   * because a kept slice is a view that pins the whole projection. `after-step`: storage after one more token.
   */
  readonly moment: "shape" | "after-prefill" | "after-step";
}

/**
 * Bytes in `past_key_values` of a DynamicCache.
 *
 *     full        T * kvHeads * (key + value)
 *     sliding W   the last W - 1 positions; a view on all T after the prefill; min(T, W - 1) + 1 after a step
 *     latent      T * (latent + rope), since 5: before, T * queryHeads * (nope + rope + value)
 *     recurrent   K conv columns (not K - 1) and an fp32 state; xLSTM's cache is in the model's dtype
 *
 * Falcon's class repeats keys and values to every query head before caching; families say so.
 * Source: transformers 5.18.0 `cache_utils.py`, whose tensors on the meta device test/engines compares with.
 * A `StaticCache` holds `staticCacheRows` instead.
 *
 * @example transformersCacheBytes(gemma_3_4b, { contextTokens: 5000, sequences: 2, moment: "after-prefill", ... })
 * // 1_392_640_000, of which 447_832_064 are seen in the shapes
 */
export function transformersCacheBytes(model: Architecture, input: TransformersCacheInput): Bytes {
  return rowsBytes(transformersCacheRows(model, input)) * input.sequences;
}

/** The same by layer, of one sequence. */
export const transformersCacheRows = (
  model: Architecture,
  input: Omit<TransformersCacheInput, "sequences">,
): readonly CachePartRow[] =>
  cacheLayers(model).map(({ mixer, layers }) => ({ layers, parts: layerParts(mixer, input) }));

function layerParts(mixer: Mixer, input: Omit<TransformersCacheInput, "sequences">): readonly CachePart[] {
  const { contextTokens, format, moment, convBytes = 2 } = input;
  const tokens = moment === "after-step" ? contextTokens + 1 : contextTokens;
  switch (mixer.kind) {
    case "attention": {
      const kept =
        mixer.cache === "cross"
          ? (mixer.encoderTokens ?? input.encoderTokens ?? 0)
          : windowed(reachOf(mixer), input);
      return attentionParts(mixer, kept, { format, heads: mixer.broadcastHeads ?? mixer.kvHeads });
    }
    case "latent": {
      const index = mixer.indexer === undefined ? 0 : format.keyBytesPerVector(mixer.indexer.keyDim);
      if (input.latentCache !== "expanded")
        return [
          {
            tokens,
            bytes:
              format.keyBytesPerVector(mixer.latentDim) + format.valueBytesPerVector(mixer.ropeDim) + index,
          },
        ];
      const keys = format.keyBytesPerVector(mixer.nopeDim + mixer.ropeDim);
      return [
        { tokens, heads: mixer.queryHeads, bytes: keys + format.valueBytesPerVector(mixer.valueDim) },
        { tokens, bytes: index },
      ];
    }
    case "compressed": {
      const vector = format.keyBytesPerVector(mixer.headDim);
      const window = windowed(mixer.windowTokens, input);
      // Without compression the layer is an ordinary sliding one, which keeps K and V though they are equal.
      if (mixer.ratio === 0) return [{ tokens: window, bytes: 2 * vector }];
      const index = mixer.indexer === undefined ? 0 : format.keyBytesPerVector(mixer.indexer.keyDim);
      // With an indexer the blocks overlap: projections are twice as wide and the last block is kept whole.
      const widening = mixer.indexer === undefined ? 1 : 2;
      const overlap = mixer.indexer === undefined ? 0 : 2 * mixer.ratio;
      const pending = moment === "after-prefill" ? tokens : tokens % mixer.ratio;
      return [
        { tokens: window, bytes: vector },
        {
          tokens: Math.floor(tokens / mixer.ratio) + overlap + 2 * widening * pending,
          bytes: vector + index,
        },
      ];
    }
    case "recurrent":
      return [
        {
          tokens: null,
          // RWKV's last inputs are no convolution: one column each.
          bytes:
            (mixer.variant === "rwkv" ? mixer.convKernel - 1 : mixer.convKernel) *
              mixer.convChannels *
              convBytes +
            mixer.stateElements * (mixer.variant === "mlstm" ? convBytes : 4),
        },
      ];
    case "conv":
      return [{ tokens: null, bytes: mixer.kernel * mixer.channels * convBytes }];
  }
}

function windowed(
  reach: Tokens,
  { contextTokens, moment }: Omit<TransformersCacheInput, "sequences">,
): Tokens {
  switch (moment) {
    case "shape":
      return Math.min(contextTokens, reach - 1);
    case "after-prefill":
      return contextTokens;
    case "after-step":
      return Math.min(contextTokens, reach - 1) + 1;
  }
}

/**
 * Rows of one sequence in a StaticCache, allocated at once: `maxTokens` positions in full layers, min(window, maxTokens)
 * in sliding ones. Llama 3.1 8B at 8,192 in bf16: 32 layers x 8,192 x 2 x 8 x 128 x 2 B = 1,073,741,824 B.
 */
export const staticCacheRows = (
  model: Architecture,
  input: { readonly maxTokens: Tokens; readonly format: CacheFormat },
): readonly CachePartRow[] =>
  cacheLayers(model).map(({ mixer, layers }) => ({
    layers,
    parts:
      mixer.kind === "attention" && mixer.cache === "own"
        ? attentionParts(mixer, Math.min(input.maxTokens, reachOf(mixer)), input)
        : layerParts(mixer, { ...input, contextTokens: input.maxTokens, moment: "shape" }),
  }));
