/**
 * Scores SGLang against the lines of its start: node .config/run.mjs test/bench/accuracy-sglang.ts
 * What constants were read from stands in READ_FROM; pool and graphs are scored once more without those rows.
 */
import { SGLANG_ROWS, type SglangRow } from "../engines/sglang-rows.ts";
import { errorOf, type Figure, figureLines, figureOf, type Score } from "./figure.ts";
import type { Judged } from "./serving-run.ts";
import {
  bothPools,
  bytesPerToken,
  capturedGraphs,
  freeAtStart,
  loadedWeights,
  poolTokens,
  requestsAtOnce,
  stateBytes,
  takenAtStart,
  windowBytes,
} from "./sglang-judges.ts";

interface Bar {
  readonly title: string;
  readonly median: number;
  readonly p90: number;
  readonly underShare?: number;
  readonly judges: readonly ((row: SglangRow) => Judged | null)[];
  /** Leaves out the rows that constants were read from. */
  readonly heldOut?: true;
}

/** The rows that constants were read from: buffers on the bus, context of a card, what capturing takes. */
const READ_FROM: readonly string[] = [
  "sglang-qwq-32b-4xl4",
  "sglang-qwen3.5-9b-2x4090",
  "sglang-llama-3.1-8b-24gb",
  "sglang-qwen3-30b-fp8-h100",
];

const BARS: readonly Bar[] = [
  { title: "weights (SGLang)", median: 0.5, p90: 2, judges: [loadedWeights] },
  {
    title: "KV bytes per token from the log's own numbers (SGLang)",
    median: 0.1,
    p90: 0.1,
    judges: [bytesPerToken, windowBytes, bothPools],
  },
  { title: "state bytes from the log's own slots (SGLang)", median: 0.1, p90: 0.1, judges: [stateBytes] },
  { title: "free before the weights (SGLang)", median: 1, p90: 3, judges: [freeAtStart] },
  {
    title: "pool tokens from model, card and flags (SGLang)",
    median: 2,
    p90: 6,
    judges: [poolTokens],
  },
  {
    title: "pool tokens, rows that no constant came from (SGLang)",
    median: 2,
    p90: 6,
    judges: [poolTokens],
    heldOut: true,
  },
  { title: "requests at once (SGLang)", median: 1, p90: 6, judges: [requestsAtOnce] },
  { title: "CUDA graphs (SGLang)", median: 10, p90: 25, judges: [capturedGraphs] },
  {
    title: "CUDA graphs, rows that no constant came from (SGLang)",
    median: 10,
    p90: 25,
    judges: [capturedGraphs],
    heldOut: true,
  },
  { title: "taken once it serves (SGLang)", median: 3, p90: 8, underShare: 0.05, judges: [takenAtStart] },
];

function scoresOf(bar: Bar): { readonly scores: readonly Score[]; readonly leftOut: Figure["leftOut"] } {
  const rows = bar.heldOut === true ? SGLANG_ROWS.filter(({ id }) => !READ_FROM.includes(id)) : SGLANG_ROWS;
  const judged = rows.flatMap((row) => bar.judges.map((judge) => judge(row))).filter((j) => j !== null);
  const reasons = new Map<string, number>();
  for (const j of judged) if ("reason" in j) reasons.set(j.reason, (reasons.get(j.reason) ?? 0) + 1);
  return {
    scores: judged.filter((j): j is Score => "predicted" in j),
    leftOut: [...reasons].map(([reason, rows]) => ({ reason, rows })),
  };
}

const figureOfBar = (bar: Bar): Figure => figureOf({ title: bar.title, bar, ...scoresOf(bar) });

export const sglangFigures = (): readonly Figure[] => BARS.map(figureOfBar);

/** All that a card holds, once it serves. */
export const sglangTotals = (): readonly Score[] =>
  BARS.filter(({ judges }) => judges.includes(takenAtStart)).flatMap((bar) => scoresOf(bar).scores);

if (process.argv[1]?.endsWith("accuracy-sglang.ts") === true)
  for (const bar of BARS) {
    console.log(figureLines(figureOfBar(bar)).join("\n"));
    if (process.argv.includes("--rows"))
      for (const score of scoresOf(bar).scores)
        console.log(
          `       ${errorOf(score).toFixed(2).padStart(8)} %  ${score.id}  ${score.predicted.toFixed(2)} of ${score.measured.toFixed(2)}`,
        );
  }
