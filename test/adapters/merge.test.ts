import { describe, expect, test } from "vitest";
import { mergeWeight } from "../../src/adapters/merge.ts";
import { fc } from "../properties.ts";

describe("merging an adapter rounds once", () => {
  test.for([
    // 0.02 in bf16 is 0.02001953125 = 164 x 2^-13; its neighbours are 2^-13 = 0.0001220703125 away.
    ["bf16", 0.02, 0.00005, 0, "below half of 2^-13: lost"],
    ["bf16", 0.02, 0.0001, 2 ** -13, "rounds to one step of 2^-13"],
    ["bf16", 0.02, 2 ** -13, 2 ** -13, "one step exactly"],
    ["fp16", 0.02, 0.00005, 3 * 2 ** -16, "fp16 steps by 2^-16 there: 3 steps are nearest"],
    ["fp32", 0.5, 2 ** -10, 2 ** -10, "representable in fp32"],
  ] as const)("%s: %d + %d stores a change of %d (%s)", ([format, weight, update, stored]) =>
    expect(mergeWeight({ format, weight, update }).stored).toBe(stored),
  );

  test("the error is at most half a step: 2^-8 of the merged weight in bf16", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.double({ min: -0.0005, max: 0.0005, noNaN: true }),
        (weight, update) => {
          const { weight: held, merged } = mergeWeight({ format: "bf16", weight, update });
          expect(Math.abs(merged - (held + update))).toBeLessThanOrEqual(
            Math.abs(merged) * 2 ** -8 + 2 ** -134,
          );
        },
      ),
    );
  });
});
