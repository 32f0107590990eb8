import type { Bytes } from "../../units.ts";

/** How one tensor type of GGML stores a row: whole blocks of `blockElements` values in `blockBytes`. */
export interface GgmlType {
  /** The number that a file carries (`enum ggml_type`). */
  readonly id: number;
  readonly name: string;
  readonly blockElements: number;
  readonly blockBytes: Bytes;
}

/**
 * Id, name, elements and bytes of a block: the struct sizes of ggml-common.h at ggml d99724f (2026-08).
 * Q8_K is a format of intermediate results that no file is known to hold; its size is not in dispute.
 */
const ROWS: readonly (readonly [id: number, name: string, elements: number, bytes: Bytes])[] = [
  [0, "F32", 1, 4],
  [1, "F16", 1, 2],
  [2, "Q4_0", 32, 18],
  [3, "Q4_1", 32, 20],
  [6, "Q5_0", 32, 22],
  [7, "Q5_1", 32, 24],
  [8, "Q8_0", 32, 34],
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

export const GGML_TYPES: readonly GgmlType[] = Object.freeze(
  ROWS.map(([id, name, blockElements, blockBytes]) => Object.freeze({ id, name, blockElements, blockBytes })),
);

const BY_ID: ReadonlyMap<number, GgmlType> = new Map(GGML_TYPES.map((type) => [type.id, type]));

/** Ids that once meant something, or never do in a file. Their sizes are gone or disputed, so they are refused. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [4, "Q4_2, which GGML removed in 2023"],
  [5, "Q4_3, which GGML removed in 2023"],
  // 36 bytes in ggml-common.h, 40 in gguf-py 0.19.
  [9, "Q8_1, which exists only while computing"],
  [31, "Q4_0_4_4, which GGML removed in favour of repacking Q4_0 at load"],
  [32, "Q4_0_4_8, which GGML removed in favour of repacking Q4_0 at load"],
  [33, "Q4_0_8_8, which GGML removed in favour of repacking Q4_0 at load"],
  [36, "IQ4_NL_4_4, which GGML removed in favour of repacking IQ4_NL at load"],
  [37, "IQ4_NL_4_8, which GGML removed in favour of repacking IQ4_NL at load"],
  [38, "IQ4_NL_8_8, which GGML removed in favour of repacking IQ4_NL at load"],
]);

/** The type with this id, or what to say of an id that no file of today's GGML has. */
export function ggmlTypeOf(id: number): GgmlType | string {
  return BY_ID.get(id) ?? `tensor type ${id}${REFUSED.has(id) ? ` (${REFUSED.get(id)})` : ""}`;
}
