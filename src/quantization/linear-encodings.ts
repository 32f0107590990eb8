/**
 * Encodings of a linear weight [N, K] (N outputs, K inputs) with groups of g inputs, as their writers lay
 * them out. Sizes are those of the files; engines that repack keep them to within padding.
 */
import type { Bytes } from "../units.ts";
import { type Encoding, type Matrix, matrixEncoding, plainById } from "./encoding.ts";

/** b-bit codes packed densely into 32-bit words. */
const words = (values: number, bits: number): Bytes => 4 * Math.ceil((values * bits) / 32);

/** Groups along the inputs; a size of 0 or -1 means one group. */
const groupsOf = (columns: number, group: number): number => (group > 0 ? Math.ceil(columns / group) : 1);

const groupName = (group: number): string => (group > 0 ? `g${group}` : "channel");

export interface GroupedBits {
  readonly bits: number;
  /** Inputs that share a scale; -1 for all of them. */
  readonly group: number;
}

/**
 * GPTQ: codes i32 [K*b/32, N], zeros i32 [K/g, N*b/32], scales fp16 [K/g, N], group of each input i32 [K],
 * and the fp16 bias [N] of zeros that AutoGPTQ adds to layers without one.
 *
 * Source: AutoGPTQ 0.7 qlinear_cuda_old.py, GPTQModel 1.x.
 *
 * @example gptq({ bits: 4, group: 128 }).bytesOf([4096, 4096]) // 8_732_672 = 8,388,608 + 65,536 + 262,144 + 16,384
 */
export function gptq(
  spec: GroupedBits & { readonly groupIndex?: boolean; readonly zeroBias?: boolean },
): Encoding {
  const { bits, group, groupIndex = true, zeroBias = false } = spec;
  return matrixEncoding(`gptq-${bits}bit-${groupName(group)}`, ({ rows, columns }) => {
    const groups = groupsOf(columns, group);
    const codes = rows * words(columns, bits) + groups * words(rows, bits) + 2 * groups * rows;
    return codes + (groupIndex ? 4 * columns : 0) + (zeroBias ? 2 * rows : 0);
  });
}

/**
 * AWQ (gemm): codes i32 [K, N*b/32], zeros i32 [K/g, N*b/32], scales fp16 [K/g, N]. AutoAWQ 0.2.
 *
 * @example awq({ bits: 4, group: 128 }).bytesOf([4096, 4096]) // 8_716_288 = 8,388,608 + 65,536 + 262,144
 */
export function awq({ bits, group }: GroupedBits, id = "awq"): Encoding {
  return matrixEncoding(`${id}-${bits}bit-${groupName(group)}`, ({ rows, columns }) => {
    const groups = groupsOf(columns, group);
    return columns * words(rows, bits) + groups * words(rows, bits) + 2 * groups * rows;
  });
}

/**
 * compressed-tensors pack-quantized: codes i32 [N, ceil(K*b/32)], scales in 16 bits [N, K/g], the shape as
 * two int64, zero points packed along the rows when asymmetric, i32 [K] when groups are reordered.
 *
 * @example packed({ bits: 4, group: 128 }).bytesOf([4096, 4096]) // 8_650_768 = 8,388,608 + 262,144 + 16
 */
export function packed(
  spec: GroupedBits & { readonly asymmetric?: boolean; readonly groupIndex?: boolean },
): Encoding {
  const { bits, group, asymmetric = false, groupIndex = false } = spec;
  return matrixEncoding(`ct-w${bits}a16-${groupName(group)}`, ({ rows, columns }) => {
    const groups = groupsOf(columns, group);
    return (
      rows * words(columns, bits) +
      2 * rows * groups +
      16 +
      (asymmetric ? groups * words(rows, bits) : 0) +
      (groupIndex ? 4 * columns : 0)
    );
  });
}

/** How far one scale reaches. */
export type ScaleReach = "tensor" | "channel" | { readonly rows: number; readonly columns: number };

const scalesOf = ({ rows, columns }: Matrix, reach: ScaleReach): number => {
  if (reach === "tensor") return 1;
  if (reach === "channel") return rows;
  return Math.ceil(rows / reach.rows) * Math.ceil(columns / reach.columns);
};

const reachName = (reach: ScaleReach): string =>
  typeof reach === "string" ? reach : reach.rows === 1 ? `g${reach.columns}` : "block";

/**
 * One byte per weight (e4m3 or int8) and a scale per tensor, output row, or block; a static activation
 * scale of 4 bytes where asked.
 *
 * @example byteWeights("fp8", { rows: 128, columns: 128 }, { scaleBytes: 4 }).bytesOf([7168, 2048])
 * // 14_683_648 = 14,680,064 + 4 x 56 x 16
 */
export function byteWeights(
  id: string,
  reach: ScaleReach,
  options: { readonly scaleBytes: number; readonly inputScale?: boolean },
): Encoding {
  return matrixEncoding(`${id}-${reachName(reach)}`, (matrix) => {
    const input = options.inputScale === true ? 4 : 0;
    return matrix.rows * matrix.columns + options.scaleBytes * scalesOf(matrix, reach) + input;
  });
}

/**
 * NVFP4 of ModelOpt and compressed-tensors: e2m1 codes [N, K/2], an e4m3 scale per 16 inputs, fp32 scales
 * of the tensor and, with quantized activations, of its input.
 *
 * @example nvfp4(2).bytesOf([4096, 4096]) // 9_437_192 = 8,388,608 + 1,048,576 + 8
 */
export function nvfp4(tensorScales: 1 | 2): Encoding {
  return matrixEncoding(
    "nvfp4",
    ({ rows, columns }) => rows * (Math.ceil(columns / 2) + Math.ceil(columns / 16)) + 4 * tensorScales,
  );
}

/** MXFP4: e2m1 codes and one e8m0 scale per 32 inputs: 17 bytes per 32. OCP Microscaling v1.0. */
export const MXFP4: Encoding = matrixEncoding(
  "mxfp4",
  ({ rows, columns }) => rows * (Math.ceil(columns / 2) + Math.ceil(columns / 32)),
);

/** MXFP8: e4m3 codes and one e8m0 scale per 32 inputs. */
export const MXFP8: Encoding = matrixEncoding(
  "mxfp8",
  ({ rows, columns }) => rows * (columns + Math.ceil(columns / 32)),
);

/** The table of 16 values that every 4-bit layer keeps, and the 256 of its scales' scales. */
const QUANT_MAP_BYTES = 16 * 4;
const NESTED_MAP_BYTES = 256 * 4;

/**
 * bitsandbytes 4 bits: two codes a byte, one fp32 scale per 64; with double quantization one byte per 64
 * and one fp32 per 16,384. Plus the layer's tables, 64 or 1088 bytes; the JSON text of about 150 bytes
 * that a file holds per layer is left out.
 *
 * @example bitsAndBytes4("nf4", true).bytesOf([4096, 4096]) // 8_655_936 = 8,388,608 + 262,144 + 4096 + 1088
 */
export function bitsAndBytes4(type: "nf4" | "bnb_fp4", doubleQuant: boolean): Encoding {
  const format = plainById(doubleQuant ? `${type}_dq` : type);
  const tables = QUANT_MAP_BYTES + (doubleQuant ? NESTED_MAP_BYTES : 0);
  return { id: format.id, bytesOf: (shape) => format.bytesOf(shape) + tables };
}

/** LLM.int8 of bitsandbytes: int8 codes and one fp32 scale per output row. */
export const LLM_INT8: Encoding = { ...byteWeights("int8", "channel", { scaleBytes: 4 }), id: "llm-int8" };

/** HQQ packs 3 bits ten to a word, and 5 and 6 bits one to a byte. hqq 0.2 core/bitpack.py. */
const HQQ_CODES: { readonly [bits: string]: { readonly per: number; readonly bytes: number } } = {
  8: { per: 1, bytes: 1 },
  6: { per: 1, bytes: 1 },
  5: { per: 1, bytes: 1 },
  4: { per: 2, bytes: 1 },
  3: { per: 10, bytes: 4 },
  2: { per: 4, bytes: 1 },
  1: { per: 8, bytes: 1 },
};

/** Bits that HQQ packs. */
export const HQQ_BITS: readonly number[] = [8, 6, 5, 4, 3, 2, 1];

/** HQQ: codes, and a scale and a zero in 16 bits per group over the whole weight. */
export function hqq({ bits, group }: GroupedBits): Encoding {
  const pack = HQQ_CODES[bits]!;
  return matrixEncoding(`hqq-${bits}bit-${groupName(group)}`, ({ rows, columns }) => {
    const groups = group > 0 ? Math.ceil((rows * columns) / group) : rows;
    return Math.ceil((rows * columns) / pack.per) * pack.bytes + 4 * groups;
  });
}

/**
 * b-bit codes with a scale and a bias (or zero) in 16 bits per group of inputs: MLX affine, torchao int4
 * (tile-packed), quanto.
 *
 * @example affine("mlx", { bits: 4, group: 64 }).bytesOf([4096, 4096]) // 9_437_184 = 8,388,608 + 4 x 262,144
 */
export function affine(method: string, { bits, group }: GroupedBits): Encoding {
  return matrixEncoding(`${method}-${bits}bit-${groupName(group)}`, ({ rows, columns }) => {
    const groups = rows * groupsOf(columns, group);
    return rows * Math.ceil((columns * bits) / 8) + 4 * groups;
  });
}

/** EXL2 and other averages: `bits` per weight over the layer, whatever mixture makes them. */
export function averageBits(id: string, bits: number): Encoding {
  return matrixEncoding(id, ({ rows, columns }) => Math.ceil((rows * columns * bits) / 8));
}

const upTo = (n: number, step: number): number => Math.ceil(n / step) * step;

/** EXL3: trellis codes over both sides padded to 128, sign vectors fp16 [K] and [N], 4 bytes. exllamav3 4f8ad01. */
export function exl3(bits: number): Encoding {
  return matrixEncoding(
    `exl3-${bits}bpw`,
    ({ rows, columns }) =>
      Math.ceil((upTo(rows, 128) * upTo(columns, 128) * bits) / 8) + 2 * (rows + columns) + 4,
  );
}
