/** Quantization as data: which tensor is stored how. */
import type { Architecture, Note, Stack, Tensor } from "../architecture/model.ts";
import type { Basis } from "../memory/term.ts";
import type { Encoding } from "./encoding.ts";

/** One tensor at one layer. */
export interface Place {
  readonly tensor: Tensor;
  /** Null outside the layers. */
  readonly stack: Stack | null;
  /** Number of the layer as names carry it; 0 outside the layers. */
  readonly layer: number;
  /** The tensors of the same layer. */
  readonly siblings: readonly Tensor[];
}

/** The encoding of a tensor, or null for one that keeps the model's own format. */
export type Assign = (place: Place) => Encoding | null;

export interface Scheme {
  readonly id: string;
  readonly basis: Basis;
  /** True when equal layers may be stored differently: the layers are then asked one by one, in order. */
  readonly layered: boolean;
  /** Format of what keeps the model's own; absent means the published format, else bf16. */
  readonly leftAs?: (model: Architecture) => string;
  /** Starts an assignment for one model; a fresh one for every pass, as recipes count. */
  readonly begin: (model: Architecture) => Assign;
  readonly notesOf?: (model: Architecture) => readonly Note[];
  /** Bytes that the file holds besides the tensors of the class. */
  readonly besides?: (model: Architecture) => number;
}

/** 16 bits: what a framework computes in while it quantizes; the model's own format if it is one of them. */
export function sixteenBit(model: Architecture): string {
  return model.dtype === "fp16" ? "fp16" : "bf16";
}
