import type { Architecture } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import { walkScheme } from "../../quantization/assignment.ts";
import type { Scheme } from "../../quantization/scheme.ts";
import { onceForEach } from "../../remember.ts";
import type { Bytes } from "../../units.ts";

/**
 * The 16-bit copy that bitsandbytes makes of a 4-bit matrix for more than one row: one matrix at a time, so the
 * largest.
 *
 *     bytes = elements of the largest 4-bit matrix * compute bytes
 *
 * Source: bitsandbytes `autograd/_functions.py` MatMul4Bit: linear(A, dequantize_4bit(B)); one row goes to a kernel
 * that needs no copy. Reading (litgpt's tables, `max_memory_allocated`): Llama-2-7B nf4 4.57 GB, of which 3.98 are
 * weights and 0.52 the head's copy, there made in fp16 and cast to bf16, 2 x 2 B x 32,000 x 4096.
 *
 * @example unpackedBytes(llama_3_1_8b, storageByName("nf4").scheme, 2) // 117_440_512 = 14,336 x 4096 x 2
 */
export function unpackedBytes(model: Architecture, scheme: Scheme, computeBytes: number): Bytes {
  return largestElements(model, scheme) * computeBytes;
}

const largestElements = onceForEach((model: Architecture, scheme: Scheme): number => {
  let largest = 0;
  walkScheme(model, scheme, { mtp: false }, ({ tensor }, _layers, encoding) => {
    if (BITS_AND_BYTES_4.test(encoding.id)) largest = Math.max(largest, tensorElements(tensor));
  });
  return largest;
});

const BITS_AND_BYTES_4 = /^(nf4|bnb_fp4)(_dq)?$/;
