import type { Architecture } from "../architecture/model.ts";
import { forEachTensor, tensorElements } from "../architecture/parameters.ts";
import { type Format, sizeOf } from "../formats/block.ts";
import type { Bytes } from "../units.ts";
import { type Basis, exactTerm, type Term } from "./term.ts";

/** How a model's weights are stored: one format for all, or a scheme that assigns formats to tensors. */
export interface WeightStorage {
  /** What the user asked for or the file says: "fp16", "q4_k_m", "stored". */
  readonly id: string;
  readonly basis: Basis;
  /** Bytes of all tensors of `model`, MTP layers left out. */
  readonly bytesOf: (model: Architecture) => Bytes;
}

/** Formats that a tensor may be pinned to whatever the rest is stored in. */
const PINNED_BYTES: { readonly [id: string]: number } = { fp32: 4, int64: 8, int32: 4, bf16: 2, fp16: 2 };

const uniformBytes = new WeakMap<Architecture, Map<string, Bytes>>();

/**
 * Every tensor in one format, a tensor with a format of its own aside. Each tensor fills whole blocks.
 *
 * @example uniformStorage(fp16).bytesOf(llama_3_1_8b) // 16_060_522_496 = 8,030,261,248 x 2
 */
export function uniformStorage(format: Format): WeightStorage {
  return { id: format.id, basis: "exact", bytesOf: (model) => cachedUniformBytes(model, format) };
}

function cachedUniformBytes(model: Architecture, format: Format): Bytes {
  let byFormat = uniformBytes.get(model);
  if (byFormat === undefined) {
    byFormat = new Map();
    uniformBytes.set(model, byFormat);
  }
  let bytes = byFormat.get(format.id);
  if (bytes === undefined) {
    bytes = 0;
    forEachTensor(model, (tensor, layers, stack) => {
      if (stack?.role === "mtp") return;
      const elements = tensorElements(tensor);
      const pinned = tensor.pinnedFormat === undefined ? undefined : PINNED_BYTES[tensor.pinnedFormat];
      bytes! +=
        layers * tensor.copies * (pinned === undefined ? sizeOf(format, elements) : elements * pinned);
    });
    byFormat.set(format.id, bytes);
  }
  return bytes;
}

/**
 * The weights as they lie on the card.
 *
 *     uniform   parameters x bytes per parameter          (2 for fp16, 4.5 bits in Q4_0 blocks, ...)
 *     scheme    sum over tensors of their own formats
 *
 * Not modelled: padding that an engine adds to its own copies (MXFP4 kernels, rotary tables); that is
 * the engine's `runtime`.
 *
 * @example weights(bareCount(14e9), uniformStorage(fp16)).bytes // 28_000_000_000
 */
export function weights(model: Architecture, storage: WeightStorage): Term {
  const bytes = storage.bytesOf(model);
  const parameters = model.parameters.stored;
  const each = parameters === 0 ? 0 : bytes / parameters;
  const inputs = { parameters, each };
  if (storage.basis === "exact") return exactTerm("weights", bytes, WEIGHTS_FORMULA, inputs);
  return {
    id: "weights",
    bytes,
    low: bytes,
    high: bytes,
    basis: storage.basis,
    formula: WEIGHTS_FORMULA,
    inputs,
  };
}

const WEIGHTS_FORMULA = "{parameters} x {each} B";

/** Bits per weight of a storage over a model, for printing. */
export function storageBitsPerWeight(model: Architecture, storage: WeightStorage): number {
  return (8 * storage.bytesOf(model)) / model.parameters.stored;
}
