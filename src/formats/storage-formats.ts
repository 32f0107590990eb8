import type { Bytes } from "../units.ts";
import type { Format, Part } from "./block.ts";
import { formatIdOfGgml, GGML_TYPES, ggmlFormat } from "./ggml-types.ts";

/** Once per tensor, whatever its size. */
const PER_TENSOR = Number.POSITIVE_INFINITY;

const PLAIN: readonly (readonly [id: string, elements: number, bytes: Bytes])[] = [
  ["fp64", 1, 8],
  ["fp32", 1, 4],
  // 19 bits matter, 32 are stored: tf32 is a rounding inside the multiplier and saves no memory.
  ["tf32", 1, 4],
  ["fp16", 1, 2],
  ["bf16", 1, 2],
  ["fp8_e4m3fn", 1, 1],
  ["fp8_e5m2", 1, 1],
  ["fp8_e4m3_ieee", 1, 1],
  ["fp8_e4m3fnuz", 1, 1],
  ["fp8_e5m2fnuz", 1, 1],
  ["fp8_e4m3b11fnuz", 1, 1],
  ["fp8_e3m4", 1, 1],
  ["e8m0", 1, 1],
  ["ue4m3", 1, 1],
  ["fp6_e3m2", 4, 3],
  ["fp6_e2m3", 4, 3],
  ["fp4_e2m1", 2, 1],
  ["int64", 1, 8],
  ["int32", 1, 4],
  ["int16", 1, 2],
  ["int8", 1, 1],
  ["uint8", 1, 1],
  ["int4", 2, 1],
  ["uint4", 2, 1],
];

/**
 * Formats whose values share a scale.
 *
 * MX: OCP Microscaling v1.0, 32 values and one e8m0 scale. NVFP4: 16 values, one e4m3 scale, and one fp32
 * scale per tensor. nf4 and bnb_fp4: bitsandbytes, 64 values and one fp32 absmax; double quantization turns
 * the absmax into one byte and adds one fp32 per 256 of them. The tables and states that bitsandbytes keeps
 * per layer (1088 B and a JSON text) are not the format's.
 */
const SHARED_SCALE: readonly (readonly [id: string, parts: readonly Part[]])[] = [
  ["mxfp8_e4m3", [{ elements: 32, bytes: 33 }]],
  ["mxfp8_e5m2", [{ elements: 32, bytes: 33 }]],
  ["mxfp6_e3m2", [{ elements: 32, bytes: 25 }]],
  ["mxfp6_e2m3", [{ elements: 32, bytes: 25 }]],
  ["mxfp4", [{ elements: 32, bytes: 17 }]],
  ["mxint8", [{ elements: 32, bytes: 33 }]],
  [
    "nvfp4",
    [
      { elements: 16, bytes: 9 },
      { elements: PER_TENSOR, bytes: 4 },
    ],
  ],
  [
    "nf4",
    [
      { elements: 2, bytes: 1 },
      { elements: 64, bytes: 4 },
    ],
  ],
  [
    "nf4_dq",
    [
      { elements: 2, bytes: 1 },
      { elements: 64, bytes: 1 },
      { elements: 16384, bytes: 4 },
    ],
  ],
  [
    "bnb_fp4",
    [
      { elements: 2, bytes: 1 },
      { elements: 64, bytes: 4 },
    ],
  ],
  [
    "bnb_fp4_dq",
    [
      { elements: 2, bytes: 1 },
      { elements: 64, bytes: 1 },
      { elements: 16384, bytes: 4 },
    ],
  ],
];

const entries: readonly (readonly [string, Format])[] = [
  ...PLAIN.map(([id, elements, bytes]) => [id, { id, parts: [{ elements, bytes }] }] as const),
  ...SHARED_SCALE.map(([id, parts]) => [id, { id, parts }] as const),
];
const general = new Set(entries.map(([id]) => id));

/** Every format that values are stored in, by id: plain numbers, then shared scales, then GGML's blocks. */
export const STORAGE_FORMATS: ReadonlyMap<string, Format> = new Map([
  ...entries,
  ...GGML_TYPES.filter((type) => !general.has(formatIdOfGgml(type.name))).map(
    (type) => [formatIdOfGgml(type.name), ggmlFormat(type)] as const,
  ),
]);
