import type { Bytes } from "../../units.ts";

/** Bounds on one logical request, so that no server can hold a run for long or fill its memory. */
export interface HttpLimits {
  /** Silence allowed before the answer starts and between two pieces of its body. */
  readonly idleMs: number;
  /** Everything together: redirects, body, retries and the waits between them. */
  readonly totalMs: number;
  /** Further tries after an answer that says "later" or a connection that breaks. */
  readonly retries: number;
  /** Sum of the waits between tries; a longer Retry-After is not waited for. */
  readonly waitMs: number;
  /** Redirects followed per try. */
  readonly redirects: number;
  /** Requests under way at once. */
  readonly concurrent: number;
}

export const HTTP_LIMITS: HttpLimits = Object.freeze({
  idleMs: 10_000,
  totalMs: 60_000,
  retries: 3,
  waitMs: 10_000,
  redirects: 5,
  concurrent: 6,
});

/** The longest JSON answer; a listing page of 1,000 entries of 300 B is 0.3 MB. */
export const TEXT_LIMIT: Bytes = 8 * 2 ** 20;
