import { describe, expect, test } from "vitest";
import { decode, encode, neighbours, numberFormat, roundTo } from "../../src/formats/codec.ts";
import { CODE_BOOKS, INTEGER_FORMATS } from "../../src/formats/number-formats.ts";

describe("integers", () => {
  const ranges = [
    { id: "int4", low: -8, high: 7 },
    { id: "uint4", low: 0, high: 15 },
    { id: "int8", low: -128, high: 127 },
    { id: "uint8", low: 0, high: 255 },
    { id: "int16", low: -32768, high: 32767 },
  ];
  test.each(ranges)(
    "$id: every code from $low to $high, twice and a half step beyond",
    ({ id, low, high }) => {
      const format = numberFormat(id);
      let wrong = 0;
      for (let x = low; x <= high; x++) {
        const code = encode(format, x);
        if (code !== BigInt(x < 0 ? x + (high - low + 1) : x) || decode(format, code) !== x) wrong++;
        // Half way up goes to the even integer.
        if (x < high && decode(format, encode(format, x + 0.5)) !== (x % 2 === 0 ? x : x + 1)) wrong++;
      }
      expect(wrong).toBe(0);
      expect(roundTo(id, high + 1000)).toBe(high);
      expect(roundTo(id, -Infinity)).toBe(low);
      expect(() => roundTo(id, high + 1, "throw")).toThrow(`does not fit ${id}, which ends at ${high}`);
      expect(() => roundTo(id, Number.NaN)).toThrow("has no NaN");
      expect(() => roundTo(id, 1e9, "nan")).toThrow("which has no NaN");
      expect(() => roundTo(id, 1e9, "infinity")).toThrow("which has no infinity");
    },
  );

  test.each([
    [2 ** 62, 2n ** 62n],
    [-1, 2n ** 64n - 1n],
    [1e300, 2n ** 63n - 1n],
    [-1e300, 2n ** 63n],
  ])("int64 stores %d as code %s", (x, code) => {
    expect(encode(numberFormat("int64"), x)).toBe(code);
  });

  test("the element of mxint8 is i / 64: 1.984375 = 127 / 64 is its largest, and 0.0078125 = 0.5 / 64 ties to 0", () => {
    const element = INTEGER_FORMATS.get("mxint8_element")!;
    expect(decode(element, 127n)).toBe(1.984375);
    expect(decode(element, 128n)).toBe(-2);
    expect(encode(element, 0.0078125)).toBe(0n);
    expect(encode(element, 3 * 0.0078125)).toBe(2n);
    expect(encode(element, 7)).toBe(127n);
  });
});

describe("code books", () => {
  test.each([...CODE_BOOKS.values()])("$id: 16 entries, each the value of its own code", (book) => {
    expect(book.entries.length).toBe(16);
    book.entries.forEach((entry, code) => {
      // Two codes of bnb_fp4 are zero; the lower one is written.
      expect(encode(book, entry)).toBe(BigInt(book.entries.indexOf(entry)));
      expect(decode(book, BigInt(code))).toBe(entry);
    });
  });

  test("nf4 has 7 negative entries, zero and 8 positive ones, in rising order and in fp32", () => {
    const { entries } = CODE_BOOKS.get("nf4")!;
    expect(entries.map(Math.sign).reduce((sum, sign) => sum + sign, 0)).toBe(1);
    expect([...entries].sort((a, b) => a - b)).toEqual(entries);
    expect(entries.map(Math.fround)).toEqual(entries);
  });

  test("bnb_fp4 holds 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4 in fp32, then their negatives", () => {
    const magnitudes = [0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4].map(Math.fround);
    expect(CODE_BOOKS.get("bnb_fp4")!.entries).toEqual([...magnitudes, ...magnitudes.map((x) => -x + 0)]);
  });

  test.each([
    [0.05, 0.07958029955625534],
    [-0.0456, -0.09105003625154495],
    [0.0397901497, 0],
    [0.0397901498, 0.07958029955625534],
    [5, 1],
    [-5, -1],
  ])("nf4 stores %d as %d, the nearest entry", (x, entry) => {
    expect(decode(CODE_BOOKS.get("nf4")!, encode(CODE_BOOKS.get("nf4")!, x))).toBe(entry);
  });

  test("half way between two entries the lower one is taken: iq4_nl stores 7 of 1 and 13 as 1, -16 as -22", () => {
    expect(decode(CODE_BOOKS.get("iq4_nl")!, encode(CODE_BOOKS.get("iq4_nl")!, 7))).toBe(1);
    expect(decode(CODE_BOOKS.get("iq4_nl")!, encode(CODE_BOOKS.get("iq4_nl")!, -16))).toBe(-22);
  });
});

describe("fp64", () => {
  test.each([1, -0, 0.1, 5e-324, Number.MAX_VALUE, Infinity, -Infinity, Number.NaN])("keeps %d", (x) => {
    expect(roundTo("fp64", x)).toBe(x);
  });
  test("1 is 0x3ff0000000000000, and an infinity saturates to the largest value", () => {
    expect(encode(numberFormat("fp64"), 1)).toBe(0x3ff0000000000000n);
    expect(roundTo("fp64", -Infinity, "saturate")).toBe(-Number.MAX_VALUE);
  });
});

describe("rounding by name", () => {
  test.each([
    ["bf16", 3.3, 3.296875],
    ["fp16", 70000, Infinity],
    ["fp16", 65519.99, 65504],
    ["fp8", 1000, Number.NaN],
    ["fp8", 464, 448],
    ["fp4", 100, 6],
    ["fp4", -5, -4],
    ["e8m0", 3, 2],
    ["e8m0", 1.5, 2],
    ["e8m0", 6, 8],
    ["tf32", 1 + 2 ** -11, 1],
    ["fp32", 0.1, Math.fround(0.1)],
  ])("%s keeps of %d: %d", (name, x, stored) => {
    expect(roundTo(name, x)).toBe(stored);
  });

  // (1 + 2^-8) + 2^-30 is above the midpoint of two bf16 values, and fp32 would round it onto the midpoint.
  test("bf16 is rounded once: 1 + 2^-8 + 2^-30 goes up although fp32 sees a tie", () => {
    expect(Math.fround(1 + 2 ** -8 + 2 ** -30)).toBe(1 + 2 ** -8);
    expect(roundTo("bf16", 1 + 2 ** -8 + 2 ** -30)).toBe(1 + 2 ** -7);
    expect(roundTo("bf16", 1 + 2 ** -8)).toBe(1);
  });

  test("a format of blocks has no value of its own", () => {
    expect(() => roundTo("q4_k", 1)).toThrow("a block format rounds its values together");
  });
});

describe("neighbours", () => {
  const values = (name: string, code: bigint) => {
    const format = numberFormat(name);
    const { below, above } = neighbours(format, code);
    return [below, above].map((neighbour) =>
      neighbour === undefined ? undefined : decode(format, neighbour),
    );
  };
  test.each([
    { name: "fp16", code: 0x7bffn, around: [65472, Infinity], why: "the largest value" },
    { name: "fp16", code: 0x7c00n, around: [65504, undefined], why: "infinity" },
    { name: "fp16", code: 0xfc00n, around: [undefined, -65504], why: "-infinity" },
    { name: "fp16", code: 0x7e00n, around: [undefined, undefined], why: "NaN" },
    { name: "fp16", code: 0n, around: [-(2 ** -24), 2 ** -24], why: "0" },
    { name: "fp16", code: 0x8000n, around: [-(2 ** -24), 2 ** -24], why: "-0" },
    { name: "fp16", code: 0x0400n, around: [1023 * 2 ** -24, 1025 * 2 ** -24], why: "the smallest normal" },
    { name: "fp8", code: 0x7en, around: [416, undefined], why: "448, no infinity above" },
    { name: "e4m3fnuz", code: 0n, around: [-(2 ** -10), 2 ** -10], why: "the only zero" },
    { name: "ue4m3", code: 0n, around: [undefined, 2 ** -9], why: "0 without a sign" },
    { name: "e8m0", code: 0n, around: [undefined, 2 ** -126], why: "2^-127" },
    { name: "fp4", code: 0b1111n, around: [undefined, -4], why: "-6" },
    { name: "int8", code: 0x80n, around: [undefined, -127], why: "-128" },
    { name: "nf4", code: 7n, around: [-0.09105003625154495, 0.07958029955625534], why: "0" },
    {
      name: "fp64",
      code: 0x7fefffffffffffffn,
      around: [Number.MAX_VALUE * (1 - 2 ** -53), Infinity],
      why: "the largest",
    },
  ])("of $why in $name", ({ name, code, around }) => {
    expect(values(name, code)).toEqual(around);
  });
});
