/** Activation functions and losses, exact and as a format sees them. */
import { type Curve, curveByName } from "../../curves/curves.ts";
import { sampleCurve } from "../../curves/sample.ts";
import { VramCalcError } from "../../errors.ts";
import { roundTo } from "../../formats/codec.ts";
import type { Chart, Series } from "../../report/plot/chart.ts";

export interface CurveRequest {
  readonly range?: readonly [number, number] | undefined;
  readonly format?: string | undefined;
  readonly derivative: boolean;
}

const SAMPLES = 481;

/** @throws unknown-name for a curve or a format that is not known */
export function curveChart(names: readonly string[], request: CurveRequest): Chart {
  const curves = names.map(curveByName);
  const [from, to] = request.range ?? [
    Math.min(...curves.map((curve) => curve.from)),
    Math.max(...curves.map((curve) => curve.to)),
  ];
  const { format, derivative } = request;
  const series = curves.flatMap((curve) => curveSeries(curve, { from, to, format, derivative }));
  const [first] = series;
  if (series.every(({ points }) => points.length === 0))
    throw new VramCalcError("bad-option", {
      option: "--range",
      given: `"${from}:${to}"`,
      expected: `a part of where ${first!.name} has a value, such as ${curves[0]!.from}:${curves[0]!.to}`,
    });
  return {
    title: `${names.join(", ")}${format === undefined ? "" : ` through ${format}`}`,
    xLabel: curves[0]!.xLabel,
    yLabel: "value",
    series,
  };
}

/** The exact curve, and the same with input and output rounded to a format. */
function curveSeries(
  curve: Curve,
  at: {
    readonly from: number;
    readonly to: number;
    readonly format: string | undefined;
    readonly derivative: boolean;
  },
): Series[] {
  const { format } = at;
  const sample = (value: (x: number) => number) =>
    sampleCurve(value, { from: at.from, to: at.to, count: SAMPLES });
  return [
    { name: `${curve.id}: ${curve.formula}`, points: sample(curve.value) },
    ...(format === undefined
      ? []
      : [
          {
            name: `${curve.id} in ${format}`,
            points: sample((x) => roundTo(format, curve.value(roundTo(format, x)))),
            dots: true,
          },
        ]),
    ...(at.derivative ? [{ name: `derivative of ${curve.id}`, points: sample(curve.derivative) }] : []),
  ];
}

/** Where a curve is told in numbers. */
const EXAMPLE_X = 1;

/** Each function with a number put in, and the same as the format sees it. */
export function curveExplanation(names: readonly string[], { format }: CurveRequest): readonly string[] {
  const text = (value: number): string => String(Number(value.toPrecision(6)));
  return names.map(curveByName).flatMap(({ id, formula, value, derivative }) => {
    const y = value(EXAMPLE_X);
    return [
      `${id}: ${formula}; at x = ${EXAMPLE_X}: ${text(y)}, derivative ${text(derivative(EXAMPLE_X))}`,
      ...(format === undefined
        ? []
        : [
            `${id} in ${format}: x = ${EXAMPLE_X} is stored as ${text(roundTo(format, EXAMPLE_X))}, the result ${text(value(roundTo(format, EXAMPLE_X)))} as ${text(roundTo(format, value(roundTo(format, EXAMPLE_X))))}`,
          ]),
    ];
  });
}
