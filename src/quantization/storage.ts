import type { Architecture, Note } from "../architecture/model.ts";
import { forEachTensor, tensorElements } from "../architecture/parameters.ts";
import { type Format, sizeOf } from "../formats/block.ts";
import { findFormatId, formatByName } from "../formats/format-names.ts";
import type { Basis } from "../memory/term.ts";
import { onceFor } from "../remember.ts";
import type { Bytes } from "../units.ts";
import type { Scheme } from "./scheme.ts";

/** Elements that one format holds, and the bytes they take. */
export interface FormatSum {
  readonly format: string;
  readonly elements: number;
  readonly bytes: Bytes;
}

/** Sums by format of what `add` is given. */
export function formatSums(fill: (add: (sum: FormatSum) => void) => void): readonly FormatSum[] {
  const sums = new Map<string, { format: string; elements: number; bytes: Bytes }>();
  fill(({ format, elements, bytes }) => {
    const sum = sums.get(format);
    if (sum === undefined) sums.set(format, { format, elements, bytes });
    else {
      sum.elements += elements;
      sum.bytes += bytes;
    }
  });
  return [...sums.values()];
}

/** How a model's weights are stored: one format for all, or a scheme that assigns formats to tensors. */
export interface WeightStorage {
  /** What the user asked for or the file says: "fp16", "q4_k_m", "stored". */
  readonly id: string;
  readonly basis: Basis;
  /** Bytes of all tensors of `model`, MTP layers left out. */
  readonly bytesOf: (model: Architecture) => Bytes;
  /** `bytesOf` by format, computed when a formula is read; what it lacks of the sum is stored besides. */
  readonly sumsOf?: (model: Architecture) => readonly FormatSum[];
  /** Bytes of the published files: MTP layers included where the method's files hold them. */
  readonly fileBytesOf?: (model: Architecture) => Bytes;
  /** Basis for one model where it is not `basis`: a scheme over assumed shapes is assumed. */
  readonly basisOf?: (model: Architecture) => Basis;
  /** What the method leaves unquantized against expectation. */
  readonly notesOf?: (model: Architecture) => readonly Note[];
  /** The assignment behind it; absent when all tensors share one format or were read from a file. */
  readonly scheme?: Scheme;
}

/** Formats that a tensor may be pinned to whatever the rest is stored in. */
const PINNED_BYTES: { readonly [id: string]: number } = {
  fp32: 4,
  int64: 8,
  int32: 4,
  bf16: 2,
  fp16: 2,
  int8: 1,
};

/**
 * Every tensor in one format, a tensor with a format of its own aside. Each tensor fills whole blocks.
 *
 * @example uniformStorage(fp16).bytesOf(llama_3_1_8b) // 16_060_522_496 = 8,030,261,248 x 2
 */
export function uniformStorage(format: Format): WeightStorage {
  return ofFormat(format);
}

/** One object for each format, because what is known of a model's weights is kept by it. */
const ofFormat = onceFor((format: Format): WeightStorage => {
  const bytesOf = onceFor((model: Architecture) => uniformBytes(model, format));
  return { id: format.id, basis: "exact", bytesOf };
});

/** Number formats that weights are held in without scales, whatever the tensor. */
const PLAIN_IDS: ReadonlySet<string> = new Set([
  "fp64",
  "fp32",
  "tf32",
  "fp16",
  "bf16",
  "int64",
  "int32",
  "int16",
]);

/**
 * The storage that a name of an unscaled format stands for, without loading the quantization schemes;
 * null for every other name.
 *
 * @example plainStorageByName("bfloat16")?.id // "bf16"
 */
export function plainStorageByName(name: string): WeightStorage | null {
  const id = findFormatId(name);
  return id !== undefined && PLAIN_IDS.has(id) ? uniformStorage(formatByName(id)) : null;
}

function uniformBytes(model: Architecture, format: Format): Bytes {
  let bytes = 0;
  forEachTensor(model, (tensor, layers, stack) => {
    if (stack?.role === "mtp") return;
    const elements = tensorElements(tensor);
    const pinned = tensor.pinnedFormat === undefined ? undefined : PINNED_BYTES[tensor.pinnedFormat];
    bytes += layers * tensor.copies * (pinned === undefined ? sizeOf(format, elements) : elements * pinned);
  });
  return bytes;
}
