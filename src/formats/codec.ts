import { VramCalcError } from "../errors.ts";
import { type Decimal, decimalOf, roundToInteger, scaleByTwo, type TypedNumber } from "./exact-decimal.ts";
import { decodeFloat, encodeFloat } from "./float-codec.ts";
import { codeBits } from "./float-facts.ts";
import { findFormatId, unknownFormat } from "./format-names.ts";
import {
  CODE_BOOKS,
  type CodeBook,
  FLOAT_FORMATS,
  INTEGER_FORMATS,
  type IntegerFormat,
  type NumberFormat,
} from "./number-formats.ts";
import { conventionalOverflow, noSuchOverflow, type Overflow, outOfRange } from "./overflow.ts";

/**
 * The number format that a name stands for: a float, an integer, or the code book of a block format.
 *
 * @throws unknown-name
 * @throws bad-option for a block format whose elements have no format of their own
 * @example numberFormat("half").exponentBits // 5
 */
export function numberFormat(name: string): NumberFormat {
  const id = INTEGER_FORMATS.has(name) ? name : findFormatId(name);
  if (id === undefined) throw unknownFormat(name);
  const found = FLOAT_FORMATS.get(id) ?? INTEGER_FORMATS.get(id) ?? CODE_BOOKS.get(id);
  if (found !== undefined) return found;
  throw new VramCalcError("bad-option", {
    option: "format",
    given: id,
    expected: "a format of single values: a block format rounds its values together",
  });
}

/** Bits of a code. */
export const bitsOf = (format: NumberFormat): number =>
  format.kind === "float" ? codeBits(format) : format.storageBits;

/** The lowest and the highest code of an integer format, as integers. */
export const integerRange = ({ signed, storageBits }: IntegerFormat): readonly [bigint, bigint] =>
  signed
    ? [-(2n ** BigInt(storageBits - 1)), 2n ** BigInt(storageBits - 1) - 1n]
    : [0n, 2n ** BigInt(storageBits) - 1n];

/**
 * The value of a code as a double, which holds it exactly in all formats but int64.
 *
 * @param code from 0 to 2^bits - 1
 * @example decode(numberFormat("fp16"), 0x7bffn) // 65504
 */
export function decode(format: NumberFormat, code: bigint): number {
  switch (format.kind) {
    case "float": {
      if (codeBits(format) <= 32) return decodeFloat(format, Number(code));
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, code);
      return view.getFloat64(0);
    }
    case "integer":
      return Number(signedCode(format, code)) * 2 ** format.scaleExponent;
    case "code-book":
      return format.entries[Number(code)]!;
  }
}

/** The exact value of a finite code. */
export const decodeExactly = (format: NumberFormat, code: bigint): Decimal =>
  format.kind === "integer"
    ? scaleByTwo(signedCode(format, code), format.scaleExponent)
    : decimalOf(decode(format, code));

const signedCode = ({ signed, storageBits }: IntegerFormat, code: bigint): bigint =>
  signed ? BigInt.asIntN(storageBits, code) : code;

/**
 * The code of the nearest value, ties to even, whatever the width of the format. Code books take the nearest
 * entry and, half way, the lower one, as bitsandbytes does.
 *
 * @throws out-of-range, bad-option: see `encodeFloat`
 * @example encode(numberFormat("int8"), 300) // 127n, saturated
 */
export const encode = (format: NumberFormat, x: number, overflow?: Overflow): bigint =>
  encodeFrom(
    format,
    { roundFrom: x, double: x, ...(Number.isFinite(x) ? { exact: decimalOf(x) } : {}) },
    overflow,
  );

/** The same for a number as typed, correct even where the typed decimal lies between two doubles. */
export function encodeFrom(
  format: NumberFormat,
  typed: Omit<TypedNumber, "text">,
  overflow: Overflow = conventionalOverflow(format),
): bigint {
  switch (format.kind) {
    case "float":
      return codeBits(format) <= 32
        ? BigInt(encodeFloat(format, typed.roundFrom, overflow))
        : encodeDouble(typed.double, overflow);
    case "integer":
      return encodeInteger(format, typed, overflow);
    case "code-book":
      return encodeEntry(format, typed.roundFrom, overflow);
  }
}

/** fp64 is what a number already is, so only an infinity can be out of range. */
function encodeDouble(x: number, overflow: Overflow): bigint {
  const view = new DataView(new ArrayBuffer(8));
  const saturated = overflow === "saturate" && Math.abs(x) === Infinity;
  view.setFloat64(0, saturated ? Math.sign(x) * Number.MAX_VALUE : x);
  return view.getBigUint64(0);
}

function encodeInteger(format: IntegerFormat, typed: Omit<TypedNumber, "text">, overflow: Overflow): bigint {
  const [lowest, highest] = integerRange(format);
  if (Number.isNaN(typed.double)) throw outOfRange(format, "NaN", `${highest} and has no NaN`);
  const { exact } = typed;
  const scaled =
    exact === undefined
      ? undefined
      : { digits: exact.digits * 2n ** BigInt(-format.scaleExponent), scale: exact.scale };
  const value =
    scaled === undefined ? (typed.double > 0 ? highest + 1n : lowest - 1n) : roundToInteger(scaled);
  if (value >= lowest && value <= highest) return BigInt.asUintN(format.storageBits, value);
  const limit = value < lowest ? lowest : highest;
  assertSaturates(format, { overflow, value: String(typed.double), limit: String(limit) });
  return BigInt.asUintN(format.storageBits, limit);
}

function encodeEntry(book: CodeBook, x: number, overflow: Overflow): bigint {
  const sorted = sortedEntries(book);
  const [lowest, highest] = [sorted[0]!, sorted[sorted.length - 1]!];
  if (Number.isNaN(x)) throw outOfRange(book, "NaN", `${highest.value} and has no NaN`);
  if (x < lowest.value || x > highest.value) {
    const limit = x < lowest.value ? lowest : highest;
    assertSaturates(book, { overflow, value: String(x), limit: String(limit.value) });
    return BigInt(limit.code);
  }
  let best = lowest;
  for (const entry of sorted) if (Math.abs(entry.value - x) < Math.abs(best.value - x)) best = entry;
  return BigInt(best.code);
}

/** Entries by value; of two equal ones the lower code comes first and is the one that is written. */
const sortedEntries = (book: CodeBook): readonly { readonly code: number; readonly value: number }[] =>
  book.entries.map((value, code) => ({ code, value })).sort((a, b) => a.value - b.value || a.code - b.code);

/** Integers and tables know no rule but the nearest value. */
function assertSaturates(
  format: NumberFormat,
  { overflow, value, limit }: { readonly overflow: Overflow; readonly value: string; readonly limit: string },
): void {
  switch (overflow) {
    case "saturate":
      return;
    case "infinity":
    case "nan":
      throw noSuchOverflow(format, overflow);
    case "throw":
      throw outOfRange(format, value, limit);
  }
}

/**
 * What is left of a number once stored: decode(encode(x)).
 *
 * @example roundTo("bf16", 3.14159) // 3.140625
 */
export function roundTo(name: string, x: number, overflow?: Overflow): number {
  const format = numberFormat(name);
  return decode(format, encode(format, x, overflow));
}

/**
 * The codes of the next lower and the next higher value; absent at the ends and for NaN.
 *
 * @example neighbours(numberFormat("fp16"), 0x3c00n) // { below: 0x3bffn, above: 0x3c01n }
 */
export function neighbours(
  format: NumberFormat,
  code: bigint,
): { readonly below?: bigint; readonly above?: bigint } {
  switch (format.kind) {
    case "float": {
      if (Number.isNaN(decode(format, code))) return {};
      const magnitudes = 2n ** BigInt(format.exponentBits + format.fractionBits);
      // A line of positions: magnitude with its sign, so that both zeros are position 0.
      const position = code >= magnitudes ? -(code - magnitudes) : code;
      const at = (n: bigint): bigint | undefined => {
        if (n >= magnitudes || -n >= magnitudes || (n < 0n && format.signBits === 0)) return undefined;
        const neighbour = n < 0n ? magnitudes - n : n;
        return isNumber(format, neighbour) ? neighbour : undefined;
      };
      return present({ below: at(position - 1n), above: at(position + 1n) });
    }
    case "integer": {
      const value = signedCode(format, code);
      const [lowest, highest] = integerRange(format);
      return present({
        below: value > lowest ? BigInt.asUintN(format.storageBits, value - 1n) : undefined,
        above: value < highest ? BigInt.asUintN(format.storageBits, value + 1n) : undefined,
      });
    }
    case "code-book": {
      const value = format.entries[Number(code)]!;
      const sorted = sortedEntries(format);
      const below = sorted.findLast((entry) => entry.value < value)?.code;
      const above = sorted.find((entry) => entry.value > value)?.code;
      return present({
        below: below === undefined ? undefined : BigInt(below),
        above: above === undefined ? undefined : BigInt(above),
      });
    }
  }
}

const isNumber = (format: NumberFormat, code: bigint): boolean =>
  code < 2n ** BigInt(bitsOf(format)) && !Number.isNaN(decode(format, code));

const present = (pair: {
  readonly below: bigint | undefined;
  readonly above: bigint | undefined;
}): { readonly below?: bigint; readonly above?: bigint } => ({
  ...(pair.below === undefined ? {} : { below: pair.below }),
  ...(pair.above === undefined ? {} : { above: pair.above }),
});
