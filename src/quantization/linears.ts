/** Which tensors a method reaches before any skip list is read. */
import type { Place } from "./scheme.ts";

/** True for weights of the layers that predict tokens: the blocks that calibrated methods walk. */
export function inTextBlock({ stack }: Place): boolean {
  switch (stack?.role) {
    case "decoder":
    case "encoder":
    case "mtp":
      return true;
    case "vision":
    case "audio":
    case undefined:
      return false;
  }
}

/** True for weights of linear modules, one matrix per expert included; routers are chosen by name only. */
export function isLinear({ tensor }: Place): boolean {
  if (tensor.shape.length !== 2 || tensor.role === "router") return false;
  return tensor.kind === "linear" || tensor.kind === "expert";
}

/** The output head. */
export const isHead = ({ tensor }: Place): boolean => tensor.role === "head";

/** Projections that join a prediction layer to the model: no method quantizes them. */
export const isPredictionInput = ({ tensor, stack }: Place): boolean =>
  stack?.role === "mtp" && tensor.role === "other";

/** Linears of the text blocks: what GPTQ, AWQ, FP8 and NVFP4 recipes quantize by default. */
export const isBlockLinear = (place: Place): boolean =>
  isLinear(place) && inTextBlock(place) && !isPredictionInput(place);

/**
 * Linears that a framework replaces module by module: towers and projectors too, but not the head, and not
 * experts, which transformers 5 holds as three-dimensional parameters.
 */
export const isReplacedLinear = (place: Place): boolean =>
  isLinear(place) && !isHead(place) && !isPredictionInput(place) && place.tensor.kind !== "expert";
