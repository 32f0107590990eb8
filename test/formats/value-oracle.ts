/**
 * Formats as a table of values, written from their definitions and from nothing in src: the reference that the
 * codec is held against. A value is the nearest entry of the sorted list, the even code when half way.
 */
import { getFloat16 } from "@petamoriken/float16";

export interface Oracle {
  readonly id: string;
  readonly bits: number;
  readonly signed: boolean;
  readonly decode: (code: number) => number;
}

const view = new DataView(new ArrayBuffer(8));
const fp32Of = (bits: number): number => {
  view.setUint32(0, bits);
  return view.getFloat32(0);
};
const fp16Of = (bits: number): number => {
  view.setUint16(0, bits);
  return getFloat16(view, 0);
};

/** Small formats by their bit fields, read off the code as text. */
function fields(
  exponentBits: number,
  fractionBits: number,
  bias: number,
  special: (bits: string) => number | undefined,
) {
  return (code: number): number => {
    const bits = code.toString(2).padStart(1 + exponentBits + fractionBits, "0");
    const known = special(bits);
    if (known !== undefined) return known;
    const exponent = Number.parseInt(bits.slice(1, 1 + exponentBits), 2);
    const significand = Number.parseInt((exponent === 0 ? "0" : "1") + bits.slice(1 + exponentBits), 2);
    const value = significand * 2 ** (Math.max(exponent, 1) - bias) * 2 ** -fractionBits;
    return bits[0] === "1" ? -value : value;
  };
}
const none = (): undefined => undefined;
const onlyAllOnes = (bits: string) => (/^.1+$/.test(bits) ? Number.NaN : undefined);
const onlyMinusZero = (bits: string) => (/^10+$/.test(bits) ? Number.NaN : undefined);
const ieee = (exponentBits: number) => (bits: string) => {
  if (!bits.slice(1, 1 + exponentBits).includes("0"))
    return bits.slice(1 + exponentBits).includes("1") ? Number.NaN : bits[0] === "1" ? -Infinity : Infinity;
  return undefined;
};

/** Every float format of at most 16 bits. */
export const ORACLES: readonly Oracle[] = [
  { id: "fp16", bits: 16, signed: true, decode: fp16Of },
  { id: "bf16", bits: 16, signed: true, decode: (code) => fp32Of(code * 2 ** 16) },
  { id: "fp8_e5m2", bits: 8, signed: true, decode: (code) => fp16Of(code * 2 ** 8) },
  { id: "fp8_e4m3fn", bits: 8, signed: true, decode: fields(4, 3, 7, onlyAllOnes) },
  { id: "fp8_e4m3_ieee", bits: 8, signed: true, decode: fields(4, 3, 7, ieee(4)) },
  { id: "fp8_e4m3fnuz", bits: 8, signed: true, decode: fields(4, 3, 8, onlyMinusZero) },
  { id: "fp8_e5m2fnuz", bits: 8, signed: true, decode: fields(5, 2, 16, onlyMinusZero) },
  { id: "fp8_e4m3b11fnuz", bits: 8, signed: true, decode: fields(4, 3, 11, onlyMinusZero) },
  { id: "fp8_e3m4", bits: 8, signed: true, decode: fields(3, 4, 3, ieee(3)) },
  { id: "ue4m3", bits: 7, signed: false, decode: fields(4, 3, 7, onlyAllOnes) },
  // 0 to 254 are the exponents of fp32 with an empty fraction, but 0 is 2^-127 and not zero.
  {
    id: "e8m0",
    bits: 8,
    signed: false,
    decode: (code) => (code === 255 ? Number.NaN : code === 0 ? fp32Of(0x00400000) : fp32Of(code * 2 ** 23)),
  },
  { id: "fp6_e3m2", bits: 6, signed: true, decode: fields(3, 2, 3, none) },
  { id: "fp6_e2m3", bits: 6, signed: true, decode: fields(2, 3, 1, none) },
  { id: "fp4_e2m1", bits: 4, signed: true, decode: fields(2, 1, 1, none) },
];

/** Non-negative finite values in rising order, each with its code. */
export function risingValues(oracle: Oracle): readonly { readonly code: number; readonly value: number }[] {
  const found: { code: number; value: number }[] = [];
  for (let code = 0; code < 2 ** oracle.bits; code++) {
    const value = oracle.decode(code);
    if (Number.isFinite(value) && value >= 0 && !Object.is(value, -0)) found.push({ code, value });
  }
  return found.sort((a, b) => a.value - b.value);
}

const float64 = new Float64Array(1);
const bits64 = new BigInt64Array(float64.buffer);

/** The double next to a positive one. */
export function beside(x: number, steps: 1 | -1): number {
  float64[0] = x;
  bits64[0] = bits64[0]! + BigInt(steps);
  return float64[0];
}
