import type { Architecture, Mixer } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
import { attentionBytesPerToken, cacheLayers, reachOf } from "../cache-layers.ts";

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
 *     recurrent   K conv columns (not K - 1) and an fp32 state
 *
 * Falcon's class repeats keys and values to every query head before caching; families say so.
 * Source: transformers 5.18.0 `cache_utils.py`, whose tensors on the meta device test/engines compares with.
 * A `StaticCache` holds `staticCacheBytes` instead.
 *
 * @example transformersCacheBytes(gemma_3_4b, { contextTokens: 5000, sequences: 2, moment: "after-prefill", ... })
 * // 1_392_640_000, of which 447_832_064 are seen in the shapes
 */
export function transformersCacheBytes(model: Architecture, input: TransformersCacheInput): Bytes {
  let bytes = 0;
  for (const { mixer, layers } of cacheLayers(model)) bytes += layers * layerBytes(mixer, input);
  return bytes * input.sequences;
}

function layerBytes(mixer: Mixer, input: TransformersCacheInput): Bytes {
  const { contextTokens, format, moment, convBytes = 2 } = input;
  const tokens = moment === "after-step" ? contextTokens + 1 : contextTokens;
  switch (mixer.kind) {
    case "attention": {
      const heads = mixer.broadcastHeads ?? mixer.kvHeads;
      const each = attentionBytesPerToken(
        heads === mixer.kvHeads ? mixer : { ...mixer, kvHeads: heads },
        format,
      );
      if (mixer.cache === "cross") return (mixer.encoderTokens ?? input.encoderTokens ?? 0) * each;
      return windowed(reachOf(mixer), input) * each;
    }
    case "latent": {
      const index = mixer.indexer === undefined ? 0 : format.keyBytesPerVector(mixer.indexer.keyDim);
      if (input.latentCache !== "expanded")
        return (
          tokens *
          (format.keyBytesPerVector(mixer.latentDim) + format.valueBytesPerVector(mixer.ropeDim) + index)
        );
      const keys = format.keyBytesPerVector(mixer.nopeDim + mixer.ropeDim);
      return tokens * (mixer.queryHeads * (keys + format.valueBytesPerVector(mixer.valueDim)) + index);
    }
    case "compressed": {
      const vector = format.keyBytesPerVector(mixer.headDim);
      const window = windowed(mixer.windowTokens, input);
      // Without compression the layer is an ordinary sliding one, which keeps K and V though they are equal.
      if (mixer.ratio === 0) return window * 2 * vector;
      const index = mixer.indexer === undefined ? 0 : format.keyBytesPerVector(mixer.indexer.keyDim);
      const done = Math.floor(tokens / mixer.ratio) * (vector + index);
      // With an indexer the blocks overlap: projections are twice as wide and the last block is kept whole.
      const widening = mixer.indexer === undefined ? 1 : 2;
      const overlap = mixer.indexer === undefined ? 0 : 2 * mixer.ratio * (vector + index);
      const pending = moment === "after-prefill" ? tokens : tokens % mixer.ratio;
      return window * vector + done + overlap + 2 * widening * pending * (vector + index);
    }
    case "recurrent":
      return mixer.convKernel * mixer.convChannels * convBytes + mixer.stateElements * 4;
    case "conv":
      return mixer.kernel * mixer.channels * convBytes;
  }
}

function windowed(reach: Tokens, { contextTokens, moment }: TransformersCacheInput): Tokens {
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
 * A StaticCache, allocated at once: `maxTokens` positions in full layers, min(window, maxTokens) in sliding ones.
 *
 * @example staticCacheBytes(llama_3_1_8b, { maxTokens: 8192, sequences: 1, format: formats.kvFormatByName("bf16") }) // 1_073_741_824
 */
export function staticCacheBytes(
  model: Architecture,
  input: { readonly maxTokens: Tokens; readonly sequences: number; readonly format: CacheFormat },
): Bytes {
  let bytes = 0;
  for (const { mixer, layers } of cacheLayers(model)) {
    const each =
      mixer.kind === "attention" && mixer.cache === "own"
        ? Math.min(input.maxTokens, reachOf(mixer)) * attentionBytesPerToken(mixer, input.format)
        : layerBytes(mixer, { ...input, contextTokens: input.maxTokens, moment: "shape" });
    bytes += layers * each;
  }
  return bytes * input.sequences;
}
