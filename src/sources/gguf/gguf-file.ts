import type { GgmlType } from "../../formats/ggml-types.ts";
import type { Bytes } from "../../units.ts";

/** The names of the value types of GGUF metadata, in the order of their ids 0 to 12. */
export const GGUF_VALUE_TYPES = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
] as const;
export type GgufValueType = (typeof GGUF_VALUE_TYPES)[number];

/** An array in the metadata. A vocabulary of 250,000 strings is walked over, never built. */
export interface GgufArray {
  readonly elementType: GgufValueType;
  readonly count: number;
  /**
   * What it holds, for numbers and booleans of at most 4096 elements (head counts per layer and the like).
   * Absent for longer arrays, strings, nested arrays, and where an integer is beyond 2^53 - 1.
   */
  readonly values?: readonly number[] | readonly boolean[];
}

/** A 64-bit integer beyond 2^53 - 1 stays a bigint; null stands for a string of over 1 MiB, not kept. */
export type GgufValue = number | bigint | boolean | string | null | GgufArray;

export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlType;
  /** As in the file: the innermost dimension, the length of a row, first. */
  readonly shape: readonly number[];
  /** As other tools print it: the innermost dimension last. */
  readonly rowMajorShape: readonly number[];
  readonly elements: number;
  readonly bytes: Bytes;
  /** The name of the file that holds it, one of `GgufFile.files`. */
  readonly file: string;
  /** From the start of that file, not of its data section. */
  readonly offset: Bytes;
}

export interface GgufShard {
  readonly name: string;
  /** Null when the source does not say. */
  readonly bytes: Bytes | null;
  readonly tensors: number;
  readonly dataOffset: Bytes;
}

/** What the header of a GGUF file says; for a split model, of all its files together. */
export interface GgufFile {
  readonly version: number;
  readonly littleEndian: boolean;
  /** `general.alignment`, 32 when absent. */
  readonly alignment: Bytes;
  /** Of the first split, which is the one that carries the model's own keys. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** The count of `tokenizer.ggml.tokens`; null when the file has no vocabulary. */
  readonly vocabularyTokens: number | null;
  /** In the order of the file or, for splits, of the files. */
  readonly tensors: readonly GgufTensor[];
  /** The sum over `tensors`, without the padding between them. */
  readonly tensorBytes: Bytes;
  /** Where tensor data begins in the first file. */
  readonly dataOffset: Bytes;
  /** The sum over `files`; null when one of them has no known size. */
  readonly fileBytes: Bytes | null;
  readonly files: readonly GgufShard[];
}
