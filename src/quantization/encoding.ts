/** How one weight matrix lies in a file: codes, scales and whatever a method keeps beside them. */
import { elementsOf } from "../architecture/parameters.ts";
import { type Format, sizeOf } from "../formats/block.ts";
import { STORAGE_FORMATS } from "../formats/storage-formats.ts";
import type { Bytes } from "../units.ts";

export interface Encoding {
  /** What listings call it: "bf16", "gptq-4bit-g128", "fp8-block". */
  readonly id: string;
  /** Bytes of one tensor [out, in]. */
  readonly bytesOf: (shape: readonly number[]) => Bytes;
}

/** Output rows N and input columns K of a weight; a vector is one row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
}

/**
 * A tensor as rows by columns: the first dimension, and the product of the others.
 *
 * @example matrixOf([128, 3, 14, 14]) // { rows: 128, columns: 588 }
 */
export function matrixOf(shape: readonly number[]): Matrix {
  if (shape.length < 2) return { rows: 1, columns: shape[0] ?? 1 };
  return { rows: shape[0]!, columns: elementsOf(shape.slice(1)) };
}

/** An encoding by a formula over rows and columns. */
export function matrixEncoding(id: string, bytes: (matrix: Matrix) => Bytes): Encoding {
  return { id, bytesOf: (shape) => bytes(matrixOf(shape)) };
}

/** A format over the whole tensor, its last block padded. */
const plainEncoding = (format: Format): Encoding => ({
  id: format.id,
  bytesOf: (shape) => sizeOf(format, elementsOf(shape)),
});

const known = new Map<string, Encoding>();

/** The plain encoding of a storage format's id. */
export function plainById(id: string): Encoding {
  let encoding = known.get(id);
  if (encoding === undefined) {
    encoding = plainEncoding(STORAGE_FORMATS.get(id) ?? STORAGE_FORMATS.get("bf16")!);
    known.set(id, encoding);
  }
  return encoding;
}
