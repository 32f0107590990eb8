import { describe, expect, test } from "vitest";
import { largestThatFits, smallestThatFits } from "../../src/solve/search.ts";
import { fc } from "../properties.ts";

/** A verdict, a line, a staircase, a curve that flattens and one that dives: all cross zero behind the threshold. */
const headroomsOf = (threshold: number): readonly ((n: number) => number)[] => [
  (n) => (n <= threshold ? 1 : -1),
  (n) => threshold - n + 0.5,
  (n) => (threshold - n >= 0 ? Math.floor((threshold - n) / 64) : -Math.ceil((n - threshold) / 64)),
  (n) => (n <= threshold ? 1e12 : -1 / n),
  (n) => (n <= threshold ? 1 / n : -1e12 * n),
  (n) => (n <= threshold ? Number.POSITIVE_INFINITY : -1),
];

describe("largestThatFits", () => {
  test.for([
    [1000, 33, 33],
    [20, 33, 20],
    [1000, 0, 0],
    [1, 1, 1],
    [0, 5, 0],
    [1_000_000, 999_999, 999_999],
    [2 ** 40, 2 ** 39 + 1, 2 ** 39 + 1],
  ] as const)("limit %i, threshold %i gives %i", ([limit, threshold, answer]) => {
    for (const headroom of headroomsOf(threshold)) expect(largestThatFits({ limit, headroom })).toBe(answer);
  });

  test("between bounds that are known: the same answer, whatever the headroom is shaped like", () => {
    const small = (): fc.Arbitrary<number> => fc.nat(5000);
    fc.assert(
      fc.property(small(), small(), small(), small(), (limit, threshold, below, above) => {
        const answer = Math.min(limit, threshold);
        for (const headroom of headroomsOf(threshold)) {
          const tried = (n: number) => ({ n, headroom: headroom(n) });
          const from = tried(Math.min(threshold, limit, below));
          const until = tried(Math.max(threshold + 1, above));
          expect(largestThatFits({ limit, headroom })).toBe(answer);
          expect(largestThatFits({ limit, headroom, from })).toBe(answer);
          if (until.n <= limit) expect(largestThatFits({ limit, headroom, from, until })).toBe(answer);
        }
      }),
    );
  });

  const callsOf = (headroom: (n: number) => number): number => {
    let calls = 0;
    largestThatFits({
      limit: 2 ** 30,
      headroom: (n) => {
        calls++;
        return headroom(n);
      },
    });
    return calls;
  };

  test("a line is asked 21 times to pass 1,000,000 by doubling, and 3 times to find where it ends", () => {
    expect(callsOf((n) => 1_000_000.5 - n)).toBeLessThanOrEqual(21 + 3);
  });

  test("any shape is asked at most 4 log2 of the limit times", () => {
    for (const threshold of [1, 7, 4097, 1_000_000, 2 ** 29 + 1])
      for (const headroom of headroomsOf(threshold)) expect(callsOf(headroom)).toBeLessThanOrEqual(4 * 30);
  });
});

describe("smallestThatFits", () => {
  test("is the threshold when it lies in the interval, null when it lies beyond", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.nat(10_000), (from, length, threshold) => {
        const to = from + length;
        const answer = smallestThatFits({ from, to, fits: (n) => n >= threshold });
        expect(answer).toBe(threshold > to ? null : Math.max(from, threshold));
      }),
    );
  });

  test("an empty interval has no answer and asks nothing", () => {
    expect(
      smallestThatFits({
        from: 3,
        to: 2,
        fits: () => {
          throw new Error("asked");
        },
      }),
    ).toBe(null);
  });
});
