import { describe, expect, test } from "vitest";
import { largestThatFits, smallestThatFits } from "../../src/solve/search.ts";
import { fc } from "../properties.ts";

describe("largestThatFits", () => {
  test.for([
    [1000, 33, 33],
    [20, 33, 20],
    [1000, 0, 0],
    [1, 1, 1],
    [0, 5, 0],
    [1_000_000, 999_999, 999_999],
    [2 ** 40, 2 ** 39 + 1, 2 ** 39 + 1],
  ] as const)("limit %i, threshold %i gives %i", ([limit, threshold, answer]) =>
    expect(largestThatFits({ limit, fits: (n) => n <= threshold })).toBe(answer),
  );

  test("between bounds that are known: the same answer", () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.nat(5000),
        fc.nat(5000),
        fc.nat(5000),
        (limit, threshold, below, above) => {
          const fits = (n: number): boolean => n <= threshold;
          const from = Math.min(threshold, limit, below);
          const until = Math.max(threshold + 1, above);
          const plain = largestThatFits({ limit, fits });
          expect(largestThatFits({ limit, fits, from })).toBe(plain);
          if (until <= limit) expect(largestThatFits({ limit, fits, from, until })).toBe(plain);
        },
      ),
    );
  });

  test("asks about 2 log2(answer) times", () => {
    let calls = 0;
    largestThatFits({
      limit: 2 ** 30,
      fits: (n) => {
        calls++;
        return n <= 1_000_000;
      },
    });
    expect(calls).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(1_000_000)) + 2);
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
