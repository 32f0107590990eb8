/** Searches over whole numbers, for memory that grows with them. */

/**
 * The largest n in [1, limit] for which `fits(n)` holds, or 0 when even 1 does not, for a `fits` that never
 * turns true again once it is false. About 2 log2(answer) calls, fewer between known bounds: `from` is known to
 * fit, `until` not to.
 *
 * @example largestThatFits({ limit: 1000, fits: (n) => n * 3 <= 100 }) // 33
 */
export function largestThatFits(input: {
  readonly limit: number;
  readonly fits: (n: number) => boolean;
  readonly from?: number;
  readonly until?: number;
}): number {
  const { limit, fits, from = 0, until } = input;
  if (limit < 1) return 0;
  let low = Math.min(from, limit);
  if (low < 1) {
    if (until === 1 || !fits(1)) return 0;
    low = 1;
  }
  let high = until ?? low;
  while (until === undefined && high < limit) {
    high = Math.min(high * 2, limit);
    if (!fits(high)) break;
    low = high;
  }
  if (low === limit) return limit;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
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
