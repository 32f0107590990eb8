import { roundTo } from "../formats/codec.ts";
import type { Bytes } from "../units.ts";
import type { LoraLinear } from "./lora.ts";

export interface MergeRounding {
  /** What the merged weight becomes. */
  readonly merged: number;
  /** Merged minus exact sum. */
  readonly error: number;
  /** The error as a part of the change that was merged; 1 means that the change is lost. */
  readonly lostShare: number;
}

/**
 * What merging does to one weight: W + scaling * (B A) rounded to the weights' format. A change below half the
 * spacing of the format at W vanishes, which 16-bit bases make likely: bf16 keeps 8 significant bits.
 *
 * @throws unknown-name for a format
 * @example mergeRounding({ weight: 1, change: 0.002, format: "bf16" }) // { merged: 1, error: -0.002, lostShare: 1 }
 */
export function mergeRounding(input: {
  readonly weight: number;
  readonly change: number;
  readonly format: string;
}): MergeRounding {
  const { weight, change, format } = input;
  const merged = roundTo(format, weight + change);
  const error = merged - (weight + change);
  return { merged, error, lostShare: change === 0 ? 0 : Math.abs(error / change) };
}

/** Bytes that merging frees: the adapters. The merged weights take what the base weights took. */
export function mergedSavingBytes(linears: readonly LoraLinear[], bytesPerParameter: number): Bytes {
  return linears.reduce((sum, linear) => sum + linear.parameters * bytesPerParameter, 0);
}
