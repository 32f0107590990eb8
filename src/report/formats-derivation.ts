/** How the limits of a float format follow from its fields, step by step. */
import type { FloatDescription } from "../formats/describe-format.ts";
import { lowestNormalField, nanCode, topFields } from "../formats/float-facts.ts";
import type { FloatFormat } from "../formats/number-formats.ts";
import { groupDigits } from "../units.ts";
import { equals, range } from "./formats-text.ts";

/** What is derived, and the arithmetic. */
export type Step = readonly [label: string, text: string];

/**
 * Exponents, fraction, largest, lowest, smallest values, epsilon, specials and counts, each with its arithmetic.
 *
 * @example derivation(formats.describeFormat("fp16"), formats.numberFormat("fp16"))[3] // ["largest", "(-1)^0 x 2^(30-15) x (1 + 1023/1024) = 65504"]
 */
export function derivation(d: FloatDescription, f: FloatFormat): readonly Step[] {
  const steps = 2 ** f.fractionBits;
  const of = groupDigits(steps).replaceAll(",", "");
  const top = topFields(f);
  const lowest = lowestNormalField(f);
  const sign = (bit: 0 | 1): string => (f.signBits === 1 ? `(-1)^${bit} x ` : "");
  const significand = (fraction: number): string =>
    f.fractionBits === 0 ? "" : ` x (1 + ${fraction}/${of})`;
  const value = `${f.signBits === 1 ? "(-1)^sign x " : ""}2^(exponent - ${f.bias})${f.fractionBits === 0 ? "" : ` x (1 + fraction/${of})`}`;
  const result: Step[] = [
    [
      "exponent",
      `stored ${lowest}..${top.exponent}, less the bias ${f.bias}: ${d.minExponent}..${d.maxExponent}${exponentNote(d)}`,
    ],
  ];
  if (f.fractionBits > 0)
    result.push([
      "fraction",
      `stored 0..${steps - 1}, over ${of}, after a leading 1: 1 to 1 + ${steps - 1}/${of}`,
    ]);
  result.push(["value", value]);
  result.push([
    "largest",
    `${sign(0)}2^(${top.exponent}-${f.bias})${significand(top.fraction)} ${equals(d.largest)}`,
  ]);
  if (f.signBits === 1)
    result.push([
      "lowest",
      `${sign(1)}2^(${top.exponent}-${f.bias})${significand(top.fraction)} ${equals(d.lowest)}`,
    ]);
  if (d.smallestSubnormal !== null) result.push(["range", range(d.lowest, d.largest)]);
  result.push([
    "smallest normal",
    `2^(${lowest}-${f.bias})${significand(0)} = 2^${d.minExponent} ${equals(d.smallestNormal)}`,
  ]);
  if (d.smallestSubnormal !== null) {
    result.push([
      "subnormals",
      `exponent stored as 0: ${f.signBits === 1 ? "(-1)^sign x " : ""}2^${d.minExponent} x fraction/${of}, without the leading 1`,
    ]);
    result.push([
      "smallest subnormal",
      `2^${d.minExponent} x 1/${of} = 2^${d.minExponent - f.fractionBits} ${equals(d.smallestSubnormal)}`,
    ]);
  }
  const digits = `${d.maxDigits10} decimal digits tell any two values apart${d.digits10 === 0 ? "" : `, ${d.digits10} always survive`}`;
  result.push([
    "epsilon",
    `2^${f.fractionBits === 0 ? 0 : -f.fractionBits} ${equals(d.epsilon)}, the step from 1 to the next value; ${digits}`,
  ]);
  result.push(["zero", zeroText(d)], ["specials", specialsText(d, f)], ["too large", overflowText(d)]);
  result.push(["codes", codesText(d)]);
  return result;
}

function exponentNote(d: FloatDescription): string {
  switch (d.specials) {
    case "ieee":
      return `; 0 is for zero and subnormals, ${2 ** d.exponentBits - 1} for infinity and NaN`;
    case "fn":
    case "fnuz":
    case "finite":
      return "; 0 is for zero and subnormals";
    case "e8m0":
      return "";
  }
}

function zeroText(d: FloatDescription): string {
  if (d.specials === "e8m0") return "none";
  return d.negativeZero ? "+0 and -0" : "one, without a sign";
}

const hexOf = (f: FloatFormat, code: number): string =>
  `0x${code.toString(16).padStart(Math.ceil((f.signBits + f.exponentBits + f.fractionBits) / 4), "0")}`;

function specialsText(d: FloatDescription, f: FloatFormat): string {
  switch (d.specials) {
    case "ieee":
      return `exponent all ones: fraction 0 is ${d.signBits === 1 ? "+" : ""}infinity${d.signBits === 1 ? " or -infinity" : ""}, any other fraction is NaN`;
    case "fn":
      return `no infinity; NaN is all ones${d.signBits === 1 ? " after the sign" : ""}, ${hexOf(f, nanCode(f)!)}`;
    case "fnuz":
      return `no infinity; NaN is ${hexOf(f, nanCode(f)!)}, which would have been -0`;
    case "finite":
      return "no infinity, no NaN";
    case "e8m0":
      return `no infinity; NaN is ${hexOf(f, nanCode(f)!)}, which makes its whole block NaN`;
  }
}

function overflowText(d: FloatDescription): string {
  const become = { infinity: "infinity", nan: "NaN", saturate: "the largest value", throw: "an error" }[
    d.overflow
  ];
  if (d.overflowFrom === null) return `becomes ${become}`;
  const edge = equals(d.overflowFrom).replace(/^= /, "");
  return `${d.overflowInclusive ? `from ${edge} on` : `above ${edge}`}: becomes ${become} by convention`;
}

function codesText(d: FloatDescription): string {
  const infinities = d.infinity ? `, ${d.signBits + 1} infinities` : "";
  return `${group(d.finiteCodes)} finite (${group(d.finiteValues)} different numbers)${infinities}, ${group(d.nanCodes)} NaN`;
}

const group = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ",");
