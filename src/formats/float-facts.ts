import type { FloatFormat } from "./number-formats.ts";

/** Bits of a code: sign, exponent and fraction, without what the container adds. */
export const codeBits = (f: FloatFormat): number => f.signBits + f.exponentBits + f.fractionBits;

/** The exponent and fraction fields of the largest finite value. */
export interface TopFields {
  readonly exponent: number;
  readonly fraction: number;
}

/**
 * Fields of the largest finite value, by what the format gives up at the top: a whole binade (ieee), one code
 * (fn, e8m0) or nothing.
 *
 * @example topFields(fp16) // { exponent: 30, fraction: 1023 }
 */
export function topFields({ exponentBits, fractionBits, specials }: FloatFormat): TopFields {
  const exponent = 2 ** exponentBits - 1;
  const fraction = 2 ** fractionBits - 1;
  switch (specials) {
    case "ieee":
      return { exponent: exponent - 1, fraction };
    case "fn":
      return { exponent, fraction: fraction - 1 };
    case "fnuz":
    case "finite":
      return { exponent, fraction };
    case "e8m0":
      return { exponent: exponent - 1, fraction: 0 };
  }
}

/** Whether the lowest exponent field holds zero and the subnormals; otherwise it is a binade like any other. */
export const hasSubnormals = (f: FloatFormat): boolean => f.specials !== "e8m0";

/** Whether some code is infinity: IEEE formats alone. */
export const hasInfinity = (f: FloatFormat): boolean => f.specials === "ieee";

/** Whether -0 is a code of its own. */
export const hasNegativeZero = (f: FloatFormat): boolean =>
  f.signBits === 1 && (f.specials === "ieee" || f.specials === "fn" || f.specials === "finite");

/** The stored exponent of the smallest normal values. */
export const lowestNormalField = (f: FloatFormat): number => (hasSubnormals(f) ? 1 : 0);

/** The code of the largest finite value. Exact as a number up to 53 bits, that is for all but fp64. */
export function topCode(f: FloatFormat): number {
  const { exponent, fraction } = topFields(f);
  return exponent * 2 ** f.fractionBits + fraction;
}

/** The code of positive infinity, if there is one. */
export const infinityCode = (f: FloatFormat): number | undefined =>
  hasInfinity(f) ? (2 ** f.exponentBits - 1) * 2 ** f.fractionBits : undefined;

/** The code that a NaN is stored as: the quiet one with an empty payload, as torch and ml_dtypes write it. */
export function nanCode(f: FloatFormat): number | undefined {
  const magnitudes = 2 ** (f.exponentBits + f.fractionBits);
  switch (f.specials) {
    case "ieee":
      return (2 ** f.exponentBits - 1) * 2 ** f.fractionBits + 2 ** (f.fractionBits - 1);
    case "fn":
    case "e8m0":
      return magnitudes - 1;
    case "fnuz":
      return magnitudes;
    case "finite":
      return undefined;
  }
}

/** What follows from a descriptor. */
export interface FloatFacts {
  readonly largest: number;
  readonly lowest: number;
  readonly smallestNormal: number;
  /** `null` where there are none. */
  readonly smallestSubnormal: number | null;
  /** Step from 1 to the next value. */
  readonly epsilon: number;
  /** Exponents of the smallest and the largest normal binade. */
  readonly minExponent: number;
  readonly maxExponent: number;
  /** Decimal digits that survive text -> format -> text, and that tell any two values apart. */
  readonly digits10: number;
  readonly maxDigits10: number;
  readonly finiteCodes: bigint;
  /** Distinct finite numbers: +0 and -0 are one. */
  readonly finiteValues: bigint;
  readonly nanCodes: bigint;
}

/**
 * Derives the facts of a format.
 *
 *     largest           2^(E - bias) x (1 + F / 2^m), E and F from `topFields`
 *     smallest normal   2^(1 - bias)
 *     smallest subnormal 2^(1 - bias - m)
 *     epsilon           2^-m
 *
 * @example floatFacts(fp16).largest // 65504 = 2^15 x (1 + 1023/1024)
 */
export function floatFacts(f: FloatFormat): FloatFacts {
  const { exponent, fraction } = topFields(f);
  const steps = 2 ** f.fractionBits;
  const largest = 2 ** (exponent - f.bias) * (1 + fraction / steps);
  const minExponent = lowestNormalField(f) - f.bias;
  const precision = f.fractionBits + 1;
  const magnitudes = BigInt(exponent) * BigInt(steps) + BigInt(fraction) + 1n;
  // With a sign every magnitude counts twice, but the -0 of fnuz is its NaN.
  const finiteCodes = magnitudes * BigInt(f.signBits + 1) - (f.specials === "fnuz" ? 1n : 0n);
  const allCodes = 2n ** BigInt(codeBits(f));
  const infinities = hasInfinity(f) ? BigInt(f.signBits + 1) : 0n;
  return {
    largest,
    lowest: f.signBits === 1 ? -largest : hasSubnormals(f) ? 0 : 2 ** minExponent,
    smallestNormal: 2 ** minExponent,
    smallestSubnormal: hasSubnormals(f) ? 2 ** (minExponent - f.fractionBits) : null,
    epsilon: 2 ** -f.fractionBits,
    minExponent,
    maxExponent: exponent - f.bias,
    digits10: Math.floor((precision - 1) * Math.LOG10E * Math.LN2),
    maxDigits10: Math.ceil(1 + precision * Math.LOG10E * Math.LN2),
    finiteCodes,
    finiteValues: finiteCodes - (hasNegativeZero(f) ? 1n : 0n),
    nanCodes: allCodes - finiteCodes - infinities,
  };
}
