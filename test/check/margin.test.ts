import { describe, expect, test } from "vitest";
import { marginOf, parseMargin } from "../../src/check/margin.ts";
import { refusalOf } from "./refusal.ts";

describe("margins", () => {
  test.for([
    ["5%", 1000, 50, "5 % of 1,000"],
    ["5%", 999, 50, "49.95 rounded up: what is kept free is never less than asked"],
    ["0.5 %", 1000, 5, "0.5 % of 1,000"],
    ["0%", 1000, 0, "nothing"],
    ["2GiB", 1000, 2 ** 31, "a size is itself: 2 x 2^30"],
    ["500MB", 1, 500_000_000, "500 x 10^6"],
    [4_194_304, 1, 4_194_304, "a number is bytes"],
    ["24G", 1, 24e9, "a bare G is 10^9"],
  ] as const)("%j of %d bytes is %d: %s", ([text, of, bytes]) => {
    expect(marginOf(parseMargin("headroom", text), of)).toBe(bytes);
  });

  test.for(["", "lots", "-5%", "5 percent", "%", "5%%", "1e9%", "10000000%", "5 GiBs"])(
    "%j is refused",
    (text) => {
      expect(refusalOf(() => parseMargin("headroom", text))).toMatch(
        /as headroom: write a share such as 5% or a size/,
      );
    },
  );
});
