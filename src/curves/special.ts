/** Special functions to double precision, for curves that need them. */

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

/**
 * Error function, to about 1e-15 relative.
 *
 *     |x| < 3: 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!     all terms positive, so no cancellation
 *     else     sign(x) (1 - erfc(|x|))
 *
 * Source: NIST DLMF 7.6.2.
 * @example erf(1).toFixed(12) // "0.842700792950"
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) >= 3) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
    if (Math.abs(term) < 1e-17 * Math.abs(sum)) break;
  }
  return TWO_OVER_ROOT_PI * Math.exp(-x * x) * sum;
}

/**
 * Complementary error function, keeping its relative precision far out in the tail.
 *
 *     x > 2: exp(-x^2)/sqrt(pi) * 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...))))
 *
 * Source: NIST DLMF 7.9.1.
 * @example erfc(5).toPrecision(13) // "1.537459794428e-12"
 */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x <= 2) return 1 - erf(x);
  if (x > 27.3) return 0;
  let fraction = x;
  for (let k = 120; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

/** Logistic function without overflow at either end. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** ln(1 + e^x) without overflow. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Cumulative distribution of the normal: 0.5 erfc(-x / sqrt 2). */
export const normalCdf = (x: number): number => 0.5 * erfc(-x / Math.SQRT2);

/** Density of the normal. */
export const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
