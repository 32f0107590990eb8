import type { Bytes } from "../../units.ts";
import type { SafetensorsDtype } from "./dtypes.ts";

export interface StoredTensor {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  /** Row-major, the innermost dimension last; empty for a scalar. */
  readonly shape: readonly number[];
  /** Values, also where several share a byte. */
  readonly elements: number;
  readonly bytes: Bytes;
  /** The name of the file that holds it, one of `TensorFile.files`. */
  readonly file: string;
  /** From the start of that file, not of its data section. */
  readonly offset: Bytes;
}

export interface StoredFile {
  readonly name: string;
  /** Null when the source does not say. */
  readonly bytes: Bytes | null;
  readonly tensors: number;
  readonly dataOffset: Bytes;
}

/** Something odd that does not stand in the way of an exact answer. */
export interface TensorFileNote {
  /** `unlisted-tensors`: shards hold tensors that the index does not name; they are counted. */
  /** `total-size-differs`: the index gives another total than its shards; the shards count. */
  readonly code: "unlisted-tensors" | "total-size-differs";
  readonly message: string;
}

/** The tensors of one safetensors file or of all shards of a model. */
export interface TensorFile {
  readonly kind: "tensors";
  /** In the order of the header or, for shards, of the files by name. */
  readonly tensors: readonly StoredTensor[];
  /** `__metadata__` of the first file; of values longer than 64 KiB only that they are text was checked. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The sum over `tensors`. */
  readonly totalBytes: Bytes;
  readonly files: readonly StoredFile[];
  readonly notes: readonly TensorFileNote[];
}

/** Builds the rows of its tensors when they are first asked for: what the checks and the sums need is less. */
export function tensorFile(
  rows: () => readonly StoredTensor[],
  rest: Omit<TensorFile, "kind" | "tensors">,
): TensorFile {
  let build: (() => readonly StoredTensor[]) | null = rows;
  let built: readonly StoredTensor[] = [];
  return {
    kind: "tensors",
    get tensors() {
      if (build !== null) built = build();
      // What they were built from may go.
      build = null;
      return built;
    },
    ...rest,
  };
}

/** What an index alone says: totals, without the tensors' shapes. */
export interface IndexTotals {
  readonly kind: "totals";
  /** The index that says so. */
  readonly file: string;
  /** `pytorch`: the weights are pickles, which are never opened. */
  readonly source: "pytorch-index";
  /** `metadata.total_size`: the sum of the tensors' bytes as its writer counted them. */
  readonly totalBytes: Bytes;
  /** `metadata.total_parameters`, which only recent writers give. */
  readonly parameters: number | null;
  /** How many tensors the index names. */
  readonly tensors: number;
  readonly files: readonly string[];
}
