import type { Bytes } from "../units.ts";

/** `bytes` for every started run of `elements` values. `elements: Infinity` is once per tensor. */
export interface Part {
  readonly elements: number;
  readonly bytes: Bytes;
}

/**
 * A storage encoding, described by its smallest addressable parts so that sizes stay integral:
 * fp16 is one part {1, 2}; Q4_K one part {256, 144}; nf4 with double quantization three,
 * {2, 1} codes + {64, 1} scales + {16384, 4} scales of scales.
 */
export interface Format {
  readonly id: string;
  readonly parts: readonly Part[];
}

/**
 * Bytes that `elements` consecutive values occupy, including the padding of each last part.
 *
 *     bytes = sum over parts of ceil(elements / part.elements) * part.bytes
 *
 * @example sizeOf(q4_k, 4096) // 2304 = 16 blocks x 144 B
 */
export function sizeOf(format: Format, elements: number): Bytes {
  if (elements === 0) return 0;
  let bytes = 0;
  for (const part of format.parts) {
    // At least one: a part that is stored once per tensor is never started a second time.
    const started = Math.max(1, Math.ceil(elements / part.elements));
    bytes += started * part.bytes;
  }
  return bytes;
}

/**
 * Bits that one value of a long run costs, for printing; sizes are never computed from it.
 *
 * @example bitsPerValue(q4_k) // 4.5
 */
export function bitsPerValue(format: Format): number {
  let bits = 0;
  for (const part of format.parts) {
    if (part.elements !== Number.POSITIVE_INFINITY) bits += (8 * part.bytes) / part.elements;
  }
  return bits;
}
