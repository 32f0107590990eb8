import { describe, expect, test } from "vitest";
import { overflowThreshold } from "../../src/formats/float-codec.ts";
import { codeBits, floatFacts } from "../../src/formats/float-facts.ts";
import { FLOAT_FORMATS } from "../../src/formats/number-formats.ts";
import { ORACLES, risingValues } from "./value-oracle.ts";

const facts = (id: string) => floatFacts(FLOAT_FORMATS.get(id)!);

/** IEEE 754-2019 table 3.5, OCP OFP8 v1.0 table 1, OCP MX v1.0 tables 2-7, ml_dtypes 0.6.0 finfo. */
const TABLE = [
  {
    id: "fp64",
    largest: Number.MAX_VALUE,
    normal: 2 ** -1022,
    subnormal: 5e-324,
    epsilon: Number.EPSILON,
    digits: [15, 17],
  },
  {
    id: "fp32",
    largest: (2 - 2 ** -23) * 2 ** 127,
    normal: 2 ** -126,
    subnormal: 2 ** -149,
    epsilon: 2 ** -23,
    digits: [6, 9],
  },
  {
    id: "tf32",
    largest: (2 - 2 ** -10) * 2 ** 127,
    normal: 2 ** -126,
    subnormal: 2 ** -136,
    epsilon: 2 ** -10,
    digits: [3, 5],
  },
  { id: "fp16", largest: 65504, normal: 2 ** -14, subnormal: 2 ** -24, epsilon: 2 ** -10, digits: [3, 5] },
  {
    id: "bf16",
    largest: 3.3895313892515355e38,
    normal: 2 ** -126,
    subnormal: 2 ** -133,
    epsilon: 2 ** -7,
    digits: [2, 4],
  },
  { id: "fp8_e5m2", largest: 57344, normal: 2 ** -14, subnormal: 2 ** -16, epsilon: 0.25, digits: [0, 2] },
  { id: "fp8_e4m3fn", largest: 448, normal: 2 ** -6, subnormal: 2 ** -9, epsilon: 0.125, digits: [0, 3] },
  { id: "fp8_e4m3_ieee", largest: 240, normal: 2 ** -6, subnormal: 2 ** -9, epsilon: 0.125, digits: [0, 3] },
  { id: "fp8_e4m3fnuz", largest: 240, normal: 2 ** -7, subnormal: 2 ** -10, epsilon: 0.125, digits: [0, 3] },
  {
    id: "fp8_e5m2fnuz",
    largest: 57344,
    normal: 2 ** -15,
    subnormal: 2 ** -17,
    epsilon: 0.25,
    digits: [0, 2],
  },
  {
    id: "fp8_e4m3b11fnuz",
    largest: 30,
    normal: 2 ** -10,
    subnormal: 2 ** -13,
    epsilon: 0.125,
    digits: [0, 3],
  },
  { id: "fp8_e3m4", largest: 15.5, normal: 0.25, subnormal: 2 ** -6, epsilon: 2 ** -4, digits: [1, 3] },
  { id: "ue4m3", largest: 448, normal: 2 ** -6, subnormal: 2 ** -9, epsilon: 0.125, digits: [0, 3] },
  { id: "e8m0", largest: 2 ** 127, normal: 2 ** -127, subnormal: null, epsilon: 1, digits: [0, 2] },
  { id: "fp6_e3m2", largest: 28, normal: 0.25, subnormal: 0.0625, epsilon: 0.25, digits: [0, 2] },
  { id: "fp6_e2m3", largest: 7.5, normal: 1, subnormal: 0.125, epsilon: 0.125, digits: [0, 3] },
  { id: "fp4_e2m1", largest: 6, normal: 1, subnormal: 0.5, epsilon: 0.5, digits: [0, 2] },
] as const;

describe("derived facts", () => {
  test("the table names every float format", () => {
    expect(TABLE.map((row) => row.id).sort()).toEqual([...FLOAT_FORMATS.keys()].sort());
  });

  test.each(TABLE)("$id: largest $largest, smallest $normal and $subnormal", (row) => {
    const { largest, smallestNormal, smallestSubnormal, epsilon, digits10, maxDigits10 } = facts(row.id);
    expect({ largest, smallestNormal, smallestSubnormal, epsilon, digits: [digits10, maxDigits10] }).toEqual({
      largest: row.largest,
      smallestNormal: row.normal,
      smallestSubnormal: row.subnormal,
      epsilon: row.epsilon,
      digits: row.digits,
    });
  });

  test.each(ORACLES)("$id: extremes and counts equal those of the enumerated codes", (oracle) => {
    const derived = facts(oracle.id);
    const values = Array.from({ length: 2 ** oracle.bits }, (_, code) => oracle.decode(code));
    const finite = values.filter(Number.isFinite);
    const positive = risingValues(oracle).filter(({ value }) => value > 0);
    expect(codeBits(FLOAT_FORMATS.get(oracle.id)!)).toBe(oracle.bits);
    expect(derived).toMatchObject({
      largest: finite.reduce((a, b) => Math.max(a, b)),
      lowest: finite.reduce((a, b) => Math.min(a, b)) + 0,
      finiteCodes: BigInt(finite.length),
      // A set has one zero.
      finiteValues: BigInt(new Set(finite).size),
      nanCodes: BigInt(values.filter(Number.isNaN).length),
    });
    expect(derived.smallestSubnormal ?? derived.smallestNormal).toBe(positive[0]!.value);
    const one = positive.findIndex(({ value }) => value === 1);
    expect(derived.epsilon).toBe(positive[one + 1]!.value - 1);
  });

  test.each([
    ["fp32", 4278190080n, 4278190079n],
    ["tf32", 522240n, 522239n],
    ["fp64", 2n ** 64n - 2n ** 53n, 2n ** 64n - 2n ** 53n - 1n],
  ] as const)("%s: %s finite codes, one fewer finite numbers", (id, codes, values) => {
    expect(facts(id)).toMatchObject({ finiteCodes: codes, finiteValues: values });
  });

  test.each([
    { id: "fp16", value: 65520, inclusive: true, why: "65504 + 32 / 2, and 1023 is odd" },
    {
      id: "fp8_e4m3fn",
      value: 464,
      inclusive: false,
      why: "448 + 32 / 2, and 6 is even: the tie goes to 448",
    },
    { id: "fp8_e5m2", value: 61440, inclusive: true, why: "57344 + 8192 / 2" },
    { id: "fp4_e2m1", value: 7, inclusive: true, why: "6 + 2 / 2" },
    { id: "e8m0", value: 1.5 * 2 ** 127, inclusive: false, why: "half way to 2^128, and 254 is even" },
    { id: "fp64", value: Infinity, inclusive: true, why: "beyond what a number holds" },
  ])("$id overflows at $value, itself included: $inclusive ($why)", ({ id, value, inclusive }) => {
    expect(overflowThreshold(FLOAT_FORMATS.get(id)!)).toEqual({ value, inclusive });
  });
});
