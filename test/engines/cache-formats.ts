/** Cache formats written out by hand, so that tests do not depend on the tables that they could share errors with. */
import type { CacheFormat } from "../../src/engines/cache-format.ts";

const flat = (id: string, bytes: number): CacheFormat => ({
  id,
  keyBytesPerVector: (dim) => dim * bytes,
  valueBytesPerVector: (dim) => dim * bytes,
});

export const bf16Cache: CacheFormat = flat("bf16", 2);
export const fp32Cache: CacheFormat = flat("fp32", 4);
export const fp8Cache: CacheFormat = flat("fp8", 1);

/** GGML blocks of 32 values: f16 as they are, q8_0 34 B, q4_0 and iq4_nl 18 B. */
const GGML: { readonly [name: string]: (dim: number) => number } = {
  f16: (dim) => 2 * dim,
  q8_0: (dim) => 34 * Math.ceil(dim / 32),
  q4_0: (dim) => 18 * Math.ceil(dim / 32),
  iq4_nl: (dim) => 18 * Math.ceil(dim / 32),
  q6_0: (dim) => 26 * Math.ceil(dim / 32),
  q5_0: (dim) => 22 * Math.ceil(dim / 32),
  q5_1: (dim) => 24 * Math.ceil(dim / 32),
};
export function ggmlCache(keys: string, values: string): CacheFormat {
  return { id: `${keys},${values}`, keyBytesPerVector: GGML[keys]!, valueBytesPerVector: GGML[values]! };
}
