/** Searches over whole numbers, for memory that grows with them. */

/** A value that was tried, and what it left. */
export interface Tried {
  readonly n: number;
  /** From 0 on it fits. */
  readonly headroom: number;
}

/**
 * The largest n in [1, limit] that leaves no less than nothing, or 0 when even 1 does not, for a headroom that never comes back
 * once it is negative. Where memory is a line two or three calls find its end; at most 4 log2(limit) for any staircase, fewer
 * between known bounds: `from` is known to fit, `until` not to.
 *
 * @example largestThatFits({ limit: 1000, headroom: (n) => 100 - n * 3 }) // 33
 */
export function largestThatFits(input: {
  readonly limit: number;
  readonly headroom: (n: number) => number;
  readonly from?: Tried | undefined;
  readonly until?: Tried | undefined;
}): number {
  const { limit, from, until } = input;
  const tried = (n: number): Tried => ({ n, headroom: input.headroom(n) });
  if (limit < 1) return 0;
  let low = from === undefined || from.n < 1 ? null : from.n <= limit ? from : tried(limit);
  if (low === null) {
    if (until?.n === 1) return 0;
    low = tried(1);
    if (low.headroom < 0) return 0;
  }
  let high = until ?? null;
  while (high === null && low.n < limit) {
    const next = tried(Math.min(low.n * 2, limit));
    if (next.headroom < 0) high = next;
    else low = next;
  }
  return high === null ? low.n : endBetween(low, high, tried);
}

/** The last that fits, by where a line between both ends would cross nothing; by halves where two such guesses did not halve. */
function endBetween(fitting: Tried, beyond: Tried, tried: (n: number) => Tried): number {
  let low = fitting;
  let high = beyond;
  let slow = 0;
  while (high.n - low.n > 1) {
    const span = high.n - low.n;
    const share = low.headroom / (low.headroom - high.headroom);
    const part = slow < 2 && Number.isFinite(share) ? share : 0.5;
    const next = tried(low.n + Math.min(span - 1, Math.max(1, Math.floor(span * part))));
    if (next.headroom < 0) high = next;
    else low = next;
    slow = 2 * (high.n - low.n) > span ? slow + 1 : 0;
  }
  return low.n;
}

/**
 * The smallest n in [from, to] for which `fits(n)` holds, or null when `to` does not, for a `fits` that never
 * turns false again once it is true. One call when nothing fits.
 *
 * @example smallestThatFits({ from: 1, to: 1000, fits: (n) => 100 / n <= 3 }) // 34
 */
export function smallestThatFits(input: {
  readonly from: number;
  readonly to: number;
  readonly fits: (n: number) => boolean;
}): number | null {
  const { from, to, fits } = input;
  if (to < from || !fits(to)) return null;
  let low = from - 1;
  let high = to;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}
