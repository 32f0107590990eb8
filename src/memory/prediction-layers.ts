import type { Architecture, Stack } from "../architecture/model.ts";
import { countParameters, tensorElements } from "../architecture/parameters.ts";
import { draftCacheLayers } from "../engines/cache-layers.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import { onceFor } from "../remember.ts";
import type { Bytes } from "../units.ts";
import { type CacheInput, rowTerms } from "./kv-cache.ts";
import type { Term } from "./term.ts";
import { eachSum } from "./weights.ts";

/**
 * Weights of the multi-token-prediction layers that lie on a device.
 *
 *     scheme    bytes of the file with them less bytes without them
 *     uniform   parameters of the layers x bytes each
 *
 * Checkpoints may repeat the embedding and the head in each layer (DeepSeek-V3: 1,853,358,080 of
 * 13,463,426,304 parameters); engines may let go of them for the model's own, which is the band's low edge.
 *
 * @returns null where no such layer lies
 */
export function predictionWeights(model: Architecture, storage: WeightStorage): Term | null {
  const parameters = model.parameters.mtp;
  if (parameters === 0) return null;
  const bytes = predictionBytes(model, storage);
  let copied = 0;
  for (const stack of model.stacks) {
    if (stack.role !== "mtp") continue;
    stack.kinds.forEach(({ tensors }, kind) => {
      for (const tensor of tensors)
        if (tensor.kind === "embedding") copied += stack.counts[kind]! * tensorElements(tensor);
    });
  }
  return {
    id: "weights",
    label: "mtp",
    bytes,
    low: Math.floor(bytes * (1 - copied / parameters)),
    high: bytes,
    basis: copied > 0 ? "modelled" : storage.basis,
    ...eachSum(parameters, bytes),
  };
}

/** Bytes of the prediction layers alone. */
function predictionBytes(model: Architecture, storage: WeightStorage): Bytes {
  if (storage.fileBytesOf !== undefined) return storage.fileBytesOf(model) - storage.bytesOf(model);
  return storage.bytesOf(layersAlone(model));
}

/** The prediction layers as a model of their own. */
const layersAlone = onceFor((model: Architecture): Architecture => {
  const stacks = model.stacks.flatMap((stack): Stack[] =>
    stack.role === "mtp" ? [{ ...stack, role: "decoder" }] : [],
  );
  const draft = { ...model, stacks, tensors: [] };
  return { ...draft, parameters: countParameters(draft) };
});

/** `kv-cache` and `recurrent-state` of the prediction layers: as the model's own, for their layers. */
export function predictionCache(model: Architecture, input: CacheInput): readonly Term[] {
  return rowTerms(draftCacheLayers(model), model, input).map((term) => ({ ...term, label: "mtp" }));
}
