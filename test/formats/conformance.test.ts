/** The codec against tables of values, exhaustively: a mismatch count of 0 over a fixed number of probes. */
import { setFloat16 } from "@petamoriken/float16";
import { describe, expect, test } from "vitest";
import { decodeFloat, encodeFloat } from "../../src/formats/float-codec.ts";
import { FLOAT_FORMATS } from "../../src/formats/number-formats.ts";
import type { Overflow } from "../../src/formats/overflow.ts";
import mlDtypes from "../vectors/formats-ml-dtypes.json" with { type: "json" };
import { beside, ORACLES, type Oracle, risingValues } from "./value-oracle.ts";

const formatOf = (id: string) => FLOAT_FORMATS.get(id)!;
const view = new DataView(new ArrayBuffer(8));

/** The sign bit added, unless the format has none or its -0 is not a number. */
const negated = (oracle: Oracle, code: number): number => {
  const flipped = code + 2 ** (oracle.bits - 1);
  return Number.isNaN(oracle.decode(flipped)) ? code : flipped;
};

/** [value, code] for each interval of neighbours: both ends, the midpoint and the doubles beside it. */
function* roundingProbes(oracle: Oracle): Generator<readonly [number, number]> {
  const values = risingValues(oracle);
  for (let i = 0; i + 1 < values.length; i++) {
    const low = values[i]!;
    const high = values[i + 1]!;
    const middle = low.value + (high.value - low.value) / 2;
    const even = low.code % 2 === 0 ? low.code : high.code;
    yield [low.value, low.code];
    yield [beside(middle, -1), low.code];
    yield [middle, even];
    yield [beside(middle, 1), high.code];
    yield [high.value, high.code];
  }
}

const PROBES: { readonly [id: string]: { readonly codes: number; readonly rounding: number } } = {
  // rounding = 5 probes x (non-negative finite values - 1) x signs
  fp16: { codes: 65536, rounding: 317_430 },
  bf16: { codes: 65536, rounding: 326_390 },
  fp8_e5m2: { codes: 256, rounding: 1230 },
  fp8_e4m3fn: { codes: 256, rounding: 1260 },
  fp8_e4m3_ieee: { codes: 256, rounding: 1190 },
  fp8_e4m3fnuz: { codes: 256, rounding: 1270 },
  fp8_e5m2fnuz: { codes: 256, rounding: 1270 },
  fp8_e4m3b11fnuz: { codes: 256, rounding: 1270 },
  fp8_e3m4: { codes: 256, rounding: 1110 },
  ue4m3: { codes: 128, rounding: 630 },
  e8m0: { codes: 256, rounding: 1270 },
  fp6_e3m2: { codes: 64, rounding: 310 },
  fp6_e2m3: { codes: 64, rounding: 310 },
  fp4_e2m1: { codes: 16, rounding: 70 },
};

describe.each(ORACLES)("$id against its table of values", (oracle) => {
  const format = formatOf(oracle.id);
  const codes = 2 ** oracle.bits;

  test(`decode: all ${codes} codes, NaN and -0 included`, () => {
    let wrong = 0;
    let probes = 0;
    for (let code = 0; code < codes; code++, probes++)
      if (!Object.is(decodeFloat(format, code), oracle.decode(code))) wrong++;
    expect({ wrong, probes }).toEqual({ wrong: 0, probes: PROBES[oracle.id]!.codes });
  });

  test(`encode(decode(code)) = code for all ${codes} codes; a NaN comes back as a NaN`, () => {
    let wrong = 0;
    let probes = 0;
    for (let code = 0; code < codes; code++, probes++) {
      const value = oracle.decode(code);
      const back = encodeFloat(format, value);
      if (Number.isNaN(value) ? !Number.isNaN(oracle.decode(back)) : back !== code) wrong++;
    }
    expect({ wrong, probes }).toEqual({ wrong: 0, probes: PROBES[oracle.id]!.codes });
  });

  test(`encode: ${PROBES[oracle.id]!.rounding} probes around every rounding boundary`, () => {
    let wrong = 0;
    let probes = 0;
    for (const [x, code] of roundingProbes(oracle)) {
      if (encodeFloat(format, x) !== code) wrong++;
      probes++;
      if (!oracle.signed) continue;
      if (encodeFloat(format, -x) !== negated(oracle, code)) wrong++;
      probes++;
    }
    expect({ wrong, probes }).toEqual({ wrong: 0, probes: PROBES[oracle.id]!.rounding });
  });

  test("overflow: the edge from both sides, twice the largest, the largest double and infinity, by each rule", () => {
    const values = risingValues(oracle);
    const top = values[values.length - 1]!;
    const step = oracle.id === "e8m0" ? top.value : top.value - values[values.length - 2]!.value;
    const edge = top.value + step / 2;
    const inside = [top.value, beside(edge, -1), ...(top.code % 2 === 0 ? [edge] : [])];
    const outside = [...(top.code % 2 === 0 ? [] : [edge]), beside(edge, 1), 2 * top.value, Number.MAX_VALUE];
    const all = Array.from({ length: codes }, (_, code) => code);
    const infinity = all.find((code) => oracle.decode(code) === Infinity);
    const hasNan = all.some((code) => Number.isNaN(oracle.decode(code)));
    const attempt = (x: number, rule: Overflow): number | string => {
      try {
        return decodeFloat(format, encodeFloat(format, x, rule));
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const signs = oracle.signed ? [1, -1] : [1];
    for (const sign of signs) {
      for (const rule of ["saturate", "infinity", "nan", "throw"] as const) {
        for (const x of inside) expect(attempt(sign * x, rule)).toBe(sign * top.value);
        const beyond = {
          saturate: sign * top.value,
          infinity: infinity === undefined ? "bad-option" : sign * Infinity,
          nan: hasNan ? Number.NaN : "bad-option",
          throw: "out-of-range",
        }[rule];
        for (const x of outside) expect(attempt(sign * x, rule)).toBe(beyond);
        // An infinity is no overflow where there is one, except that saturating means finite.
        expect(attempt(sign * Infinity, rule)).toBe(
          infinity === undefined || rule === "saturate" ? beyond : sign * Infinity,
        );
        expect(attempt(Number.NaN, rule)).toBe(hasNan ? Number.NaN : "out-of-range");
      }
    }
  });

  test("underflow: half the smallest step is a tie that goes to the even code 0, one double above does not", () => {
    const [zero, smallest] = risingValues(oracle);
    if (oracle.id === "e8m0") {
      for (const x of [0, -0, 5e-324, 2 ** -128]) expect(encodeFloat(format, x)).toBe(0);
      expect(encodeFloat(format, -(2 ** -127))).toBe(255);
      expect(encodeFloat(format, -1, "saturate")).toBe(0);
      return;
    }
    expect(zero).toEqual({ code: 0, value: 0 });
    const half = smallest!.value / 2;
    for (const x of [0, 5e-324, beside(half, -1), half]) expect(encodeFloat(format, x)).toBe(0);
    expect(encodeFloat(format, beside(half, 1))).toBe(smallest!.code);
    for (const x of [-0, -5e-324, beside(half, -1) * -1, -half])
      expect(encodeFloat(format, x)).toBe(oracle.signed ? negated(oracle, 0) : 0);
    if (!oracle.signed) {
      expect(encodeFloat(format, -smallest!.value)).toBe(2 ** oracle.bits - 1);
      expect(encodeFloat(format, -1, "saturate")).toBe(0);
    }
  });
});

describe("fp32, fp64 and tf32", () => {
  /** A small generator, so that every run probes the same numbers. */
  const randomBits = (seed: number) => {
    let state = seed;
    return (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state;
    };
  };
  const fp32 = formatOf("fp32");

  test("fp32: 400,000 doubles around midpoints of random neighbours equal Math.fround", () => {
    const next = randomBits(1);
    let wrong = 0;
    let probes = 0;
    for (let i = 0; i < 80_000; i++) {
      view.setUint32(0, next());
      const low = view.getFloat32(0);
      view.setUint32(0, view.getUint32(0) + 1);
      const high = view.getFloat32(0);
      const middle = low + (high - low) / 2;
      const ends =
        Number.isFinite(middle) && middle !== 0 ? [beside(middle, -1), beside(middle, 1)] : [low, high];
      for (const x of [low, ends[0]!, middle, ends[1]!, high]) {
        const expected = Math.fround(x);
        if (!Object.is(decodeFloat(fp32, encodeFloat(fp32, x)), expected)) wrong++;
        view.setFloat32(4, expected);
        if (!Number.isNaN(expected) && encodeFloat(fp32, x) !== view.getUint32(4)) wrong++;
        probes++;
      }
    }
    expect({ wrong, probes }).toEqual({ wrong: 0, probes: 400_000 });
  });

  test("fp32: the largest value plus half a step, 2^128 - 2^103, is infinity, and one double below is not", () => {
    const edge = 2 ** 128 - 2 ** 103;
    expect(encodeFloat(fp32, edge)).toBe(0x7f800000);
    expect(encodeFloat(fp32, beside(edge, -1))).toBe(0x7f7fffff);
    expect(encodeFloat(fp32, edge, "saturate")).toBe(0x7f7fffff);
    expect(encodeFloat(fp32, -Infinity)).toBe(0xff800000);
    expect(encodeFloat(fp32, Number.NaN)).toBe(0x7fc00000);
  });

  test("tf32: every 19-bit code is fp32 with 13 zeros appended, and every 16th interval rounds to even", () => {
    const tf32 = formatOf("tf32");
    const tf32Value = (code: number): number => {
      view.setUint32(0, code * 2 ** 13);
      return view.getFloat32(0);
    };
    let wrong = 0;
    let probes = 0;
    for (let code = 0; code < 2 ** 19; code++, probes++)
      if (!Object.is(decodeFloat(tf32, code), tf32Value(code))) wrong++;
    for (let code = 0; code < 255 * 2 ** 10 - 1; code += 16) {
      // Odd and even lower ends in turn.
      const low = code + ((code / 16) % 2);
      const middle = (tf32Value(low) + tf32Value(low + 1)) / 2;
      const even = low % 2 === 0 ? low : low + 1;
      const expected = [low, even, low + 1];
      [beside(middle, -1), middle, beside(middle, 1)].forEach((x, i) => {
        if (encodeFloat(tf32, x) !== expected[i]) wrong++;
        probes++;
      });
    }
    expect({ wrong, probes }).toEqual({ wrong: 0, probes: 2 ** 19 + 3 * 16_320 });
  });
});

describe("second opinions", () => {
  test("fp16: setFloat16 of @petamoriken/float16 agrees on 200,000 doubles of every magnitude", () => {
    const fp16 = formatOf("fp16");
    let wrong = 0;
    let state = 7;
    for (let i = 0; i < 200_000; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const x = ((state / 2 ** 32) * 2 - 1) * 2 ** ((i % 44) - 26);
      setFloat16(view, 0, x);
      if (encodeFloat(fp16, x) !== view.getUint16(0)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  const f16round = (Math as { f16round?: (x: number) => number }).f16round;
  test.skipIf(f16round === undefined)(
    "fp16: Math.f16round agrees on all boundaries (skipped where the runtime has none: Node below 24)",
    () => {
      const fp16 = ORACLES.find((oracle) => oracle.id === "fp16")!;
      let wrong = 0;
      for (const [x] of roundingProbes(fp16))
        if (!Object.is(decodeFloat(formatOf("fp16"), encodeFloat(formatOf("fp16"), x)), f16round!(x)))
          wrong++;
      expect(wrong).toBe(0);
    },
  );

  test.each(mlDtypes.formats)("$format: ml_dtypes $type decodes every code alike", ({ format, decoded }) => {
    const values = decoded.map((x) => Number(String(x).replace("inf", "Infinity")));
    expect(values.length).toBe(2 ** ORACLES.find((oracle) => oracle.id === format)!.bits);
    const wrong = values.filter((value, code) => !Object.is(decodeFloat(formatOf(format), code), value));
    expect(wrong).toEqual([]);
  });

  test.each(mlDtypes.formats)(
    "$format: ml_dtypes $type encodes every fp32 probe alike",
    ({ format, encoded }) => {
      expect(encoded.length).toBeGreaterThanOrEqual(50);
      // Compared as values: ml_dtypes keeps the sign of what overflows to NaN, and a NaN has none.
      const value = (code: number): number => decodeFloat(formatOf(format), code);
      const wrong = encoded.filter(
        ([x, code]) => !Object.is(value(encodeFloat(formatOf(format), x!)), value(code!)),
      );
      expect(wrong).toEqual([]);
    },
  );
});
