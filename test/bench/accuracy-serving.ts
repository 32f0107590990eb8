/**
 * Scores serving estimates against readings of real runs: node .config/run.mjs test/bench/accuracy-serving.ts
 * With --rows it lists every row with its error. Nothing here is tuned row by row; a miss is printed as a miss.
 */
import { versionRow } from "../../src/engines/versions.ts";
import { blockPool } from "../../src/engines/vllm/block-pool.ts";
import { pageLayout } from "../../src/engines/vllm/page-layout.ts";
import { VLLM_VERSIONS } from "../../src/engines/vllm/versions.ts";
import { sumTerms, type Term } from "../../src/memory/term.ts";
import { deviceShares } from "../../src/parallelism/share.ts";
import { cacheFormatOf, MEASURED, type MeasuredRow, modelOf } from "../engines/measured-rows.ts";
import { cppCache, cppCompute, cppCopied, isCpp } from "./accuracy-llama-cpp.ts";
import { cppTotalFigures } from "./accuracy-llama-cpp-total.ts";
import { sglangFigures, sglangTotals } from "./accuracy-sglang.ts";
import { errorOf, type Figure, figureLines, figureOf, type Score } from "./figure.ts";
import { halvesFigure, heldOutLine } from "./held-out.ts";
import { litgptBytes } from "./litgpt-total.ts";
import { GIB, input, type Judged, leave, MIB, run, term } from "./serving-run.ts";

interface Bar {
  readonly title: string;
  /** Largest median and 90th percentile of |error|, in percent. */
  readonly median: number;
  readonly p90: number;
  readonly underShare?: number;
  /** All that a card holds. */
  readonly total?: true;
  readonly judge: (row: MeasuredRow) => Judged | null;
}

const isVllm = (row: MeasuredRow): boolean => row.engine === "vllm";

/** Bytes that a rank's pool could hold at least, to tell readings that contradict themselves. */
function fromOwnNumbers(row: MeasuredRow): Judged | null {
  if (!isVllm(row) || row.measured.kvGiB === undefined || row.measured.kvTokens === undefined) return null;
  const model = modelOf(row);
  if (typeof model === "string") return leave(row, model);
  if (row.note?.includes("speculative")) return leave(row, row.note);
  const { tp = 1, pp = 1, contextTokens = 8192, cache } = row.flags;
  if (row.id.startsWith("vllm-21348"))
    return leave(row, "which layers and formats were cached is not stated");
  const shares = deviceShares(model, { tp, pp, ep: 1, dp: 1 });
  const wide = row.storage === "float32" && (cache === undefined || cache === "auto");
  const format = cacheFormatOf(wide ? "fp32" : cache);
  if (pp > 1)
    return leave(row, "the log shows the first stage's GiB, the pool is cut to the poorest stage's");
  const layout = pageLayout(shares[0]!.share, { format, stateBytes: 2 })!;
  const stated = row.version === undefined ? undefined : versionRow(VLLM_VERSIONS, row.version).poolReport;
  const recent = /qwen3\.6/i.test(row.model);
  const pool = blockPool(layout, {
    bytes: row.measured.kvGiB * GIB,
    contextTokens,
    batchedTokens: row.flags.maxBatchedTokens ?? 8192,
    report: stated ?? (recent ? "by-concurrency" : "per-group"),
  });
  return { id: row.id, predicted: pool.tokens, measured: row.measured.kvTokens };
}

function vllmTerm(
  row: MeasuredRow,
  measured: number | undefined,
  predict: (terms: readonly Term[]) => number,
): Judged | null {
  if (!isVllm(row) || measured === undefined) return null;
  if (row.version === undefined) return leave(row, "engine version not stated");
  const ran = run(row, { anyStorage: true });
  if (typeof ran === "string") return leave(row, ran);
  if (measured <= 0) return leave(row, "a negative reading: memory was given back between the two looks");
  return { id: row.id, predicted: predict(ran.result.devices[0]!.terms), measured: measured * GIB };
}

/** 8.69 GiB at 98,304 B a token would be 94,917 tokens; the pool has 81,536. */
const OTHER_RANK = "the log's line is of a rank that does not sample, the pool is that of the one that does";

/** What the log calls memory outside torch: with the driver context where the worker looks at the whole card. */
function outsideTorch(terms: readonly Term[], row: MeasuredRow): number {
  const context = versionRow(VLLM_VERSIONS, row.version).outside === "card";
  return input(terms, "runtime", "nonTorch") * GIB + (context ? input(terms, "runtime", "context") * MIB : 0);
}

const BARS: readonly Bar[] = [
  {
    title: "weights (vLLM)",
    median: 0.5,
    p90: 2,
    judge: (row) => {
      if (!isVllm(row) || row.measured.weightsGiB === undefined) return null;
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      const rotary = input(ran.result.devices[0]!.terms, "workspace", "rotary");
      const rounding = term(ran.result.devices[0]!.terms, "allocator");
      return {
        id: row.id,
        predicted: ran.weights(0) + rotary + rounding,
        measured: row.measured.weightsGiB * GIB,
      };
    },
  },
  { title: "pool tokens from the log's own GiB (vLLM)", median: 0.1, p90: 0.1, judge: fromOwnNumbers },
  {
    title: "peak of the profile run (vLLM)",
    median: 10,
    p90: 25,
    judge: (row) =>
      row.id === "vllm-13061" && row.measured.computeGiB !== undefined
        ? leave(row, OTHER_RANK)
        : vllmTerm(row, row.measured.computeGiB, (t) => term(t, "activations") + term(t, "logits")),
  },
  {
    title: "memory outside torch (vLLM)",
    median: 15,
    p90: 60,
    judge: (row) => vllmTerm(row, row.measured.nonTorchGiB, (t) => outsideTorch(t, row)),
  },
  {
    title: "CUDA graphs (vLLM)",
    median: 25,
    p90: 50,
    judge: (row) =>
      vllmTerm(row, row.measured.graphsGiB, (t) => term(t, "workspace") - input(t, "workspace", "rotary")),
  },
  {
    title: "KV pool from model, card and flags (vLLM)",
    median: 2,
    p90: 6,
    judge: (row) => {
      if (!isVllm(row) || (row.measured.kvTokens ?? row.measured.kvGiB) === undefined) return null;
      if (row.version === undefined) return leave(row, "engine version not stated");
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      const pool = ran.result.devices[0]!.pool;
      if (pool === undefined) return leave(row, "card not stated");
      return row.measured.kvTokens === undefined
        ? {
            id: row.id,
            predicted: pool.blocks * pool.bytesPerBlock,
            measured: row.measured.kvGiB! * GIB,
          }
        : { id: row.id, predicted: pool.tokens, measured: row.measured.kvTokens };
    },
  },
  {
    title: "total on the card (vLLM)",
    total: true,
    median: 3,
    p90: 8,
    underShare: 0.05,
    judge: (row) => {
      if (!isVllm(row) || row.measured.totalGiB === undefined) return null;
      if (row.version === undefined) return leave(row, "engine version not stated");
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      const device = ran.result.devices[0]!;
      if (device.pool === undefined) return leave(row, "card not stated");
      // The reading leaves the driver's context out, and holds the whole pool, not one request.
      const rest = device.terms.filter((t) => t.id !== "kv-cache");
      const context = input(rest, "runtime", "context") * MIB;
      const fixed = ran.weights(0) + device.pool.blocks * device.pool.bytesPerBlock - context;
      const band = sumTerms(rest);
      return {
        id: row.id,
        predicted: band.bytes + fixed,
        low: band.low + fixed,
        high: band.high + fixed,
        measured: row.measured.totalGiB * GIB,
      };
    },
  },
  {
    title: "KV buffers as printed (llama.cpp)",
    median: 0,
    p90: 0,
    judge: (row) => {
      if (!isCpp(row)) return null;
      const printed =
        row.measured.cacheMiB === undefined
          ? row.measured.kvGiB === undefined
            ? undefined
            : row.measured.kvGiB * 1024
          : Object.values(row.measured.cacheMiB).reduce((sum, mib) => sum + mib, 0);
      if (printed === undefined) return null;
      return cppCache(row, printed);
    },
  },
  {
    title: "compute buffer of the device with the head (llama.cpp)",
    median: 10,
    p90: 25,
    judge: cppCompute,
  },
  {
    title: "compute buffer of the GPU that works on weights of the CPU (llama.cpp)",
    median: 10,
    p90: 25,
    judge: cppCopied,
  },
  {
    title: "total of generate() (transformers)",
    total: true,
    median: 3,
    p90: 8,
    underShare: 0.05,
    judge: (row) => {
      if (row.engine !== "transformers" || row.measured.totalGiB === undefined) return null;
      if (row.leftOut !== undefined) return leave(row, row.leftOut);
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      const device = ran.result.devices[0]!;
      // `max_memory_allocated` leaves the driver's context out.
      const seen =
        row.reading === "allocated" ? device.terms.filter((t) => t.id !== "runtime") : device.terms;
      const band = sumTerms(seen);
      const weights = ran.weights(0);
      // The page prints "GB"; decimal would be less than the weights alone.
      return {
        id: row.id,
        predicted: band.bytes + weights,
        low: band.low + weights,
        high: band.high + weights,
        measured: row.measured.totalGiB * GIB,
      };
    },
  },
  {
    title: "allocated after a short generation (litgpt)",
    total: true,
    median: 3,
    p90: 8,
    underShare: 0.05,
    judge: (row) => {
      if (row.engine !== "litgpt" || row.measured.totalGiB === undefined) return null;
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      return { id: row.id, predicted: litgptBytes(row, ran), measured: row.measured.totalGiB * GIB };
    },
  },
];

/** The scores of every bar, for the table and for the gate. */
export function servingFigures(): readonly Figure[] {
  const figures = BARS.map((bar) => figureOf({ title: bar.title, bar, ...scoresOf(bar) }));
  const cpp = cppTotalFigures();
  return [...figures, ...cpp, halvesFigure(), ...sglangFigures(), totalsFigure(cpp)];
}

/** Every reading of all that a card holds, whatever serves on it. */
function totalsFigure(cpp: ReturnType<typeof cppTotalFigures>): Figure {
  const scores = [
    ...BARS.filter(({ total }) => total).flatMap((bar) => scoresOf(bar).scores),
    ...cpp.filter(({ title }) => title.startsWith("total")).flatMap((figure) => figure.scores),
    ...sglangTotals(),
  ];
  const bar = { median: 3, p90: 8, underShare: 0.05 };
  return figureOf({ title: "total on the card, every engine", bar, scores, leftOut: [] });
}

function scoresOf(bar: Bar): { readonly scores: readonly Score[]; readonly leftOut: Figure["leftOut"] } {
  const judged = MEASURED.map((row) => bar.judge(row)).filter((j) => j !== null);
  const reasons = new Map<string, number>();
  for (const j of judged) if ("reason" in j) reasons.set(j.reason, (reasons.get(j.reason) ?? 0) + 1);
  return {
    scores: judged.filter((j): j is Score => "predicted" in j),
    leftOut: [...reasons].map(([reason, rows]) => ({ reason, rows })),
  };
}

function printRows(scores: readonly Score[]): void {
  if (!process.argv.includes("--rows")) return;
  for (const score of scores)
    console.log(
      `       ${errorOf(score).toFixed(2).padStart(8)} %  ${score.id}  ${score.predicted.toFixed(2)} of ${score.measured.toFixed(2)}`,
    );
}

if (process.argv[1]?.endsWith("accuracy-serving.ts") === true) {
  for (const bar of BARS) {
    const { scores, leftOut } = scoresOf(bar);
    console.log(figureLines(figureOf({ title: bar.title, bar, scores, leftOut })).join("\n"));
    for (const line of heldOutLine(scores)) console.log(line);
    printRows(scores);
  }
  for (const figure of cppTotalFigures()) {
    console.log(figureLines(figure).join("\n"));
    printRows(figure.scores);
  }
  console.log(figureLines(halvesFigure()).join("\n"));
}
