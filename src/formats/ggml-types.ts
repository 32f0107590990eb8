import type { Bytes } from "../units.ts";
import type { Format } from "./block.ts";

/** One tensor type of GGML: a row is whole blocks of `blockElements` values in `blockBytes`. */
export interface GgmlType {
  /** The number that a file carries, `enum ggml_type`. */
  readonly id: number;
  readonly name: string;
  readonly blockElements: number;
  readonly blockBytes: Bytes;
  /** Exists only while computing: no file holds it. */
  readonly runtimeOnly?: true;
}

/**
 * Id, name, values per block, bytes per block: the struct sizes of ggml-common.h, ggml d99724f (2026-08).
 * Missing ids were removed from GGML: 4, 5 (Q4_2, Q4_3), 31-33 and 36-38 (repacked Q4_0 and IQ4_NL).
 */
const ROWS: readonly (readonly [id: number, name: string, elements: number, bytes: Bytes])[] = [
  [0, "F32", 1, 4],
  [1, "F16", 1, 2],
  [2, "Q4_0", 32, 18],
  [3, "Q4_1", 32, 20],
  [6, "Q5_0", 32, 22],
  [7, "Q5_1", 32, 24],
  [8, "Q8_0", 32, 34],
  // 36 by sizeof(block_q8_1); gguf-py 0.19 says 40, from a time when its two halves were fp32.
  [9, "Q8_1", 32, 36],
  [10, "Q2_K", 256, 84],
  [11, "Q3_K", 256, 110],
  [12, "Q4_K", 256, 144],
  [13, "Q5_K", 256, 176],
  [14, "Q6_K", 256, 210],
  [15, "Q8_K", 256, 292],
  [16, "IQ2_XXS", 256, 66],
  [17, "IQ2_XS", 256, 74],
  [18, "IQ3_XXS", 256, 98],
  [19, "IQ1_S", 256, 50],
  [20, "IQ4_NL", 32, 18],
  [21, "IQ3_S", 256, 110],
  [22, "IQ2_S", 256, 82],
  [23, "IQ4_XS", 256, 136],
  [24, "I8", 1, 1],
  [25, "I16", 1, 2],
  [26, "I32", 1, 4],
  [27, "I64", 1, 8],
  [28, "F64", 1, 8],
  [29, "IQ1_M", 256, 56],
  [30, "BF16", 1, 2],
  [34, "TQ1_0", 256, 54],
  [35, "TQ2_0", 256, 66],
  [39, "MXFP4", 32, 17],
  [40, "NVFP4", 64, 36],
  [41, "Q1_0", 128, 18],
  [42, "Q2_0", 64, 18],
];

const RUNTIME_ONLY = new Set(["Q8_1", "Q8_K"]);

/** Every type, the removed ones left out. */
export const GGML_TYPES: readonly GgmlType[] = ROWS.map(([id, name, blockElements, blockBytes]) => ({
  id,
  name,
  blockElements,
  blockBytes,
  ...(RUNTIME_ONLY.has(name) ? { runtimeOnly: true } : {}),
}));

/** GGML types that are the same bytes as a format with a wider name. */
const SAME_AS: ReadonlyMap<string, string> = new Map([
  ["F64", "fp64"],
  ["F32", "fp32"],
  ["F16", "fp16"],
  ["BF16", "bf16"],
  ["I8", "int8"],
  ["I16", "int16"],
  ["I32", "int32"],
  ["I64", "int64"],
  ["MXFP4", "mxfp4"],
  // 64 values to a block and no scale per tensor, unlike the NVFP4 of checkpoints.
  ["NVFP4", "ggml_nvfp4"],
]);

/**
 * The storage format that a GGML type is.
 *
 * @example formatIdOfGgml("Q4_K") // "q4_k"
 */
export const formatIdOfGgml = (name: string): string => SAME_AS.get(name) ?? name.toLowerCase();

/** A type as a format: blocks of its elements and bytes. */
export const ggmlFormat = (type: GgmlType): Format => ({
  id: formatIdOfGgml(type.name),
  parts: [{ elements: type.blockElements, bytes: type.blockBytes }],
});
