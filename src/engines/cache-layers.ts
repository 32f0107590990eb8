import type { AttentionMixer, Mixer } from "../architecture/mixers/mixer.ts";
import type { Architecture, StackRole } from "../architecture/model.ts";
import { readsText, turnsOf } from "../architecture/stack.ts";
import { onceForEach } from "../remember.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { CacheFormat } from "./cache-format.ts";

/** Layers that keep the same thing between tokens. */
export interface CacheLayer {
  readonly mixer: Mixer;
  readonly layers: number;
}

/**
 * The decoder's mixers that keep a cache or a state, equal ones merged: a dense layer and a layer of
 * experts with the same attention are one row. Layers that read another layer's cache, encoders, towers
 * and multi-token-prediction layers keep none here.
 *
 * @example cacheLayers(llama_3_1_8b).map(({ mixer, layers }) => [mixer.kind, layers]) // [["attention", 32]]
 */
export function cacheLayers(model: Architecture): readonly CacheLayer[] {
  return mergedMixers(model, "decoder");
}

/** The same rows with layers that read another layer's cache, for an engine whose pool has room for theirs too. */
export function layersWithShared(model: Architecture): readonly CacheLayer[] {
  return everyMixer(model, "decoder");
}

/** The same rows of the multi-token-prediction layers, which engines run only to speculate. */
export function draftCacheLayers(model: Architecture): readonly CacheLayer[] {
  return mergedMixers(model, "mtp");
}

const mergedMixers = onceForEach((model: Architecture, role: StackRole) =>
  merge(model, { role, shared: false }),
);
const everyMixer = onceForEach((model: Architecture, role: StackRole) =>
  merge(model, { role, shared: true }),
);

function merge(
  model: Architecture,
  { role, shared }: { readonly role: StackRole; readonly shared: boolean },
): readonly CacheLayer[] {
  const byShape = new Map<string, { mixer: Mixer; layers: number }>();
  for (const stack of model.stacks) {
    if (stack.role !== role) continue;
    stack.kinds.forEach((kind, index) => {
      const layers = turnsOf(stack, index);
      for (const mixer of kind.mixers) {
        if (mixer.kind === "attention" && mixer.cache === "none") continue;
        if (mixer.kind === "attention" && mixer.cache === "shared" && !shared) continue;
        const shape = JSON.stringify(mixer);
        const row = byShape.get(shape);
        if (row === undefined) byShape.set(shape, { mixer, layers });
        else row.layers += layers;
      }
    });
  }
  return [...byShape.values()];
}

/** Positions that a layer's own attention looks back on at most: its window or chunk. */
export function reachOf(mixer: AttentionMixer): Tokens {
  return mixer.windowTokens ?? mixer.chunkTokens ?? Number.POSITIVE_INFINITY;
}

/** Keys, values and index keys of one position in one layer: kvHeads * (key + value) + index key. */
export function attentionBytesPerToken(mixer: AttentionMixer, format: CacheFormat): Bytes {
  return (
    mixer.kvHeads * (format.keyBytesPerVector(mixer.keyDim) + format.valueBytesPerVector(mixer.valueDim)) +
    (mixer.indexKeyDim === undefined ? 0 : format.keyBytesPerVector(mixer.indexKeyDim))
  );
}

/**
 * Query heads of the layer with the most, an encoder's among them: what a score matrix has one of each.
 *
 * @example mostQueryHeads(llama_3_1_8b) // 32
 */
export function mostQueryHeads(model: Architecture): number {
  let heads = 0;
  for (const { role, kinds } of model.stacks)
    if (readsText(role))
      for (const { mixers } of kinds)
        for (const mixer of mixers) if ("queryHeads" in mixer) heads = Math.max(heads, mixer.queryHeads);
  return heads;
}
