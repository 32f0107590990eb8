import type { LayerKind, Tensor } from "../model.ts";
import { linear } from "../tensors.ts";

/** The layer with more tensors in it. */
export function beside(layer: LayerKind, more: readonly Tensor[]): LayerKind {
  return { ...layer, tensors: [...layer.tensors, ...more] };
}

/** A linear [h, h] with a bias, beside those of attention. */
export function attentionLinear(name: string, outDim: number, inDim = outDim): Tensor[] {
  return linear({ name, role: "other", group: "attention", outDim, inDim, bias: true, split: "column" });
}
