import type { Architecture } from "../../architecture/model.ts";
import { forEachTensor, tensorElements } from "../../architecture/parameters.ts";
import { dividedLayers } from "../../parallelism/layer-range.ts";
import type { Bytes } from "../../units.ts";
import { type PackedFormat, packedBytes, packedState } from "./holding.ts";
import { layerCode } from "./layer-code.ts";
import type { Holding } from "./pass.ts";
import { allocated, BLOCK_BYTES } from "./tape.ts";

export interface WeightBytes {
  /** Weights of the model, dense part. */
  readonly dense: Bytes;
  /** Weights of routed experts, which their own group of devices may divide. */
  readonly experts: Bytes;
  /** Scales of packed weights, a part of each, which nothing divides. */
  readonly denseScales: Bytes;
  readonly expertScales: Bytes;
  readonly adapters: Bytes;
  /** Elements of the dense and the expert weights. */
  readonly denseElements: number;
  readonly expertElements: number;
  /** The largest layer, a unit that sharding gathers whole. */
  readonly largestLayer: LayerElements;
  /** Elements of everything outside layers. */
  readonly outsideElements: number;
}

export interface LayerElements {
  readonly elements: number;
  /** Of those in few bits. */
  readonly packed: number;
  /** Parameters of the layer or of its adapters that train. */
  readonly trained: number;
}

/**
 * Weights in memory while training, each tensor in blocks of 512 bytes. Small buffers
 * take a block each.
 */
export function weightBytes(
  model: Architecture,
  holding: Holding,
  request: { readonly packed: PackedFormat; readonly storedWidth: number | null; readonly buffers: number },
): WeightBytes {
  let dense = request.buffers * BLOCK_BYTES + (request.buffers === 0 ? 0 : maskBytes(model));
  let experts = 0;
  let denseScales = 0;
  let expertScales = 0;
  let adapters = 0;
  let denseElements = 0;
  let expertElements = 0;
  let outsideElements = 0;
  forEachTensor(model, (tensor, layers, stack) => {
    if (stack?.role === "mtp") return;
    const elements = tensorElements(tensor) * tensor.copies;
    const width = request.storedWidth ?? holding.width(tensor);
    const packed = holding.packed(tensor);
    const bytes = packed ? packedBytes(tensor, request.packed) : allocated(elements * width);
    const scales = packed ? packedState(tensor, request.packed) : 0;
    if (tensor.group === "experts") {
      experts += layers * bytes;
      expertScales += layers * scales;
      expertElements += layers * elements;
    } else {
      dense += layers * bytes;
      denseScales += layers * scales;
      denseElements += layers * elements;
    }
    if (stack === null) outsideElements += elements;
    const adapter = holding.adapter(tensor);
    if (adapter !== null) adapters += layers * allocated(adapter.parameters * adapter.width);
  });
  return {
    dense,
    experts,
    denseScales,
    expertScales,
    adapters,
    denseElements,
    expertElements,
    largestLayer: largestLayer(model, holding),
    outsideElements,
  };
}

/**
 * Causal masks that a class registers as buffers, one byte for each pair of positions: GPT-Neo has one of
 * 2048 x 2048 B in every layer.
 */
function maskBytes(model: Architecture): Bytes {
  const { maskBuffers } = layerCode(model);
  const each = (model.maxContextTokens ?? 0) ** 2;
  if (maskBuffers === "none") return 0;
  return allocated(each) * (maskBuffers === "layer" ? dividedLayers(model) : 1);
}

function largestLayer(model: Architecture, holding: Holding): LayerElements {
  let largest: LayerElements = { elements: 0, packed: 0, trained: 0 };
  for (const stack of model.stacks) {
    for (const kind of stack.kinds) {
      let elements = 0;
      let packed = 0;
      let trained = 0;
      for (const tensor of kind.tensors) {
        const own = tensorElements(tensor) * tensor.copies;
        elements += own;
        if (holding.packed(tensor)) packed += own;
        trained += holding.trainable(tensor) ? own : (holding.adapter(tensor)?.parameters ?? 0);
      }
      if (elements > largest.elements) largest = { elements, packed, trained };
    }
  }
  return largest;
}
