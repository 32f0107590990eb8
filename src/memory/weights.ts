import type { Architecture } from "../architecture/model.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import { exactTerm, type Term } from "./term.ts";

/**
 * The weights as they lie on the card.
 *
 *     uniform   parameters x bytes per parameter          (2 for fp16, 4.5 bits in Q4_0 blocks, ...)
 *     scheme    sum over tensors of their own formats
 *
 * Not modelled: padding that an engine adds to its own copies (MXFP4 kernels, rotary tables); that is
 * the engine's `runtime`.
 *
 * @example weights(typicalArchitecture(14e9), storageByName("fp16")).bytes // 28_000_000_000
 */
export function weights(model: Architecture, storage: WeightStorage): Term {
  const bytes = storage.bytesOf(model);
  const parameters = model.parameters.stored;
  const each = parameters === 0 ? 0 : bytes / parameters;
  const inputs = { parameters, each };
  const basis = storage.basisOf?.(model) ?? storage.basis;
  if (basis === "exact") return exactTerm("weights", bytes, WEIGHTS_FORMULA, inputs);
  return {
    id: "weights",
    bytes,
    low: bytes,
    high: bytes,
    basis,
    formula: WEIGHTS_FORMULA,
    inputs,
  };
}

const WEIGHTS_FORMULA = "{parameters} x {each} B";

/** Bits per weight of a storage over a model, for printing. */
export function storageBitsPerWeight(model: Architecture, storage: WeightStorage): number {
  return (8 * storage.bytesOf(model)) / model.parameters.stored;
}
