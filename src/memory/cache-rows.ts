import type { Mixer } from "../architecture/mixers/mixer.ts";
import type { Architecture } from "../architecture/model.ts";
import { turnsOf } from "../architecture/stack.ts";
import type { Bytes } from "../units.ts";

/** Cache of one kind of mixer over all layers that have it, in 16-bit values. */
export interface CacheRow {
  readonly layers: number;
  readonly kind: string;
  /** Bytes that every further token of context costs; windows stop growing when full. */
  readonly bytesPerToken: Bytes;
  /** Bytes per sequence that do not grow with it. */
  readonly bytesPerSequence: Bytes;
}

/**
 * What each kind of layer keeps between tokens, engine-neutral, for listings.
 *
 * @example cacheRows(llama_3_1_8b).map(({ layers, bytesPerToken }) => [layers, bytesPerToken]) // [[32, 131_072]]
 */
export function cacheRows(model: Architecture): readonly CacheRow[] {
  const rows = new Map<string, { layers: number; bytesPerToken: number; bytesPerSequence: number }>();
  for (const stack of model.stacks) {
    if (stack.role !== "decoder") continue;
    stack.kinds.forEach((kind, index) => {
      for (const mixer of kind.mixers) {
        const each = cacheOf(mixer);
        if (each === null) continue;
        const layers = turnsOf(stack, index);
        const row = rows.get(each.kind) ?? { layers: 0, bytesPerToken: 0, bytesPerSequence: 0 };
        row.layers += layers;
        row.bytesPerToken += layers * each.perToken;
        row.bytesPerSequence += layers * each.perSequence;
        rows.set(each.kind, row);
      }
    });
  }
  return [...rows].map(([kind, row]) => ({ kind, ...row }));
}

const WIDTH = 2;

function cacheOf(
  mixer: Mixer,
): { readonly kind: string; readonly perToken: number; readonly perSequence: number } | null {
  switch (mixer.kind) {
    case "attention": {
      if (mixer.cache === "none" || mixer.cache === "shared") return null;
      const perToken = (mixer.kvHeads * (mixer.keyDim + mixer.valueDim) + (mixer.indexKeyDim ?? 0)) * WIDTH;
      if (mixer.cache === "cross")
        return { kind: "cross attention (per encoder position)", perToken, perSequence: 0 };
      const reach =
        mixer.windowTokens !== undefined
          ? `sliding attention, window ${mixer.windowTokens}`
          : mixer.chunkTokens !== undefined
            ? `chunked attention of ${mixer.chunkTokens}`
            : "full attention";
      return { kind: reach, perToken, perSequence: 0 };
    }
    case "latent":
      return {
        kind: mixer.indexer === undefined ? "latent attention" : "latent attention with an index key",
        perToken: (mixer.latentDim + mixer.ropeDim + (mixer.indexer?.keyDim ?? 0)) * WIDTH,
        perSequence: 0,
      };
    case "compressed": {
      const latents = mixer.ratio > 0 ? mixer.headDim / mixer.ratio : 0;
      const index = mixer.indexer === undefined || mixer.ratio === 0 ? 0 : mixer.indexer.keyDim / mixer.ratio;
      return {
        kind: mixer.ratio > 0 ? `compressed attention, 1 in ${mixer.ratio}` : "window attention",
        perToken: (latents + index) * WIDTH,
        perSequence: mixer.windowTokens * mixer.headDim * WIDTH,
      };
    }
    case "recurrent":
      return {
        kind: mixer.variant,
        perToken: 0,
        perSequence: Math.max(0, mixer.convKernel - 1) * mixer.convChannels * WIDTH + mixer.stateElements * 4,
      };
    case "conv":
      return {
        kind: "short convolution",
        perToken: 0,
        perSequence: (mixer.kernel - 1) * mixer.channels * WIDTH,
      };
  }
}
