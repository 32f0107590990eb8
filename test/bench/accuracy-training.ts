/**
 * Scores training estimates: node .config/run.mjs test/bench/accuracy-training.ts [--rows]
 * First against one step of the real classes, then against published readings of real runs. Nothing is tuned row by row; a miss
 * is printed as a miss, and a row is left out only for a reason that stands before anything is predicted. Readings of quality C and
 * D (rounded, thresholds, sums over cards, settings partly unknown) are not in the table.
 */
import { train } from "../../src/estimate/train.ts";
import {
  type Measured,
  modelOf,
  oracleRequest,
  readMeasured,
  readVectors,
  rowsOf,
} from "../estimate/training-vectors.ts";
import { errorOf, type Figure, figureLines, figureOf, type Score } from "./figure.ts";

interface Bar {
  readonly title: string;
  readonly bar: { readonly median: number; readonly p90: number; readonly underShare?: number };
  readonly holds: (row: Measured) => boolean;
}

const methodOf = (row: Measured): string => row.request.method ?? "full";
const several = (row: Measured): boolean => row.request.parallel !== undefined;

/** The promises, in percent. */
const BARS: readonly Bar[] = [
  {
    title: "training, one card, quality A, full",
    bar: { median: 3, p90: 8 },
    holds: (row) => !several(row) && row.quality === "A" && methodOf(row) === "full",
  },
  {
    title: "training, one card, quality A, LoRA",
    bar: { median: 4, p90: 10 },
    holds: (row) => !several(row) && row.quality === "A" && methodOf(row) === "lora",
  },
  {
    title: "training, one card, quality A, QLoRA",
    bar: { median: 4, p90: 10 },
    holds: (row) => !several(row) && row.quality === "A" && methodOf(row) === "qlora",
  },
  {
    title: "training, several cards, quality A and B",
    bar: { median: 5, p90: 15 },
    holds: several,
  },
  {
    title: "training, all readings",
    bar: { median: 5, p90: 15, underShare: 0.05 },
    holds: () => true,
  },
];

interface Reading {
  readonly row: Measured;
  readonly score: Score;
}

const readings = (): readonly Reading[] => {
  const table = readMeasured();
  return table.rows.map((row) => {
    const { devices, totals } = train(modelOf(table, row.model), row.request);
    const stage = devices.find(({ id }) => id === row.device);
    const read = stage && { allocated: stage.allocated, reserved: stage.reserved, device: stage.total };
    const band = (read ?? totals)[row.kind];
    return {
      row,
      score: { id: row.id, predicted: band.bytes, measured: row.bytes, low: band.low, high: band.high },
    };
  });
};

function oracleScores(): { readonly scores: readonly Score[]; readonly phaseRight: number } {
  const table = readVectors("training-oracle.json");
  const phases: Readonly<Record<string, string>> = { forward: "forward", "optimizer-step": "step" };
  let phaseRight = 0;
  const scores = rowsOf(table).map((row): Score => {
    const result = train(modelOf(table, row.model as string), oracleRequest(row));
    if ((phases[result.winner] ?? "backward") === row.phase) phaseRight++;
    const { bytes, low, high } = result.totals.allocated;
    const id = `${row.model} ${row.method} ${row.precision} ${row.microBatch}x${row.seqTokens}`;
    return { id, predicted: bytes, measured: row.peak as number, low, high };
  });
  return { scores, phaseRight };
}

/** Source, method, number of cards and kind of total: "litgpt qlora, one card, allocated". */
const groupOf = (row: Measured): string =>
  `${row.id.slice(0, row.id.indexOf("-"))} ${methodOf(row)}, ${several(row) ? "several cards" : "one card"}, ${row.kind}`;

const reasonsOf = (): Figure["leftOut"] => {
  const reasons = new Map<string, string[]>();
  for (const [id, reason] of readMeasured().leftOut)
    reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
  return [...reasons].map(([reason, ids]) => ({ reason, rows: ids.length }));
};

/** The figures of training, for the table and for the gate. */
export function trainingFigures(): readonly Figure[] {
  const oracle = oracleScores();
  const all = readings();
  const classes = figureOf({
    title: "training, one step of the real classes",
    scores: oracle.scores,
    leftOut: [],
    bar: { median: 1, p90: 5 },
  });
  const bars = BARS.map(({ title, bar, holds }) =>
    figureOf({
      title,
      bar,
      scores: all.filter(({ row }) => holds(row)).map(({ score }) => score),
      leftOut: title.endsWith("all readings") ? reasonsOf() : [],
    }),
  );
  return [classes, ...bars];
}

function print(): void {
  const rows = process.argv.includes("--rows");
  for (const figure of trainingFigures()) console.log(figureLines(figure).join("\n"));
  const oracle = oracleScores();
  console.log(
    `     winning phase right in ${oracle.phaseRight} of ${oracle.scores.length} steps of the real classes`,
  );
  const groups = new Map<string, Reading[]>();
  for (const reading of readings()) {
    const group = groupOf(reading.row);
    groups.set(group, [...(groups.get(group) ?? []), reading]);
  }
  for (const [title, list] of groups) {
    console.log(figureLines(figureOf({ title, scores: list.map((r) => r.score), leftOut: [] })).join("\n"));
    if (rows) for (const reading of list) console.log(rowLine(reading));
  }
}

function rowLine({ row, score }: Reading): string {
  const held = score.low! <= score.measured && score.measured <= score.high! ? " " : "x";
  const reason = row.reason === undefined ? "" : `  (${row.reason})`;
  return `       ${errorOf(score).toFixed(2).padStart(8)} % ${held} ${row.quality} ${row.id}${reason}`;
}

if (process.argv[1]?.endsWith("accuracy-training.ts") === true) print();
