import { VramCalcError } from "../errors.ts";
import { bitsOf, decode, decodeExactly, encodeFrom, neighbours, numberFormat } from "./codec.ts";
import {
  type Decimal,
  decimalOf,
  decimalText,
  isDouble,
  parseTyped,
  ratio,
  subtract,
  type TypedNumber,
} from "./exact-decimal.ts";
import type { NumberFormat } from "./number-formats.ts";
import type { Overflow } from "./overflow.ts";

/** A code and what it stands for. */
export interface StoredCode {
  /** As stored, unused bits included: "0x4049". */
  readonly hex: string;
  /** Every digit, or "infinity", "-infinity", "NaN". */
  readonly value: string;
}

/** The bits of a code by field, as text of 0 and 1. `unused` bits belong to the container. */
export interface BitFields {
  readonly sign: string;
  readonly exponent: string;
  readonly fraction: string;
  readonly unused: string;
}

/** How a format stores one number. Plain data; every number that must be exact is decimal text. */
export interface EncodedValue {
  readonly format: string;
  readonly typed: string;
  /** What the nearest double to the typed number is, when that is another number; otherwise null. */
  readonly nearestDouble: string | null;
  /**
   * exact, rounded, underflow (not 0 but stored as 0), out-of-range (beyond the last value and what rounds to
   * it), special (infinity or NaN kept), refused (no code for it: `reason` says why), code (read as a bit
   * pattern).
   */
  readonly outcome: "exact" | "rounded" | "underflow" | "out-of-range" | "special" | "refused" | "code";
  readonly reason: string | null;
  readonly stored: StoredCode | null;
  readonly fields: BitFields | null;
  /** stored - typed, exactly. */
  readonly absoluteError: string | null;
  /** (stored - typed) / |typed|. */
  readonly relativeError: number | null;
  readonly below: StoredCode | null;
  readonly above: StoredCode | null;
}

const CODE = /^0(?:x[0-9a-f]{1,16}|b[01]{1,64})$/i;

/** True for a bit pattern: 0x7bff, 0b0_11110. */
export const looksLikeCode = (word: string): boolean => CODE.test(word.replaceAll("_", ""));

/**
 * How a format stores a number, given as text so that nothing is lost on the way in. The rounding is from the
 * typed decimal to the format in one step. A bit pattern (0x..., 0b...) is decoded instead.
 *
 * @throws unknown-name, bad-quantity, bad-option (a block format, a rule that the format cannot follow, a
 * pattern that is too wide)
 * @example encodeValue("bf16", "3.14159").stored // { hex: "0x4049", value: "3.140625" }
 */
export function encodeValue(name: string, text: string, overflow?: Overflow): EncodedValue {
  const format = numberFormat(name);
  if (looksLikeCode(text)) return decodedPattern(format, text);
  const typed = parseTyped(text);
  const nearestDouble = isDouble(typed) ? null : doubleText(typed.double);
  const base = { format: format.id, typed: text, nearestDouble };
  let code: bigint;
  try {
    code = encodeFrom(format, typed, overflow);
  } catch (error) {
    if (!(error instanceof VramCalcError) || error.code !== "out-of-range") throw error;
    return { ...base, ...EMPTY, outcome: "refused", reason: error.message };
  }
  const finite = Number.isFinite(decode(format, code));
  const error =
    finite && typed.exact !== undefined ? subtract(decodeExactly(format, code), typed.exact) : undefined;
  return {
    ...base,
    outcome: outcomeOf(format, { code, typed, error }),
    reason: null,
    absoluteError: error === undefined ? null : decimalText(error),
    relativeError:
      error === undefined || typed.exact!.digits === 0n ? null : ratio(error, magnitudeOf(typed.exact!)),
    ...codeFacts(format, code),
  };
}

const EMPTY = {
  stored: null,
  fields: null,
  absoluteError: null,
  relativeError: null,
  below: null,
  above: null,
} as const;

const magnitudeOf = ({ digits, scale }: Decimal): Decimal => ({
  digits: digits < 0n ? -digits : digits,
  scale,
});

function outcomeOf(
  format: NumberFormat,
  {
    code,
    typed,
    error,
  }: { readonly code: bigint; readonly typed: TypedNumber; readonly error: Decimal | undefined },
): EncodedValue["outcome"] {
  if (error?.digits === 0n) return "exact";
  if (typed.exact === undefined && !Number.isFinite(decode(format, code))) {
    // Infinity that became NaN is out of range like any large number.
    return Object.is(decode(format, code), typed.double) ? "special" : "out-of-range";
  }
  if (!fits(format, typed)) return "out-of-range";
  return typed.exact?.digits !== 0n && decode(format, code) === 0 ? "underflow" : "rounded";
}

function fits(format: NumberFormat, typed: TypedNumber): boolean {
  // The double that a value beyond fp64 rounds to is infinity, which fp64 itself does not refuse.
  if (format.id === "fp64") return typed.exact === undefined || Number.isFinite(typed.double);
  try {
    encodeFrom(format, typed, "throw");
    return true;
  } catch {
    return false;
  }
}

function decodedPattern(format: NumberFormat, text: string): EncodedValue {
  const pattern = BigInt(text.replaceAll("_", ""));
  const low = BigInt(lowUnused(format));
  if (pattern >> BigInt(bitsOf(format) + Number(low)) > 0n)
    throw new VramCalcError("bad-option", {
      option: "bit pattern",
      given: text,
      expected: `at most the ${bitsOf(format) + Number(low)} bits of ${format.id}`,
    });
  return {
    ...EMPTY,
    format: format.id,
    typed: text,
    nearestDouble: null,
    outcome: "code",
    reason: null,
    ...codeFacts(format, pattern >> low),
  };
}

const lowUnused = (format: NumberFormat): number =>
  format.kind === "float" && format.unused === "low" ? format.storageBits - bitsOf(format) : 0;

function codeFacts(
  format: NumberFormat,
  code: bigint,
): Pick<EncodedValue, "stored" | "fields" | "below" | "above"> {
  const { below, above } = neighbours(format, code);
  return {
    stored: storedCode(format, code),
    fields: bitFields(format, code),
    below: below === undefined ? null : storedCode(format, below),
    above: above === undefined ? null : storedCode(format, above),
  };
}

/** Decimal text of a double, infinities and NaN included. -0 keeps its sign. */
export function doubleText(x: number): string {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "infinity" : "-infinity";
  return Object.is(x, -0) ? "-0" : decimalText(decimalOf(x));
}

function storedCode(format: NumberFormat, code: bigint): StoredCode {
  const pattern = code << BigInt(lowUnused(format));
  const hex = `0x${pattern.toString(16).padStart(Math.ceil(format.storageBits / 4), "0")}`;
  const value = decode(format, code);
  const exact = format.kind === "integer" ? decimalText(decodeExactly(format, code)) : doubleText(value);
  return { hex, value: exact };
}

/** The fields of a code; an integer and the index of a table are all `fraction`. */
function bitFields(format: NumberFormat, code: bigint): BitFields {
  const bits = code.toString(2).padStart(bitsOf(format), "0");
  if (format.kind !== "float") return { sign: "", exponent: "", fraction: bits, unused: "" };
  const { signBits, exponentBits } = format;
  return {
    sign: bits.slice(0, signBits),
    exponent: bits.slice(signBits, signBits + exponentBits),
    fraction: bits.slice(signBits + exponentBits),
    unused: "0".repeat(format.storageBits - bits.length),
  };
}
