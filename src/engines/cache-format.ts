import type { Bytes } from "../units.ts";

/**
 * What one cached key or value vector takes, scales and rounding included. `formats/` describes the known
 * ones; anything with these three fields serves.
 */
export interface CacheFormat {
  readonly id: string;
  readonly keyBytesPerVector: (dim: number) => Bytes;
  readonly valueBytesPerVector: (dim: number) => Bytes;
}
