import { VramCalcError } from "./errors.ts";

/** A number of bytes: a non-negative safe integer. */
export type Bytes = number;
/** A number of tokens: a non-negative safe integer. */
export type Tokens = number;

export const GB = 1e9;
export const GiB = 2 ** 30;

const DECIMAL = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 } as const;
const BINARY = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;
const COUNT = { k: 1e3, m: 1e6, b: 1e9, g: 1e9, t: 1e12 } as const;

/** Digits, in groups of three where `,` or `_` marks them, a fraction and an exponent: a comma is no decimal point. */
const NUMBER = String.raw`((?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:_\d{3})+|\d+)(?:\.\d+)?(?:[eE]\+?\d+)?|\.\d+)`;
const COUNT_PATTERN = new RegExp(`^${NUMBER}([kKmMbBgGtT])?$`);
const BYTES_PATTERN = new RegExp(`^${NUMBER}\\s*(?:([kKmMgGtT])([iI])?)?[bB]?$`);
const TOKENS_PATTERN = new RegExp(`^${NUMBER}([kKmM])?$`);

/**
 * Scales a decimal text by a factor without going through a rounded product: "7.24" x 1e9 is
 * 7,240,000,000 and not 7,240,000,000.000001. Returns NaN when the result is not an integer.
 */
function scaleExactly(text: string, factor: number): number {
  const plain = text.replace(/[_,]/g, "");
  const direct = Number(plain) * factor;
  if (direct === Number.POSITIVE_INFINITY) return direct;
  const rounded = Math.round(direct);
  // One unit in the last place of the product is the only error a correct text can carry.
  return Math.abs(direct - rounded) <= Math.abs(direct) * 2 ** -51 ? rounded : Number.NaN;
}

/** What to type instead: for a decimal comma the same with a point, else examples. */
const instead = (text: string, examples: string): string =>
  /\d,\d/.test(text) && !/\d,\d{3}(?!\d)/.test(text)
    ? `write ${text.replace(",", ".")}: a comma groups thousands`
    : examples;

/**
 * Reads a parameter count. Suffixes are decimal: K 10^3, M 10^6, B or G 10^9, T 10^12.
 *
 * @throws bad-quantity for anything else, for a bare number below one million (a forgotten unit),
 * for `8x7B` (a mixture is not a count) and above 2^53 - 1.
 * @example parseCount("14B") // 14_000_000_000
 */
export function parseCount(input: string): number {
  const what = "a parameter count";
  const fail = (hint: string): never => {
    throw new VramCalcError("bad-quantity", { what, input, hint });
  };
  const text = input.trim();
  if (/^\d+\s*x\s*[\d.]+\s*[bm]/i.test(text))
    fail(
      'experts share the attention layers, so "8x7B" is not a count; give the total (46.7B) or a model name (mixtral-8x7b)',
    );
  if (text.startsWith("-")) fail("a count is not negative; write 14B, 350M or 1.5T");
  const match = COUNT_PATTERN.exec(text);
  if (match === null) return fail(instead(text, "write 14B, 7.24B, 350M, 1.5T or 14_000_000_000"));
  const suffix = match[2]?.toLowerCase() as keyof typeof COUNT | undefined;
  const value = scaleExactly(match[1]!, suffix === undefined ? 1 : COUNT[suffix]);
  if (Number.isNaN(value)) fail("a count is a whole number of parameters");
  if (!(value <= Number.MAX_SAFE_INTEGER)) fail("counts end at 2^53 - 1, about 9007T");
  if (value === 0) fail("a model has at least one parameter");
  if (suffix === undefined && value < 1e6)
    fail(`add the unit: ${text}B for billions or ${text}M for millions`);
  return value;
}

/** True when a model argument looks like a parameter count, well formed or not. */
export function looksLikeCount(input: string): boolean {
  return /^[-+]?\.?\d[\d_,.]*(e\+?\d+)?\s*(x\s*[\d.]+)?\s*[kmbgt]?$/i.test(input.trim());
}

/**
 * Reads a size. `GB` and a bare `G` are 10^9, `GiB` and `Gi` are 2^30; a bare number from 1,000,000 on is bytes.
 *
 * @throws bad-quantity
 * @example parseBytes("24GiB") // 25_769_803_776
 * @example parseBytes("24GB") // 24_000_000_000
 */
export function parseBytes(input: string): Bytes {
  const fail = (hint: string): never => {
    throw new VramCalcError("bad-quantity", { what: "a size", input, hint });
  };
  const match = BYTES_PATTERN.exec(input.trim());
  if (match === null)
    return fail(
      instead(input.trim(), "write 24GB (10^9), 24GiB (2^30), 512MiB or all the bytes, 24_000_000_000"),
    );
  const unit = match[2]?.toLowerCase() as keyof typeof DECIMAL | undefined;
  const factor = unit === undefined ? 1 : match[3] === undefined ? DECIMAL[unit] : BINARY[unit];
  const value = Math.floor(Number(match[1]!.replace(/[_,]/g, "")) * factor);
  if (!(value <= Number.MAX_SAFE_INTEGER)) fail("sizes end at 2^53 - 1 bytes");
  if (match[2] === undefined && !/b$/i.test(input.trim()) && value > 0 && value < 1e6)
    fail(`add the unit: ${input.trim()}GB (10^9), ${input.trim()}GiB (2^30) or ${input.trim()}B`);
  return value;
}

/**
 * Reads a number of tokens. `k` is 1024 and `m` is 1024^2, because that is what a context length means.
 *
 * @throws bad-quantity
 * @example parseTokens("32k") // 32_768
 */
export function parseTokens(input: string): Tokens {
  const fail = (hint: string): never => {
    throw new VramCalcError("bad-quantity", { what: "a number of tokens", input, hint });
  };
  const match = TOKENS_PATTERN.exec(input.trim());
  if (match === null) return fail(instead(input.trim(), "write 4096, 32k (32,768) or 1m (1,048,576)"));
  const unit = match[2]?.toLowerCase() as "k" | "m" | undefined;
  const value = scaleExactly(match[1]!, unit === undefined ? 1 : BINARY[unit]);
  if (Number.isNaN(value)) fail("a token count is a whole number");
  if (!(value <= 2 ** 40)) fail("token counts end at 2^40");
  return value;
}

/**
 * An integer with thousands separators, independent of the locale.
 *
 * @example groupDigits(28_000_000_000) // "28,000,000,000"
 */
export function groupDigits(value: number): string {
  const text = Math.trunc(value).toString();
  const first = text.startsWith("-") ? 1 : 0;
  if (text.length - first <= 3 || text.includes("e")) return text;
  // Every number of a stream of results comes through here, and slices are twice as fast as an expression.
  let grouped = text.slice(-3);
  let end = text.length - 3;
  for (; end - first > 3; end -= 3) grouped = `${text.slice(end - 3, end)},${grouped}`;
  return `${text.slice(0, end)},${grouped}`;
}

export type ByteUnit = "GB" | "GiB" | "MB" | "MiB" | "B";
const UNIT_BYTES: { readonly [U in ByteUnit]: number } = { GB, GiB, MB: 1e6, MiB: 2 ** 20, B: 1 };

/**
 * Bytes in a named unit, always labelled.
 *
 * @throws bad-option for another unit
 * @example formatBytes(28_000_000_000, { unit: "GiB" }) // "26.08 GiB"
 */
export function formatBytes(
  bytes: Bytes,
  options: { readonly unit: ByteUnit; readonly digits?: number },
): string {
  const { unit, digits = 2 } = options;
  if (!Object.hasOwn(UNIT_BYTES, unit))
    throw new VramCalcError("bad-option", {
      option: "unit",
      given: String(unit),
      expected: Object.keys(UNIT_BYTES).join(", "),
    });
  if (unit === "B") return `${groupDigits(bytes)} B`;
  if (bytes >= 1e15 && unit === "GB") return `${(bytes / 1e15).toFixed(digits)} PB`;
  if (bytes >= 2 ** 50 && unit === "GiB") return `${(bytes / 2 ** 50).toFixed(digits)} PiB`;
  return `${(bytes / UNIT_BYTES[unit]).toFixed(digits)} ${unit}`;
}

/**
 * The fewest digits (at least two) at which two different sizes print differently, so that a figure
 * and its limit never look equal when they are not.
 *
 * @example distinguishingDigits(23_999_000_000, 24_000_000_000, "GB") // 3
 */
export function distinguishingDigits(a: Bytes, b: Bytes, unit: ByteUnit): number {
  let digits = 2;
  while (a !== b && digits < 10 && formatBytes(a, { unit, digits }) === formatBytes(b, { unit, digits }))
    digits++;
  return digits;
}

/**
 * A parameter count the way people say it.
 *
 * @example formatCount(7_241_732_096) // "7.24B"
 */
export function formatCount(count: number): string {
  const steps = [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "K"],
  ] as const;
  for (const [size, suffix] of steps) {
    if (count >= size) return `${Number((count / size).toFixed(2))}${suffix}`;
  }
  return String(count);
}
