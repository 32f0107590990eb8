/**
 * Scores training estimates: node .config/run.mjs test/bench/accuracy-training.ts [--rows]
 * First against one step of the real classes (to the byte), then against published readings of real runs. Nothing is tuned
 * row by row; a miss is printed as a miss, and what is left out is counted with its reason.
 */
import { train } from "../../src/estimate/train.ts";
import {
  modelOf,
  oracleRequest,
  quantile,
  readMeasured,
  readVectors,
  rowsOf,
} from "../estimate/training-vectors.ts";

interface Score {
  readonly id: string;
  readonly group: string;
  readonly error: number;
  readonly inBand: boolean;
}

const NONE = 0;
const listRows = process.argv.includes("--rows");
const percent = (x: number): string => `${(100 * x).toFixed(2)} %`.padStart(9);

function oracleScores(): { readonly scores: Score[]; readonly phaseRight: number } {
  const table = readVectors("training-oracle.json");
  let phaseRight = 0;
  const scores = rowsOf(table).map((row): Score => {
    const result = train(modelOf(table, row.model as string), oracleRequest(row));
    const { bytes, low, high } = result.totals.allocated;
    const peak = row.peak as number;
    const phase =
      result.winner === "forward" ? "forward" : result.winner === "optimizer-step" ? "step" : "backward";
    if (phase === row.phase) phaseRight++;
    return {
      id: `${row.model} ${row.method} ${row.precision} ${row.microBatch}x${row.seqTokens}`,
      group: `classes ${row.method as string}`,
      error: (bytes - peak) / peak,
      inBand: low <= peak && peak <= high,
    };
  });
  return { scores, phaseRight: phaseRight / scores.length };
}

function measuredScores(): {
  readonly scores: Score[];
  readonly leftOut: readonly (readonly [string, string])[];
} {
  const table = readMeasured();
  const scores = table.rows.map((row): Score => {
    const band = train(modelOf(table, row.model), row.request).totals[row.kind];
    const cards = row.request.parallel === undefined ? "one card" : "several cards";
    const source = row.id.slice(0, row.id.indexOf("-"));
    return {
      id: row.id,
      group: `${source} ${row.request.method ?? "full"}, ${cards}, ${row.kind}`,
      error: (band.bytes - row.bytes) / row.bytes,
      inBand: band.low <= row.bytes && row.bytes <= band.high,
    };
  });
  return { scores, leftOut: table.leftOut };
}

function line(title: string, scores: readonly Score[]): string {
  const sizes = scores.map((s) => Math.abs(s.error));
  const mean = scores.reduce((sum, s) => sum + s.error, 0) / scores.length;
  const under = scores.filter((s) => s.error < -0.05).length / scores.length;
  const held = scores.filter((s) => s.inBand).length / scores.length;
  return [
    title.padEnd(44),
    String(scores.length).padStart(4),
    percent(quantile(sizes, 0.5)),
    percent(quantile(sizes, 0.9)),
    percent(quantile(sizes, 0.95)),
    percent(mean),
    percent(Math.max(...sizes)),
    percent(under),
    percent(held),
  ].join(" ");
}

function print(scores: readonly Score[]): void {
  const groups = new Map<string, Score[]>();
  for (const score of scores) {
    const list = groups.get(score.group);
    if (list === undefined) groups.set(score.group, [score]);
    else list.push(score);
  }
  for (const [group, list] of groups) {
    console.log(line(group, list));
    if (listRows) for (const s of list) console.log(`  ${percent(s.error)} ${s.inBand ? " " : "x"} ${s.id}`);
  }
}

const HEADER = [
  "".padEnd(44),
  "rows",
  "   median",
  "      p90",
  "      p95",
  "     bias",
  "    worst",
  " under 5%",
  "  in band",
].join(" ");
console.log(HEADER);
const oracle = oracleScores();
print(oracle.scores);
console.log(line("classes, all", oracle.scores), ` phase right ${percent(oracle.phaseRight).trim()}`);
const measured = measuredScores();
print(measured.scores);
const one = measured.scores.filter((s) => s.group.includes("one card"));
const several = measured.scores.filter((s) => s.group.includes("several"));
console.log(line("readings, one card", one));
console.log(line("readings, several cards", several));
const reasons = new Map<string, number>();
for (const [, reason] of measured.leftOut) reasons.set(reason, 1 + (reasons.get(reason) ?? NONE));
console.log(`left out: ${measured.leftOut.length}`);
for (const [reason, count] of reasons) console.log(`  ${String(count).padStart(4)} ${reason}`);
