import { roundTo } from "../formats/codec.ts";
import { checkOptions } from "../known-options.ts";

export interface MergedWeight {
  /** W as the format holds it. */
  readonly weight: number;
  /** The update (A @ B, scaled) that the adapter asks for. */
  readonly update: number;
  /** W' = W + update, rounded to the format. */
  readonly merged: number;
  /** What of the update arrived: W' - W. */
  readonly stored: number;
  /** (stored - update) / update: -1 when all of it is lost. */
  readonly relativeError: number;
}

/**
 * Merging an adapter into one weight: the sum is rounded once to the format of the base.
 *
 *     W' = round(W + update)        |W' - (W + update)| <= ulp(W) / 2
 *
 * An update below half the distance to W's neighbour is lost whole. bf16 keeps 8 significant bits, so near
 * 0.02 that distance is 2^-13 and updates under 2^-14 = 0.000061 vanish; fp16 keeps 11 and an eighth of that.
 *
 * @example mergeWeight({ format: "bf16", weight: 0.02, update: 0.00005 }).stored // 0
 */
export function mergeWeight(input: {
  readonly format: string;
  readonly weight: number;
  readonly update: number;
}): MergedWeight {
  checkOptions(input, { format: "string!", weight: "number!", update: "number!" }, "mergeWeight");
  const { format, update } = input;
  const weight = roundTo(format, input.weight);
  const merged = roundTo(format, weight + update);
  const stored = merged - weight;
  return { weight, update, merged, stored, relativeError: update === 0 ? 0 : (stored - update) / update };
}
