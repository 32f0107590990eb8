/** What PyTorch's caching allocator takes from the driver for the weights: whole segments. */
import type { Architecture } from "../architecture/model.ts";
import { onceForEach } from "../remember.ts";
import type { Bytes } from "../units.ts";
import { loadedSizes } from "./torch-allocator.ts";

const MIB = 2 ** 20;
const SMALL_TENSOR = MIB;
const SMALL_SEGMENT = 2 * MIB;
const LARGE_FROM = 10 * MIB;
const MIDDLE_SEGMENT = 20 * MIB;
/** Rests of segments that are kept in mind; what is forgotten counts as lost. */
const RESTS = 8;

/**
 * Bytes that segments take beyond the weights in them, where an engine reads what is free on the card: tensors of up
 * to 1 MiB share segments of 2 MiB, those of up to 10 MiB segments of 20 MiB, larger ones have one each, a multiple of
 * 2 MiB. Tensors that an engine loads as one count as one. Source: torch `c10/cuda/CUDACachingAllocator.cpp`.
 *
 * Readings: SGLang shows 15.54 GiB for a rank of QwQ-32B, 15.26 of weights, 0.22 of rounding here and 0.02 of rotary
 * tables; 1.18 for Qwen3-0.6B, 1.11 of weights and 0.06 of rounding.
 *
 * @example segmentRounding(llama_3_1_8b, 2) // 1_564_672: its matrices are whole multiples of 2 MiB
 */
export function segmentRounding(model: Architecture, bytesEach: number): Bytes {
  return roundingOf(model, bytesEach);
}

interface Segments {
  reserved: Bytes;
  used: Bytes;
  readonly rests: Bytes[];
  smallRest: Bytes;
}

const roundingOf = onceForEach((model: Architecture, bytesEach: number): Bytes => {
  const segments: Segments = { reserved: 0, used: 0, rests: [], smallRest: 0 };
  for (const bytes of loadedSizes(model.tensors, bytesEach)) take(segments, bytes);
  for (const stack of model.stacks) {
    if (stack.role === "mtp") continue;
    stack.kinds.forEach((kind, index) => {
      const sizes = [...loadedSizes(kind.tensors, bytesEach)];
      for (let layer = 0; layer < stack.counts[index]!; layer++)
        for (const bytes of sizes) take(segments, bytes);
    });
  }
  return segments.reserved - segments.used;
});

function take(segments: Segments, asked: Bytes): void {
  const bytes = Math.ceil(asked / 512) * 512;
  segments.used += asked;
  if (bytes <= SMALL_TENSOR) {
    if (segments.smallRest < bytes) {
      segments.reserved += SMALL_SEGMENT;
      segments.smallRest = SMALL_SEGMENT;
    }
    segments.smallRest -= bytes;
    return;
  }
  const fitting = segments.rests.findIndex((rest) => rest >= bytes);
  if (fitting >= 0) {
    segments.rests[fitting]! -= bytes;
    return;
  }
  const segment = bytes < LARGE_FROM ? MIDDLE_SEGMENT : Math.ceil(bytes / SMALL_SEGMENT) * SMALL_SEGMENT;
  segments.reserved += segment;
  const rest = segment - bytes;
  if (rest <= SMALL_TENSOR) return;
  segments.rests.push(rest);
  if (segments.rests.length > RESTS)
    segments.rests.splice(segments.rests.indexOf(Math.min(...segments.rests)), 1);
}
