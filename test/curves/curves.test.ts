import { describe, expect, test } from "vitest";
import { CURVES, curveByName } from "../../src/curves/curves.ts";
import { sampleCurve } from "../../src/curves/sample.ts";
import { erf, erfc } from "../../src/curves/special.ts";

/** Abramowitz and Stegun, Handbook of Mathematical Functions, table 7.1, and NIST DLMF 7.23 for the tail. */
const ERF = [
  [0.1, 0.112462916],
  [0.5, 0.5204998778],
  [1, 0.8427007929],
  [1.5, 0.9661051465],
  [2, 0.995322265],
] as const;

describe("error function", () => {
  test.for(ERF)("erf(%d) = %d to the ten printed digits", ([x, y]) => {
    expect(erf(x)).toBeCloseTo(y, 9);
    expect(erf(-x)).toBe(-erf(x));
  });
  test("erfc keeps its precision in the tail: erfc(5) = 1.53745979e-12", () =>
    expect(erfc(5) / 1.5374597944280349e-12).toBeCloseTo(1, 12));
  test("erf + erfc = 1 on both sides of every branch", () => {
    for (const x of [-4, -3, -2.5, -2, 0, 1.99999, 2, 2.00001, 2.99999, 3, 4])
      expect(erf(x) + erfc(x)).toBeCloseTo(1, 14);
  });
});

describe("curves", () => {
  test("ids and aliases are unique", () => {
    const names = CURVES.flatMap((curve) => [curve.id, ...(curve.aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
  });

  test.for(CURVES.map((curve) => [curve.id, curve] as const))(
    "%s: the derivative is the limit of its difference quotients",
    ([, curve]) => {
      const h = 1e-5;
      for (const { x } of sampleCurve(curve.value, { from: curve.from, to: curve.to, count: 41 })) {
        if (Math.abs(x) < 2 * h || Math.abs(Math.abs(x) - 1) < 2 * h) continue;
        if (x - h < curve.from || x + h > curve.to) continue;
        const slope = (curve.value(x + h) - curve.value(x - h)) / (2 * h);
        expect(Math.abs(slope - curve.derivative(x))).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
      }
    },
  );

  test.for([
    ["relu", -1, 0],
    ["silu", 1, 0.7310585786300049],
    ["gelu", 1, 0.8413447460685429],
    ["softplus", 0, Math.LN2],
    ["mse", 3, 9],
    ["cross-entropy", 0.5, Math.LN2],
    ["kl", 0.5, 0],
  ] as const)("%s(%d) = %d", ([name, x, y]) => expect(curveByName(name).value(x)).toBeCloseTo(y, 12));

  test("large inputs do not overflow to NaN", () => {
    for (const curve of CURVES)
      if (curve.kind === "activation") for (const x of [-1000, 1000]) expect(curve.value(x)).not.toBeNaN();
  });

  test("an unknown name gets the nearest", () =>
    expect(() => curveByName("gleu")).toThrow(/unknown curve "gleu": did you mean .*gelu/));
});
