import { VramCalcError } from "./errors.ts";
import { shown } from "./known-options.ts";
import type { Band } from "./memory/term.ts";
import type { Bytes } from "./units.ts";

/** What is held against a limit: an estimate, or a band alone. */
export interface Need {
  readonly total: Band;
  /** What the engine's cache pool has beyond the request, for engines that make one. */
  readonly poolSpareBytes?: number;
  /** What such an engine takes of a card at its start, the whole pool with it. */
  readonly startBytes?: Bytes;
}

/** A limit and how a need compares with it. */
export interface Budget {
  readonly bytes: Bytes;
  readonly fits: boolean;
  /** Limit less need, or what the pool has to spare when that is less; negative when over. */
  readonly headroom: number;
  /**
   * What is tight before the card itself: the engine's cache pool, a part of the card, or what the engine takes of the
   * card before any request.
   */
  readonly tight?: "pool" | "start";
  /** Name of the card when the limit is one. */
  readonly gpu?: string;
}

/**
 * A size from outside, as JavaScript has it at run time.
 *
 * @throws bad-option for what is no number of bytes
 */
export function checkBytes(option: string, bytes: unknown): void {
  if (Number.isFinite(bytes) && (bytes as number) >= 0) return;
  throw new VramCalcError("bad-option", { option, given: shown(bytes), expected: "a number of bytes" });
}

/** Which edge of the band must fit: the expected total or the careful one. */
export type Gate = "expected" | "high";

/**
 * Compares a need with a limit. Equal fits. An engine that cuts a pool from a part of the card (vLLM, SGLang) has
 * to find room for all sequences at their longest in that pool, however much of the card lies outside it, and does not
 * start where its share and what lies beside it exceed the card.
 *
 * @throws bad-option for a limit that is no number of bytes
 * @example checkBudget({ total: { bytes: 30, low: 29, high: 33 } }, { bytes: 32 }).headroom // 2
 * @example checkBudget({ total: { bytes: 30, low: 29, high: 33 }, poolSpareBytes: -5 }, { bytes: 32 }).fits // false
 */
export function checkBudget(
  { total, poolSpareBytes, startBytes }: Need,
  limit: { readonly bytes: Bytes; readonly gpu?: string },
  gate: Gate = "expected",
): Budget {
  checkBytes("limit.bytes", limit.bytes);
  checkBytes("total.bytes", total?.bytes);
  const left = limit.bytes - (gate === "high" ? total.high : total.bytes);
  const pool = poolSpareBytes !== undefined && poolSpareBytes < left;
  const request = pool ? poolSpareBytes : left;
  const start = startBytes === undefined ? 0 : Math.min(0, limit.bytes - startBytes);
  const late = start < 0 && start < request;
  const headroom = late ? start : request;
  return {
    bytes: limit.bytes,
    fits: headroom >= 0,
    headroom,
    ...(late ? { tight: "start" } : pool ? { tight: "pool" } : {}),
    ...(limit.gpu === undefined ? {} : { gpu: limit.gpu }),
  };
}
