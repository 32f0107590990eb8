import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../src/errors.ts";
import {
  compare,
  decimalOf,
  decimalText,
  isDouble,
  parseTyped,
  ratio,
  roundToInteger,
  subtract,
} from "../../src/formats/exact-decimal.ts";
import { fc } from "../properties.ts";

const finite = () => fc.double({ noNaN: true, noDefaultInfinity: true });

describe("the exact value of a double", () => {
  test.each([
    [0, "0"],
    [65504, "65504"],
    [-0.5, "-0.5"],
    [0.1, "0.1000000000000000055511151231257827021181583404541015625"],
    [3.140625, "3.140625"],
    [2 ** -24, "0.000000059604644775390625"],
    [2 ** 127, "170141183460469231731687303715884105728"],
    [1e23, "99999999999999991611392"],
  ])("%d is %s", (x, text) => {
    expect(decimalText(decimalOf(x))).toBe(text);
  });

  test("2^-1074 has 1074 digits behind the point and ends in 5", () => {
    const text = decimalText(decimalOf(5e-324));
    expect([text.length, text.slice(0, 4), text.slice(-3)]).toEqual([1076, "0.00", "625"]);
  });

  test("reading the text back gives the double, and agrees with BigInt for integers", () => {
    fc.assert(
      fc.property(finite(), (x) => {
        expect(Number(decimalText(decimalOf(x)))).toBe(x + 0);
        if (Number.isInteger(x)) expect(decimalText(decimalOf(x))).toBe(String(BigInt(x)));
      }),
    );
  });
});

describe("arithmetic", () => {
  test("3.140625 - 3.1416 = -0.000975, exactly", () => {
    expect(decimalText(subtract(decimalOf(3.140625), parseTyped("3.1416").exact!))).toBe("-0.000975");
  });

  test("compare orders as numbers do, and ratio divides to a double", () => {
    fc.assert(
      fc.property(finite(), finite(), (a, b) => {
        expect(Math.sign(compare(decimalOf(a), decimalOf(b)))).toBe(Math.sign(a < b ? -1 : a > b ? 1 : 0));
        fc.pre(b !== 0 && Number.isFinite(a / b) && Math.abs(a / b) > 1e-300);
        expect(Math.abs(ratio(decimalOf(a), decimalOf(b)) / (a / b) - 1)).toBeLessThan(1e-15);
      }),
    );
  });

  test.each([
    ["2.5", 2n],
    ["3.5", 4n],
    ["-2.5", -2n],
    ["-3.5", -4n],
    ["2.50000000000000000000000001", 3n],
    ["-0.5", 0n],
    ["9007199254740993", 9007199254740993n],
    ["1e3", 1000n],
  ])("%s rounds to %s, ties to even", (text, integer) => {
    expect(roundToInteger(parseTyped(text).exact!)).toBe(integer);
  });
});

describe("typed numbers", () => {
  test.each([
    ["2.71", 2.71, false],
    ["0.5", 0.5, true],
    ["-0", -0, true],
    ["1_000", 1000, true],
    [".25", 0.25, true],
    ["5.", 5, true],
    ["+1e2", 100, true],
    ["1e-8", 1e-8, false],
    ["5e-324", 5e-324, false],
    ["1e400", Infinity, false],
    ["1e-400", 0, false],
    ["inf", Infinity, true],
    ["-Infinity", -Infinity, true],
    ["NaN", Number.NaN, true],
  ] as const)("%s reads as %d; exactly a double: %s", (text, double, exact) => {
    const typed = parseTyped(text);
    expect(typed.double).toBe(double);
    expect(isDouble(typed)).toBe(exact);
  });

  test("the double to round from is the nearest one when exact, otherwise an odd one that is beside what was typed", () => {
    fc.assert(
      fc.property(
        fc.bigInt(-(10n ** 25n), 10n ** 25n),
        fc.integer({ min: -330, max: 290 }),
        (digits, exponent) => {
          const typed = parseTyped(`${digits}e${exponent}`);
          if (isDouble(typed)) {
            expect(typed.roundFrom).toBe(typed.double);
            return;
          }
          const bits = new BigUint64Array(new Float64Array([typed.roundFrom]).buffer)[0]!;
          expect(bits % 2n).toBe(1n);
          const away = new Float64Array(new BigUint64Array([bits + 1n]).buffer)[0]!;
          const toward = new Float64Array(new BigUint64Array([bits - 1n]).buffer)[0]!;
          const inside = (x: number): boolean =>
            !Number.isFinite(x) || compare(typed.exact!, decimalOf(x)) * Math.sign(typed.roundFrom) < 0;
          expect(inside(away)).toBe(true);
          expect(inside(toward)).toBe(false);
        },
      ),
    );
  });

  test.each(["", "abc", "1,5", "0x10", "--1", "1e", "1e99999999999", "1".repeat(1001), "1e5001"])(
    "%.20s is refused at once",
    (text) => {
      expect(() => parseTyped(text)).toThrow(VramCalcError);
    },
  );
});
