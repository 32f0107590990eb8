/** One line of an accuracy table: what was predicted against what was read. */
export interface Figure {
  readonly title: string;
  readonly rows: number;
  /** Rows that could not be scored, by reason. */
  readonly leftOut: readonly { readonly reason: string; readonly rows: number }[];
  /** Of |error|, in percent. */
  readonly median: number;
  readonly p90: number;
  /** Median signed error in percent. */
  readonly bias: number;
  readonly worst: { readonly id: string; readonly error: number } | null;
  /** Share of rows predicted more than 5 % too low: the ones that run out of memory. */
  readonly under: number;
  readonly band?: { readonly held: number; readonly of: number; readonly width: number };
  readonly bar?: { readonly median: number; readonly p90: number };
  readonly met: boolean;
}

export interface Score {
  readonly id: string;
  readonly predicted: number;
  readonly measured: number;
  readonly low?: number;
  readonly high?: number;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;

/** Signed error in percent. */
export const errorOf = (score: Score): number => (100 * (score.predicted - score.measured)) / score.measured;

/** Sums scores up against a bar. */
export function figureOf(input: {
  readonly title: string;
  readonly scores: readonly Score[];
  readonly leftOut: Figure["leftOut"];
  readonly bar?: { readonly median: number; readonly p90: number; readonly underShare?: number };
}): Figure {
  const { title, scores, leftOut, bar } = input;
  const absolute = scores.map((score) => Math.abs(errorOf(score))).sort((a, b) => a - b);
  const signed = scores.map(errorOf).sort((a, b) => a - b);
  const under = scores.filter((score) => errorOf(score) < -5).length / Math.max(1, scores.length);
  const worst = scores.reduce<Score | null>(
    (found, score) => (found === null || Math.abs(errorOf(score)) > Math.abs(errorOf(found)) ? score : found),
    null,
  );
  const banded = scores.filter((score) => score.low !== undefined && score.high !== undefined);
  const widths = banded
    .map((score) => (100 * (score.high! - score.low!)) / score.predicted)
    .sort((a, b) => a - b);
  const median = percentile(absolute, 0.5);
  const p90 = percentile(absolute, 0.9);
  return {
    title,
    rows: scores.length,
    leftOut,
    median,
    p90,
    bias: percentile(signed, 0.5),
    worst: worst === null ? null : { id: worst.id, error: errorOf(worst) },
    under,
    ...(banded.length === 0
      ? {}
      : {
          band: {
            held: banded.filter((score) => score.low! <= score.measured && score.measured <= score.high!)
              .length,
            of: banded.length,
            width: percentile(widths, 0.5),
          },
        }),
    ...(bar === undefined ? {} : { bar: { median: bar.median, p90: bar.p90 } }),
    met:
      scores.length > 0 &&
      (bar === undefined ||
        (median <= bar.median &&
          p90 <= bar.p90 &&
          (bar.underShare === undefined || under <= bar.underShare))),
  };
}

const two = (value: number): string => (Number.isNaN(value) ? "-" : value.toFixed(2));

/** A figure as lines of text. */
export function figureLines(figure: Figure): string[] {
  const bar = (value: number | undefined): string => (value === undefined ? "" : ` (bar ${value})`);
  return [
    `${figure.met ? "ok  " : "MISS"} ${figure.title}: ${figure.rows} rows, median ${two(figure.median)} %${bar(figure.bar?.median)}, ` +
      `p90 ${two(figure.p90)} %${bar(figure.bar?.p90)}, bias ${two(figure.bias)} %, under-predicted ${two(100 * figure.under)} %` +
      (figure.worst === null ? "" : `, worst ${two(figure.worst.error)} % ${figure.worst.id}`) +
      (figure.band === undefined
        ? ""
        : `, band holds ${figure.band.held}/${figure.band.of}, median width ${two(figure.band.width)} %`),
    ...figure.leftOut.map(({ reason, rows }) => `       left out ${rows}: ${reason}`),
  ];
}
