import type { Bytes } from "../units.ts";

/** A run of bytes inside a block, in the order in which it is stored. */
export interface BlockField {
  readonly name: string;
  readonly bytes: Bytes;
  readonly holds: string;
}

/** How a block format lays out the values that share a scale. */
export interface BlockLayout {
  readonly id: string;
  readonly name: string;
  /** What one value is stored as: the id of a number format, or words. */
  readonly element: string;
  readonly scale: string;
  readonly blockElements: number;
  readonly fields: readonly BlockField[];
  /** How a value is put together again. */
  readonly value: string;
  /** What is stored beside the blocks, if anything. */
  readonly beside?: string;
}

type Field = readonly [name: string, bytes: Bytes, holds: string];
type Row = readonly [
  id: string,
  name: string,
  element: string,
  scale: string,
  blockElements: number,
  fields: readonly Field[],
  value: string,
  beside?: string,
];

const mx = (id: string, element: string, elementBits: number): Row => [
  id,
  "OCP Microscaling",
  element,
  "e8m0",
  32,
  [
    ["scale", 1, "one power of two"],
    ["elements", 4 * elementBits, `32 x ${elementBits} bits`],
  ],
  "scale x element",
];

const bitsandbytes = (id: string, book: string, name: string): readonly Row[] => [
  [
    id,
    name,
    `${book} code book`,
    "fp32 absmax",
    64,
    [
      ["codes", 32, "64 x 4 bits"],
      ["absmax", 4, "fp32, the largest magnitude of the 64"],
    ],
    "absmax x entry",
  ],
  [
    `${id}_dq`,
    `${name}, double quantization`,
    `${book} code book`,
    "8-bit absmax",
    64,
    [
      ["codes", 32, "64 x 4 bits"],
      ["absmax", 1, "8-bit code of the absmax, less their mean"],
    ],
    "(scale x absmax code + mean) x entry",
    "one fp32 scale per 256 absmax (16,384 values), one mean per tensor",
  ],
];

const D: Field = ["d", 2, "fp16 scale of the block"];
const DMIN: Field = ["dmin", 2, "fp16 scale of the minima"];
const M: Field = ["m", 2, "fp16 minimum"];
const K_SCALES: Field = ["scales", 12, "8 scales and 8 minima, 6 bits each"];
const SUPER = 256;

const plain = (id: string, bits: number, value: string, fields: readonly Field[]): Row => [
  id,
  "GGML",
  `${bits}-bit integer`,
  fields.some(([name]) => name === "m") ? "fp16 + min" : "fp16",
  32,
  fields,
  value,
];
const k = (id: string, bits: number, sub: string, value: string, fields: readonly Field[]): Row => [
  id,
  "GGML k-quant",
  `${bits}-bit integer`,
  sub,
  SUPER,
  fields,
  value,
];
const grid = (
  id: string,
  element: string,
  scale: string,
  fields: readonly Field[],
  value = "d x scale x grid value",
): Row => [id, "GGML i-quant", element, scale, SUPER, fields, value];

/** Structs of ggml-common.h in llama.cpp 01243c5 (2026), which the sizes of GGML_TYPES must equal. */
const ROWS: readonly Row[] = [
  mx("mxfp8_e4m3", "fp8_e4m3fn", 8),
  mx("mxfp8_e5m2", "fp8_e5m2", 8),
  mx("mxfp6_e3m2", "fp6_e3m2", 6),
  mx("mxfp6_e2m3", "fp6_e2m3", 6),
  mx("mxfp4", "fp4_e2m1", 4),
  mx("mxint8", "mxint8_element", 8),
  [
    "nvfp4",
    "NVIDIA FP4",
    "fp4_e2m1",
    "fp8_e4m3fn",
    16,
    [
      ["elements", 8, "16 x 4 bits"],
      ["scale", 1, "fp8_e4m3fn"],
    ],
    "tensor scale x scale x element",
    "one fp32 scale per tensor",
  ],
  [
    "ggml_nvfp4",
    "GGML NVFP4",
    "fp4_e2m1",
    "ue4m3",
    64,
    [
      ["d", 4, "4 scales in ue4m3, one per 16 values"],
      ["qs", 32, "64 x 4 bits"],
    ],
    "d x element",
  ],
  ...bitsandbytes("nf4", "nf4", "bitsandbytes NormalFloat4"),
  ...bitsandbytes("bnb_fp4", "bnb_fp4", "bitsandbytes FP4"),
  plain("q4_0", 4, "d x (q - 8)", [D, ["qs", 16, "32 x 4 bits"]]),
  plain("q4_1", 4, "d x q + m", [D, M, ["qs", 16, "32 x 4 bits"]]),
  plain("q5_0", 5, "d x (q - 16)", [D, ["qh", 4, "32 high bits"], ["qs", 16, "32 x 4 low bits"]]),
  plain("q5_1", 5, "d x q + m", [D, M, ["qh", 4, "32 high bits"], ["qs", 16, "32 x 4 low bits"]]),
  plain("q8_0", 8, "d x q", [D, ["qs", 32, "32 x 8 bits"]]),
  plain("q8_1", 8, "d x q", [D, ["s", 2, "fp16, d x the sum of the 32 integers"], ["qs", 32, "32 x 8 bits"]]),
  k("q2_k", 2, "4-bit + min per 16", "d x scale x q - dmin x min", [
    ["scales", 16, "16 scales and 16 minima, 4 bits each"],
    ["qs", 64, "256 x 2 bits"],
    D,
    DMIN,
  ]),
  k("q3_k", 3, "6-bit per 16", "d x (scale - 32) x (q - 4)", [
    ["hmask", 32, "256 high bits"],
    ["qs", 64, "256 x 2 low bits"],
    ["scales", 12, "16 x 6 bits"],
    D,
  ]),
  k("q4_k", 4, "6-bit + min per 32", "d x scale x q - dmin x min", [
    D,
    DMIN,
    K_SCALES,
    ["qs", 128, "256 x 4 bits"],
  ]),
  k("q5_k", 5, "6-bit + min per 32", "d x scale x q - dmin x min", [
    D,
    DMIN,
    K_SCALES,
    ["qh", 32, "256 high bits"],
    ["qs", 128, "256 x 4 low bits"],
  ]),
  k("q6_k", 6, "8-bit per 16", "d x scale x (q - 32)", [
    ["ql", 128, "256 x 4 low bits"],
    ["qh", 64, "256 x 2 high bits"],
    ["scales", 16, "16 x 8 bits"],
    D,
  ]),
  k("q8_k", 8, "fp32", "d x q", [
    ["d", 4, "fp32 scale"],
    ["qs", 256, "256 x 8 bits"],
    ["bsums", 32, "16 sums of 16 integers, 16 bits each"],
  ]),
  grid("iq2_xxs", "8-value grid of 256", "4-bit per 32", [
    D,
    ["qs", 64, "per 32 values: 4 grid indices, signs and a scale in 8 bytes"],
  ]),
  grid("iq2_xs", "8-value grid of 512", "4-bit per 16", [
    D,
    ["qs", 64, "32 x (9-bit grid index, 7 bits of signs)"],
    ["scales", 8, "16 x 4 bits"],
  ]),
  grid("iq2_s", "8-value grid of 1024", "4-bit per 16", [
    D,
    ["qs", 64, "low bits of 32 grid indices, and signs"],
    ["qh", 8, "high bits of the indices"],
    ["scales", 8, "16 x 4 bits"],
  ]),
  grid("iq3_xxs", "4-value grid of 256", "4-bit per 32", [
    D,
    ["qs", 96, "64 grid indices, then signs and scales"],
  ]),
  grid("iq3_s", "4-value grid of 512", "4-bit per 32", [
    D,
    ["qs", 64, "low bits of 64 grid indices"],
    ["qh", 8, "high bits of the indices"],
    ["signs", 32, "256 sign bits"],
    ["scales", 4, "8 x 4 bits"],
  ]),
  grid(
    "iq1_s",
    "8-value grid of 2048",
    "3-bit per 32",
    [D, ["qs", 32, "low bits of 32 grid indices"], ["qh", 16, "high bits, scale and shift of each 32"]],
    "d x scale x (grid value + shift)",
  ),
  grid(
    "iq1_m",
    "8-value grid of 2048",
    "3-bit per 16",
    [
      ["qs", 32, "low bits of 32 grid indices"],
      ["qh", 16, "high bits and shifts"],
      ["scales", 8, "16 x 3 bits, and the fp16 scale in the 4 bits left of each word"],
    ],
    "d x scale x (grid value + shift)",
  ),
  ["iq4_nl", "GGML i-quant", "iq4_nl code book", "fp16", 32, [D, ["qs", 16, "32 x 4 bits"]], "d x entry"],
  [
    "iq4_xs",
    "GGML i-quant",
    "iq4_nl code book",
    "6-bit per 32",
    SUPER,
    [D, ["scales_h", 2, "8 x 2 high bits"], ["scales_l", 4, "8 x 4 low bits"], ["qs", 128, "256 x 4 bits"]],
    "d x (scale - 32) x entry",
  ],
  [
    "tq1_0",
    "GGML ternary",
    "-1, 0 or 1",
    "fp16",
    SUPER,
    [["qs", 48, "240 values, 5 to a byte (3^5 = 243)"], ["qh", 4, "16 values, 4 to a byte"], D],
    "d x (q - 1)",
  ],
  ["tq2_0", "GGML ternary", "-1, 0 or 1", "fp16", SUPER, [["qs", 64, "256 x 2 bits"], D], "d x (q - 1)"],
  ["q1_0", "GGML", "sign", "fp16", 128, [D, ["qs", 16, "128 x 1 bit"]], "d or -d"],
  ["q2_0", "GGML", "2-bit integer", "fp16", 64, [D, ["qs", 16, "64 x 2 bits"]], "d x (q - 1)"],
];

/** Every block format by id. */
export const BLOCK_LAYOUTS: ReadonlyMap<string, BlockLayout> = new Map(
  ROWS.map(([id, name, element, scale, blockElements, fields, value, beside]) => [
    id,
    {
      id,
      name,
      element,
      scale,
      blockElements,
      fields: fields.map(([field, bytes, holds]) => ({ name: field, bytes, holds })),
      value,
      ...(beside === undefined ? {} : { beside }),
    },
  ]),
);

/** The id of the code book that a layout's elements index, if they do. */
export const codeBookOf = ({ element }: BlockLayout): string | undefined =>
  element.endsWith(" code book") ? element.slice(0, -" code book".length) : undefined;
