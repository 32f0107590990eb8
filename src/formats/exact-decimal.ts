import { VramCalcError } from "../errors.ts";

/** digits x 10^-scale, exactly. No trailing zeros beyond the point; scale is never negative. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

function reduced(digits: bigint, scale: number): Decimal {
  let [d, s] = [digits, scale];
  while (s > 0 && d % 10n === 0n) {
    d /= 10n;
    s--;
  }
  return { digits: d, scale: s };
}

/**
 * The exact value of a double: mantissa x 2^e, and 2^-n = 5^n / 10^n.
 *
 * @param x finite
 * @example decimalText(decimalOf(0.1)) // "0.1000000000000000055511151231257827021181583404541015625"
 */
export function decimalOf(x: number): Decimal {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const field = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = field === 0 ? fraction : fraction + (1n << 52n);
  const signed = x < 0 ? -mantissa : mantissa;
  return scaleByTwo(signed, Math.max(field, 1) - 1075);
}

/** n x 2^exponent, exactly. */
export function scaleByTwo(n: bigint, exponent: number): Decimal {
  if (exponent >= 0) return { digits: n << BigInt(exponent), scale: 0 };
  // Halve first, so that short values stay short.
  let [digits, scale] = [n, -exponent];
  while (scale > 0 && digits % 2n === 0n) {
    digits /= 2n;
    scale--;
  }
  return reduced(digits * 5n ** BigInt(scale), scale);
}

/** Plain notation, every digit: "65504", "-0.0009655". */
export function decimalText({ digits, scale }: Decimal): string {
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, "0");
  const point = text.length - scale;
  return `${negative ? "-" : ""}${text.slice(0, point)}${scale === 0 ? "" : `.${text.slice(point)}`}`;
}

function aligned(a: Decimal, b: Decimal): readonly [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [
    a.digits * 10n ** BigInt(scale - a.scale),
    b.digits * 10n ** BigInt(scale - b.scale),
    scale,
  ] as const;
}

/** a - b, exactly. */
export function subtract(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return reduced(x - y, scale);
}

/** Negative, zero or positive as a < b, a = b or a > b. */
export function compare(a: Decimal, b: Decimal): number {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** a / b to about 17 digits; b is not zero. */
export function ratio(a: Decimal, b: Decimal): number {
  const [x, y] = aligned(a, b);
  const magnitude = (n: bigint): number => (n < 0n ? -n : n).toString().length;
  // Enough digits for a double, however far apart the two are.
  const shift = Math.max(0, 25 + magnitude(y) - magnitude(x));
  return Number(`${(x * 10n ** BigInt(shift)) / y}e-${shift}`);
}

/** The nearest integer, ties to even. */
export function roundToInteger({ digits, scale }: Decimal): bigint {
  const unit = 10n ** BigInt(scale);
  const floor = digits >= 0n ? digits / unit : -((-digits + unit - 1n) / unit);
  const twice = 2n * (digits - floor * unit);
  return twice > unit || (twice === unit && floor % 2n !== 0n) ? floor + 1n : floor;
}

const NUMBER = /^([+-]?)(\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d+))?$/;
const MAX_LENGTH = 1000;
const MAX_EXPONENT = 5000;

/** A number that someone typed. */
export interface TypedNumber {
  readonly text: string;
  /** The nearest double. */
  readonly double: number;
  /** What was typed, exactly; absent for infinities and NaN. */
  readonly exact?: Decimal;
  /**
   * The double to round from: the nearest one when it is exact, otherwise the odd one of the two around it.
   * Rounding an odd double to 51 bits or fewer gives what rounding the typed decimal would have given.
   */
  readonly roundFrom: number;
}

/** True when a word reads as a number, `inf`, `infinity` or `nan`. */
export const looksLikeNumber = (word: string): boolean =>
  NUMBER.test(word) || /^[+-]?(inf(inity)?|nan)$/i.test(word);

/**
 * Reads a number as typed, without losing what a double cannot hold.
 *
 * @throws bad-quantity for anything else, and beyond 1000 characters or exponents of +-5000
 * @example parseTyped("0.1").exact // { digits: 1n, scale: 1 }
 */
export function parseTyped(text: string): TypedNumber {
  const fail = (hint: string): never => {
    throw new VramCalcError("bad-quantity", { what: "a number", input: text.slice(0, 60), hint });
  };
  if (text.length > MAX_LENGTH) fail(`numbers end at ${MAX_LENGTH} characters`);
  const special = /^([+-]?)(inf(?:inity)?|nan)$/i.exec(text);
  if (special !== null) {
    const double = /^n/i.test(special[2]!) ? Number.NaN : special[1] === "-" ? -Infinity : Infinity;
    return { text, double, roundFrom: double };
  }
  const match = NUMBER.exec(text);
  if (match === null) return fail("write 3.14159, -0, 1e-8, inf or nan");
  const plain = match[2]!.replaceAll("_", "");
  const exponent = Number(match[3] ?? "0");
  if (Math.abs(exponent) > MAX_EXPONENT) fail(`exponents end at ${MAX_EXPONENT}`);
  const fraction = plain.includes(".") ? plain.length - plain.indexOf(".") - 1 : 0;
  const scale = fraction - exponent;
  const digits = BigInt(plain.replace(".", "")) * 10n ** BigInt(Math.max(0, -scale));
  const exact = reduced(match[1] === "-" ? -digits : digits, Math.max(0, scale));
  const double = Number(`${match[1]}${plain}e${exponent}`);
  return { text, double, exact, roundFrom: roundToOdd(exact, double) };
}

/** True when the typed text is exactly the double that was read. */
export const isDouble = (typed: TypedNumber): boolean =>
  typed.exact === undefined ||
  (Number.isFinite(typed.double) && compare(typed.exact, decimalOf(typed.double)) === 0);

function roundToOdd(exact: Decimal, nearest: number): number {
  const sign = exact.digits < 0n ? -1 : 1;
  const magnitude = { digits: exact.digits < 0n ? -exact.digits : exact.digits, scale: exact.scale };
  if (!Number.isFinite(nearest)) return sign * Number.MAX_VALUE;
  const near = Math.abs(nearest);
  const order = compare(magnitude, decimalOf(near));
  if (order === 0) return nearest;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, near);
  const bits = view.getBigUint64(0);
  if (bits % 2n === 1n) return nearest;
  view.setBigUint64(0, order > 0 ? bits + 1n : bits - 1n);
  return sign * view.getFloat64(0);
}
