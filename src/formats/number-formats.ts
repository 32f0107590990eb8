/** Which codes are not finite numbers. `ieee`: a full exponent field is infinity or NaN. `fn`: only all ones is
 * NaN. `fnuz`: only the code of -0 is NaN. `finite`: none. `e8m0`: a bare power of two, 0xff is NaN, no zero. */
export type Specials = "ieee" | "fn" | "fnuz" | "finite" | "e8m0";

/** A floating point format. Everything else about it is derived: see float-facts.ts. */
export interface FloatFormat {
  readonly kind: "float";
  readonly id: string;
  readonly name: string;
  readonly signBits: 0 | 1;
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  readonly specials: Specials;
  /** Bits that one value takes in memory, unused ones included. */
  readonly storageBits: number;
  /** Where the unused bits are, when there are any. */
  readonly unused?: "low" | "high";
}

/** Two's complement, or unsigned, times a power of two. */
export interface IntegerFormat {
  readonly kind: "integer";
  readonly id: string;
  readonly name: string;
  readonly signed: boolean;
  readonly storageBits: number;
  /** The value is code x 2^scaleExponent. */
  readonly scaleExponent: number;
}

/** A table: the code is the index. */
export interface CodeBook {
  readonly kind: "code-book";
  readonly id: string;
  readonly name: string;
  readonly storageBits: number;
  readonly entries: readonly number[];
}

export type NumberFormat = FloatFormat | IntegerFormat | CodeBook;

type FloatRow = readonly [
  id: string,
  name: string,
  sign: 0 | 1,
  exponent: number,
  fraction: number,
  bias: number,
  specials: Specials,
  storage?: number,
  unused?: "low" | "high",
];

/**
 * IEEE 754-2019 (fp64, fp32, fp16); bf16 and tf32 by their vendors; OCP OFP8 v1.0 (e4m3fn, e5m2); OCP
 * Microscaling v1.0 (fp6, fp4, e8m0); the rest as ml_dtypes 0.6.0 and ONNX define them. ue4m3 is the scale
 * of GGML's NVFP4: e4m3fn without the sign.
 */
const FLOAT_ROWS: readonly FloatRow[] = [
  ["fp64", "double precision, IEEE 754 binary64", 1, 11, 52, 1023, "ieee"],
  ["fp32", "single precision, IEEE 754 binary32", 1, 8, 23, 127, "ieee"],
  ["tf32", "TensorFloat-32, rounding of fp32 inputs", 1, 8, 10, 127, "ieee", 32, "low"],
  ["fp16", "half precision, IEEE 754 binary16", 1, 5, 10, 15, "ieee"],
  ["bf16", "bfloat16, fp32 cut to 16 bits", 1, 8, 7, 127, "ieee"],
  ["fp8_e4m3fn", "OCP FP8 E4M3, no infinity", 1, 4, 3, 7, "fn"],
  ["fp8_e5m2", "OCP FP8 E5M2", 1, 5, 2, 15, "ieee"],
  ["fp8_e4m3_ieee", "FP8 E4M3 with infinity", 1, 4, 3, 7, "ieee"],
  ["fp8_e4m3fnuz", "FP8 E4M3, one zero, no infinity", 1, 4, 3, 8, "fnuz"],
  ["fp8_e5m2fnuz", "FP8 E5M2, one zero, no infinity", 1, 5, 2, 16, "fnuz"],
  ["fp8_e4m3b11fnuz", "FP8 E4M3 with bias 11, one zero", 1, 4, 3, 11, "fnuz"],
  ["fp8_e3m4", "FP8 E3M4 with infinity", 1, 3, 4, 3, "ieee"],
  ["ue4m3", "unsigned E4M3, a scale", 0, 4, 3, 7, "fn", 8, "high"],
  ["e8m0", "power of two, the scale of MX blocks", 0, 8, 0, 127, "e8m0"],
  ["fp6_e3m2", "OCP FP6 E3M2, finite only", 1, 3, 2, 3, "finite"],
  ["fp6_e2m3", "OCP FP6 E2M3, finite only", 1, 2, 3, 1, "finite"],
  ["fp4_e2m1", "OCP FP4 E2M1, finite only", 1, 2, 1, 1, "finite"],
];

const INTEGER_ROWS: readonly (readonly [
  id: string,
  name: string,
  signed: boolean,
  bits: number,
  scale?: number,
])[] = [
  ["int64", "64-bit integer", true, 64],
  ["int32", "32-bit integer", true, 32],
  ["int16", "16-bit integer", true, 16],
  ["int8", "8-bit integer", true, 8],
  ["uint8", "unsigned 8-bit integer", false, 8],
  ["int4", "4-bit integer", true, 4],
  ["uint4", "unsigned 4-bit integer", false, 4],
  ["mxint8_element", "8-bit fraction in steps of 1/64, the element of MXINT8", true, 8, -6],
];

/** Magnitudes of bitsandbytes fp4 in twelfths, by code: csrc/kernels.cu fp4_dequantization_lut, in fp32. */
const BNB_FP4 = [0, 0.0625, 8, 12, 4, 6, 2, 3].map((twelfths) => Math.fround(twelfths / 12));

const CODE_BOOK_ROWS: readonly CodeBook[] = [
  {
    kind: "code-book",
    id: "nf4",
    name: "NormalFloat4: quantiles of a normal distribution",
    storageBits: 4,
    // bitsandbytes functional.py get_4bit_type("nf4"), arXiv:2305.14314 appendix E.
    entries: [
      -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
      -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
      0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023,
      1,
    ],
  },
  {
    kind: "code-book",
    id: "bnb_fp4",
    name: "bitsandbytes FP4, not OCP E2M1",
    storageBits: 4,
    // The sign is the high bit; the second zero is written as integer 0 upstream and is not negative.
    entries: [...BNB_FP4, ...BNB_FP4.map((x) => (x === 0 ? 0 : -x))],
  },
  {
    kind: "code-book",
    id: "iq4_nl",
    name: "non-linear 4-bit levels of IQ4_NL and IQ4_XS",
    storageBits: 4,
    // ggml-common.h kvalues_iq4nl.
    entries: [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
  },
];

const byId = <F extends { readonly id: string }>(formats: readonly F[]): ReadonlyMap<string, F> =>
  new Map(formats.map((format) => [format.id, format]));

/** Floating point formats by id. */
export const FLOAT_FORMATS: ReadonlyMap<string, FloatFormat> = byId(
  FLOAT_ROWS.map(([id, name, signBits, exponentBits, fractionBits, bias, specials, storage, unused]) => ({
    kind: "float",
    id,
    name,
    signBits,
    exponentBits,
    fractionBits,
    bias,
    specials,
    storageBits: storage ?? signBits + exponentBits + fractionBits,
    ...(unused === undefined ? {} : { unused }),
  })),
);

/** Integer formats by id. */
export const INTEGER_FORMATS: ReadonlyMap<string, IntegerFormat> = byId(
  INTEGER_ROWS.map(([id, name, signed, storageBits, scaleExponent]) => ({
    kind: "integer",
    id,
    name,
    signed,
    storageBits,
    scaleExponent: scaleExponent ?? 0,
  })),
);

/** Tables by the id of the block format whose codes they decode. */
export const CODE_BOOKS: ReadonlyMap<string, CodeBook> = byId(CODE_BOOK_ROWS);
