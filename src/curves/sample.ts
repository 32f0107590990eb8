/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The curve at `count` points over its interval, each finite. */
export function sampleCurve(
  value: (x: number) => number,
  at: { readonly from: number; readonly to: number; readonly count: number },
): readonly Point[] {
  const points: Point[] = [];
  for (let i = 0; i < at.count; i++) {
    const x = at.from + ((at.to - at.from) * i) / (at.count - 1);
    const y = value(x);
    if (Number.isFinite(y)) points.push({ x, y });
  }
  return points;
}
