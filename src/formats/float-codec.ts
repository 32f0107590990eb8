import {
  floatFacts,
  hasSubnormals,
  infinityCode,
  lowestNormalField,
  nanCode,
  topCode,
  topFields,
} from "./float-facts.ts";
import type { FloatFormat } from "./number-formats.ts";
import { conventionalOverflow, noSuchOverflow, type Overflow, outOfRange } from "./overflow.ts";

/**
 * The value of a code, for formats of up to 32 bits.
 *
 *     normal      (-1)^sign x 2^(exponent - bias) x (1 + fraction / 2^m)
 *     subnormal   (-1)^sign x 2^(1 - bias) x (fraction / 2^m)
 *
 * Exact: every step is a small integer times a power of two that a double holds.
 *
 * @param code an integer from 0 to 2^bits - 1
 * @example decodeFloat(fp16, 0x7bff) // 65504
 */
export function decodeFloat(f: FloatFormat, code: number): number {
  const steps = 2 ** f.fractionBits;
  const magnitudes = 2 ** f.exponentBits * steps;
  const magnitude = code % magnitudes;
  const negative = code >= magnitudes;
  if (f.specials === "fnuz" && negative && magnitude === 0) return Number.NaN;
  if (magnitude > topCode(f))
    return magnitude !== infinityCode(f) ? Number.NaN : negative ? -Infinity : Infinity;
  const field = Math.floor(magnitude / steps);
  const fraction = magnitude % steps;
  const lowest = lowestNormalField(f);
  const value =
    field < lowest
      ? fraction * 2 ** (1 - f.bias - f.fractionBits)
      : (steps + fraction) * 2 ** (field - f.bias - f.fractionBits);
  return negative ? -value : value;
}

/**
 * The code of the nearest value, ties to the even code, for formats of up to 32 bits. One rounding straight
 * from the double: going through fp32 first would be wrong next to a midpoint.
 *
 * A NaN becomes the format's NaN. An infinity stays one where there is one, unless the rule is "saturate".
 * Formats without -0 store 0. An unsigned format rounds a negative value that is nearer to 0 than to its
 * first step up to 0 and treats any other as out of range. e8m0 has no 0 and stores 2^-127, its nearest value.
 *
 * @throws out-of-range under "throw", and for a NaN that the format cannot hold
 * @throws bad-option for a rule that the format cannot follow
 * @example encodeFloat(fp16, 70000) // 0x7c00, infinity
 * @example encodeFloat(fp8_e4m3fn, 1000, "saturate") // 0x7e, 448
 */
export function encodeFloat(f: FloatFormat, x: number, overflow: Overflow = conventionalOverflow(f)): number {
  if (Number.isNaN(x)) {
    const code = nanCode(f);
    if (code === undefined) throw outOfRange(f, "NaN", `${floatFacts(f).largest} and has no NaN`);
    return code;
  }
  const negative = x < 0 || Object.is(x, -0);
  const magnitude = roundMagnitude(f, Math.abs(x));
  const tooLow = negative && f.signBits === 0 && (hasSubnormals(f) ? magnitude > 0 : x !== 0);
  if (magnitude > topCode(f) || tooLow) return overflowCode(f, x, overflow);
  if (!negative || f.signBits === 0) return magnitude;
  // The code of -0 is the NaN of fnuz.
  return f.specials === "fnuz" && magnitude === 0 ? 0 : magnitude + 2 ** (f.exponentBits + f.fractionBits);
}

/** The code of the nearest magnitude, as if the format went on beyond its largest value. */
function roundMagnitude(f: FloatFormat, v: number): number {
  if (v === Infinity) return Infinity;
  const minExponent = lowestNormalField(f) - f.bias;
  // Next to a power of two log2 may be off by one; the steps of both binades meet at that power, so the
  // nearest value is the same.
  const exponent = Math.max(Math.floor(Math.log2(v)), minExponent);
  // Past twice the top nothing is near; it also keeps the powers below finite.
  if (exponent > 2 ** f.exponentBits - f.bias) return Infinity;
  const scaled = v / 2 ** (exponent - f.fractionBits);
  const whole = Math.floor(scaled);
  const rest = scaled - whole;
  const base = (exponent - minExponent) * 2 ** f.fractionBits;
  // Without subnormals the first binade starts at code 0, and what lies below rounds up to it.
  const lower = hasSubnormals(f) ? base + whole : base + whole - 1;
  if (lower < 0) return 0;
  // The carry of a round-up flows into the exponent field by itself.
  return rest > 0.5 || (rest === 0.5 && lower % 2 === 1) ? lower + 1 : lower;
}

function overflowCode(f: FloatFormat, x: number, overflow: Overflow): number {
  const signed = (code: number): number =>
    x < 0 && f.signBits === 1 ? code + 2 ** (f.exponentBits + f.fractionBits) : code;
  const infinity = infinityCode(f);
  if (Math.abs(x) === Infinity && infinity !== undefined && overflow !== "saturate") return signed(infinity);
  switch (overflow) {
    case "saturate":
      return x < 0 && f.signBits === 0 ? 0 : signed(topCode(f));
    case "infinity":
      if (infinity === undefined) throw noSuchOverflow(f, overflow);
      return signed(infinity);
    case "nan": {
      const code = nanCode(f);
      if (code === undefined) throw noSuchOverflow(f, overflow);
      return code;
    }
    case "throw": {
      const { largest, lowest } = floatFacts(f);
      throw outOfRange(f, String(x), String(x < 0 ? lowest : largest));
    }
  }
}

/** Where rounding stops being finite: values from here on overflow (or above it, when `inclusive` is false). */
export function overflowThreshold(f: FloatFormat): { readonly value: number; readonly inclusive: boolean } {
  const { largest, maxExponent } = floatFacts(f);
  // Half a step above the top; a tie goes up when the top code is odd. e8m0's step is its own binade.
  return {
    value: largest + 2 ** (maxExponent - f.fractionBits - 1),
    // Not the parity of the code: that of fp64 is beyond what a number counts.
    inclusive: (f.fractionBits > 0 ? topFields(f).fraction : topFields(f).exponent) % 2 === 1,
  };
}
