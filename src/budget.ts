import type { Band } from "./memory/term.ts";
import type { Bytes } from "./units.ts";

/** What is held against a limit: an estimate, or a band alone. */
export interface Need {
  readonly total: Band;
  /** What the engine's cache pool has beyond the request, for engines that make one. */
  readonly poolSpareBytes?: number;
}

/** A limit and how a need compares with it. */
export interface Budget {
  readonly bytes: Bytes;
  readonly fits: boolean;
  /** Limit less need, or what the pool has to spare when that is less; negative when over. */
  readonly headroom: number;
  /** What is tight: the engine's cache pool, a part of the card, before the card itself. */
  readonly tight?: "pool";
  /** Name of the card when the limit is one. */
  readonly gpu?: string;
}

/** Which edge of the band must fit: the expected total or the careful one. */
export type Gate = "expected" | "high";

/**
 * Compares a need with a limit. Equal fits. An engine that cuts a pool from a part of the card (vLLM, SGLang) has
 * to find room for all sequences at their longest in that pool, however much of the card lies outside it.
 *
 * @example checkBudget({ total: { bytes: 30, low: 29, high: 33 } }, { bytes: 32 }).headroom // 2
 * @example checkBudget({ total: { bytes: 30, low: 29, high: 33 }, poolSpareBytes: -5 }, { bytes: 32 }).fits // false
 */
export function checkBudget(
  { total, poolSpareBytes }: Need,
  limit: { readonly bytes: Bytes; readonly gpu?: string },
  gate: Gate = "expected",
): Budget {
  const left = limit.bytes - (gate === "high" ? total.high : total.bytes);
  const pool = poolSpareBytes !== undefined && poolSpareBytes < left;
  const headroom = pool ? poolSpareBytes : left;
  return {
    bytes: limit.bytes,
    fits: headroom >= 0,
    headroom,
    ...(pool ? { tight: "pool" } : {}),
    ...(limit.gpu === undefined ? {} : { gpu: limit.gpu }),
  };
}
