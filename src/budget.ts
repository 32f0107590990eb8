import type { Band } from "./memory/term.ts";
import type { Bytes } from "./units.ts";

/** A limit and how a need compares with it. */
export interface Budget {
  readonly bytes: Bytes;
  readonly fits: boolean;
  /** Limit less need; negative when over. */
  readonly headroom: number;
  /** Name of the card when the limit is one. */
  readonly gpu?: string;
}

/** Which edge of the band must fit: the expected total or the careful one. */
export type Gate = "expected" | "high";

/**
 * Compares a need with a limit. Equal fits.
 *
 * @example checkBudget({ bytes: 30, low: 29, high: 33 }, { bytes: 32 }).headroom // 2
 */
export function checkBudget(
  need: Band,
  limit: { readonly bytes: Bytes; readonly gpu?: string },
  gate: Gate = "expected",
): Budget {
  const wanted = gate === "high" ? need.high : need.bytes;
  const headroom = limit.bytes - wanted;
  return {
    bytes: limit.bytes,
    fits: headroom >= 0,
    headroom,
    ...(limit.gpu === undefined ? {} : { gpu: limit.gpu }),
  };
}
