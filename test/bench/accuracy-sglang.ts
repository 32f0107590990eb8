/**
 * Scores SGLang against the lines of its start: node .config/run.mjs test/bench/accuracy-sglang.ts
 * What constants were read from stands in READ_FROM; pool and graphs are scored once more without those rows.
 */

import type { Architecture } from "../../src/architecture/model.ts";
import { serveOnSglang } from "../../src/engines/sglang/serve.ts";
import { tokenBytes } from "../../src/engines/sglang/token-bytes.ts";
import { segmentRounding } from "../../src/engines/torch-segments.ts";
import { wideRotaryBytes } from "../../src/engines/vllm/profile.ts";
import { deviceShares } from "../../src/parallelism/share.ts";
import { cacheFormatOf } from "../engines/measured-rows.ts";
import { SGLANG_ROWS, type SglangRow, sglangModel } from "../engines/sglang-rows.ts";
import { errorOf, type Figure, figureLines, figureOf, type Score } from "./figure.ts";
import { cardOf, GIB, type Judged, storedAs, term } from "./serving-run.ts";

const leave = (row: SglangRow, reason: string): Judged => ({ id: row.id, reason });
/** A size that the log prints to two places: equal to that is equal. */
const printed = (bytes: number, shown: number): number =>
  Math.abs(bytes / GIB - shown) <= 0.0051 ? shown : bytes / GIB;

function shareOf(row: SglangRow): Architecture | string {
  const model = sglangModel(row);
  if (typeof model === "string") return model;
  return deviceShares(model, { tp: row.flags.tp ?? 1, pp: 1, ep: 1, dp: 1 })[0]!.share;
}

const eachOf = (share: Architecture) =>
  tokenBytes(share, { format: cacheFormatOf("bf16"), computeBytes: 2, stateBytes: 4 });

/** Bytes of the tokens that the log counts, and a page that nobody is given. */
function bytesPerToken(row: SglangRow): Judged | null {
  const { keysGiB, valuesGiB, kvGiB, kvTokens } = row.measured;
  const shown = kvGiB ?? (keysGiB === undefined || valuesGiB === undefined ? undefined : keysGiB + valuesGiB);
  if (shown === undefined || kvTokens === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const each = eachOf(share);
  const perToken = row.measured.windowTokens === undefined ? each.full + each.window : each.full;
  const bytes = (kvTokens + (row.flags.pageTokens ?? 1)) * perToken;
  const predicted = kvGiB === undefined ? 2 * printed(bytes / 2, shown / 2) : printed(bytes, shown);
  return { id: row.id, predicted, measured: shown };
}

/** Full and window pools together, where the log prints their sum. */
function bothPools(row: SglangRow): Judged | null {
  const { kvTokens, windowTokens, poolGiB } = row.measured;
  if (kvTokens === undefined || windowTokens === undefined || poolGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const { full, window } = eachOf(share);
  const bytes = (kvTokens + 1) * full + (windowTokens + 1) * window;
  return { id: row.id, predicted: printed(bytes, poolGiB), measured: poolGiB };
}

function windowBytes(row: SglangRow): Judged | null {
  const { windowTokens, windowKeysGiB, windowValuesGiB } = row.measured;
  if (windowTokens === undefined || windowKeysGiB === undefined || windowValuesGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const bytes = (windowTokens + (row.flags.pageTokens ?? 1)) * eachOf(share).window;
  const shown = windowKeysGiB + windowValuesGiB;
  return { id: `${row.id} (window)`, predicted: 2 * printed(bytes / 2, shown / 2), measured: shown };
}

function stateBytes(row: SglangRow): Judged | null {
  const { stateSlots, convGiB, ssmGiB } = row.measured;
  if (stateSlots === undefined || convGiB === undefined || ssmGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const bytes = (stateSlots + 1) * eachOf(share).state;
  const shown = convGiB + ssmGiB;
  // Two sizes, each to two places.
  const predicted = Math.abs(bytes / GIB - shown) <= 0.0102 ? shown : bytes / GIB;
  return { id: row.id, predicted, measured: shown };
}

function loadedWeights(row: SglangRow): Judged | null {
  const { weightsGiB } = row.measured;
  if (weightsGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const stored = storedAs(row.storage);
  if (stored === undefined) return leave(row, `weights stored as ${row.storage}`);
  const bytes = stored.storage.bytesOf(share);
  const rounding = segmentRounding(share, Math.round(bytes / share.parameters.stored));
  return {
    id: row.id,
    predicted: bytes + rounding + wideRotaryBytes(share),
    measured: weightsGiB * GIB,
  };
}

function run(row: SglangRow): ReturnType<typeof serveOnSglang>["devices"][number] | string {
  const model = sglangModel(row);
  if (typeof model === "string") return model;
  const stored = storedAs(row.storage);
  if (stored === undefined) return `weights stored as ${row.storage}`;
  const { tp = 1, contextTokens, ...flags } = row.flags;
  if (contextTokens === undefined) return "context not stated";
  const card = cardOf(row);
  return serveOnSglang({
    model,
    storage: stored.storage,
    format: cacheFormatOf("bf16"),
    contextTokens,
    sequences: 1,
    computeBytes: 2,
    degrees: { tp, pp: 1, ep: 1, dp: 1 },
    ...(card === undefined ? {} : { card }),
    ...(row.version === undefined ? {} : { version: row.version }),
    ...flags,
  }).devices[0]!;
}

/** Rows that say how they were started, on what. */
function started(row: SglangRow): ReturnType<typeof run> {
  if (row.version === undefined) return "engine version not stated";
  if (row.card === undefined) return "card not stated";
  if (row.note?.includes("is not stated") === true) return row.note;
  return run(row);
}

function poolTokens(row: SglangRow): Judged | null {
  const { kvTokens } = row.measured;
  if (kvTokens === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  return { id: row.id, predicted: device.pool!.tokens, measured: kvTokens };
}

function freeAtStart(row: SglangRow): Judged | null {
  const { freeGiB } = row.measured;
  if (freeGiB === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  const taken = term(device.terms, "runtime") + term(device.terms, "communication");
  return { id: row.id, predicted: cardOf(row)!.totalBytes - taken, measured: freeGiB * GIB };
}

function capturedGraphs(row: SglangRow): Judged | null {
  const { graphsGiB, prefillGraphsGiB } = row.measured;
  if (graphsGiB === undefined) return null;
  const device = run(row);
  if (typeof device === "string") return leave(row, device);
  const { inputs } = device.terms.find(({ id }) => id === "workspace")!;
  const { batch, vocabulary, captures, each, prefillGraphs, eachPrefill, first } = inputs as Record<
    string,
    number
  >;
  const decode = batch! * vocabulary! * 6 + captures! * each! + first!;
  const prefill =
    prefillGraphsGiB === undefined ? 0 : prefillGraphs! * eachPrefill! + term(device.terms, "activations");
  return {
    id: row.id,
    predicted: decode + prefill,
    measured: (graphsGiB + (prefillGraphsGiB === undefined ? 0 : prefillGraphsGiB)) * GIB,
  };
}

/** What lies on the card once it serves: all that the log does not show as free. */
function takenAtStart(row: SglangRow): Judged | null {
  const { leftGiB } = row.measured;
  if (leftGiB === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  const stored = storedAs(row.storage)!;
  let bytes = stored.storage.bytesOf(device.held) + device.pool!.tokens * device.pool!.bytesPerBlock;
  for (const { id, bytes: each } of device.terms)
    if (id !== "kv-cache" && id !== "activations" && id !== "recurrent-state") bytes += each;
  if (device.pool!.idleBytes !== undefined)
    bytes += device.pool!.idleBytes + term(device.terms, "recurrent-state");
  return { id: row.id, predicted: bytes, measured: cardOf(row)!.totalBytes - leftGiB * GIB };
}

function requestsAtOnce(row: SglangRow): Judged | null {
  const { maxRequests } = row.measured;
  if (maxRequests === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  const { inputs } = device.terms.find(({ id }) => id === "workspace")!;
  return { id: row.id, predicted: inputs.requests!, measured: maxRequests };
}

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
  { title: "CUDA graphs (SGLang)", median: 25, p90: 60, judges: [capturedGraphs] },
  {
    title: "CUDA graphs, rows that no constant came from (SGLang)",
    median: 25,
    p90: 60,
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

if (process.argv[1]?.endsWith("accuracy-sglang.ts") === true)
  for (const bar of BARS) {
    console.log(figureLines(figureOfBar(bar)).join("\n"));
    if (process.argv.includes("--rows"))
      for (const score of scoresOf(bar).scores)
        console.log(
          `       ${errorOf(score).toFixed(2).padStart(8)} %  ${score.id}  ${score.predicted.toFixed(2)} of ${score.measured.toFixed(2)}`,
        );
  }
