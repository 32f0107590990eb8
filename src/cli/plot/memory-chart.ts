/** The memory of a model against one quantity, everything else as asked for. */
import type { Note } from "../../architecture/model.ts";
import { estimate } from "../../estimate/estimate.ts";
import { estimateNoted } from "../../estimate/estimate-noted.ts";
import { train } from "../../estimate/train.ts";
import { onCards } from "../../estimate/train-on-cards.ts";
import { type Band, type Term, worstOf } from "../../memory/term.ts";
import type { Chart, Series } from "../../report/plot/chart.ts";
import type { LoadedModel } from "../../sources/load-model.ts";
import { GiB } from "../../units.ts";
import type { Beside } from "../beside.ts";
import type { BothSidesFlags } from "../both-sides.ts";
import type { Limit } from "../limit.ts";
import { estimateOptionsOf } from "../serve-flags.ts";
import { trainRequestOf } from "../training-request.ts";

/** What the chart may run over. */
export const AXES = ["context", "batch", "seq", "micro-batch", "rank"] as const;
export type Axis = (typeof AXES)[number];

/** Axes of a training step; the others are of serving. */
export const TRAINING_AXES: readonly Axis[] = ["seq", "micro-batch", "rank"];

/** Points of a curve: enough for a smooth line, few enough to answer at once. */
const POINTS = 65;

/** What the worst device takes at one place of the axis. */
export interface Sized {
  readonly request: object;
  readonly total: Band;
  readonly terms: readonly Term[];
  readonly notes: readonly Note[];
}

export interface MemoryPlot {
  readonly chart: Chart;
  /** The end of the axis. */
  readonly last: Sized;
}

interface Sizer {
  readonly title: string;
  readonly xLabel: string;
  readonly last: number;
  readonly names: readonly string[];
  readonly at: (x: number) => Sized;
}

export interface MemoryRequest {
  readonly flags: BothSidesFlags;
  readonly limit: Limit | null;
  readonly beside?: Beside;
}

/** Total and the terms that move, in GiB, from 1 to the end of the axis. */
export function memoryChart(
  loaded: LoadedModel,
  axis: Axis,
  { flags, limit, beside = {} }: MemoryRequest,
): MemoryPlot {
  const sizer = TRAINING_AXES.includes(axis)
    ? trainingSizer(loaded, axis, { flags, limit })
    : servingSizer(loaded, axis, { flags, limit, beside });
  const xs = Array.from({ length: POINTS }, (_, i) =>
    Math.max(1, Math.round((sizer.last * i) / (POINTS - 1))),
  );
  const results = xs.map((x) => ({ x, sized: sizer.at(x) }));
  const series: Series[] = sizer.names.map((name) => ({
    name,
    points: results.map(({ x, sized }) => ({ x, y: bytesOf(sized, name) / GiB })),
  }));
  const chart = {
    title: sizer.title,
    xLabel: sizer.xLabel,
    yLabel: "GiB",
    series,
    ...(axis === "context" || axis === "seq" ? { tokens: true as const } : {}),
    ...(limit === null ? {} : { limits: [{ name: limit.gpu ?? "budget", y: limit.bytes / GiB }] }),
  };
  return { chart, last: results.at(-1)!.sized };
}

const bytesOf = ({ total, terms }: Sized, name: string): number =>
  name === "total"
    ? total.bytes
    : terms.reduce((sum, term) => (term.id === name ? sum + term.bytes : sum), 0);

const DEFAULT_LAST_CONTEXT = 32_768;

function servingSizer(loaded: LoadedModel, axis: Axis, { flags, limit, beside }: MemoryRequest): Sizer {
  const model = loaded.architecture;
  const options = { ...estimateOptionsOf(flags, loaded, limit), ...beside };
  const batches = axis === "batch";
  return {
    title: `memory of ${loaded.id} in ${estimate(model, options).request.dtype}`,
    xLabel: batches ? "sequences" : "context in tokens",
    last: batches ? (flags.batch ?? 64) : (flags.context ?? model.maxContextTokens ?? DEFAULT_LAST_CONTEXT),
    names: ["total", "weights", "kv-cache"],
    at: (x) => {
      const { request, total, devices, notes } = estimateNoted(model, {
        ...options,
        ...(batches ? { batch: x } : { contextTokens: x }),
      });
      return { request, total, terms: worstOf(devices).terms, notes };
    },
  };
}

const X_LABELS = { seq: "tokens per sequence", "micro-batch": "sequences", rank: "rank of the adapters" };

/** A training step; against the rank it is LoRA unless the flags say QLoRA. */
function trainingSizer(loaded: LoadedModel, axis: Axis, { flags, limit }: MemoryRequest): Sizer {
  const model = loaded.architecture;
  // As `train` is laid out over the cards, and with what they have as the end of the allocator's cache.
  const { request: given, notes: cardNotes } = onCards(trainRequestOf(flags), limit);
  const request =
    axis === "rank" && given.method === undefined ? { ...given, method: "lora" as const } : given;
  const { request: effective } = train(model, request);
  const adapters = effective.method === "lora" || effective.method === "qlora";
  const longest = Math.min(model.maxContextTokens ?? DEFAULT_LAST_CONTEXT, DEFAULT_LAST_CONTEXT);
  const last =
    axis === "seq"
      ? (flags.seq ?? longest)
      : axis === "rank"
        ? (flags.loraR ?? 256)
        : (flags.microBatch ?? 32);
  return {
    title: `training ${loaded.id}: ${effective.method}, ${effective.precision}`,
    xLabel: X_LABELS[axis as keyof typeof X_LABELS],
    last,
    names: ["total", "weights", ...(adapters ? ["adapters"] : ["gradients"]), "optimizer", "activations"],
    at: (x) => {
      const {
        request: taken,
        total,
        devices,
        notes,
      } = train(model, {
        ...request,
        ...(axis === "seq" ? { seqTokens: x } : axis === "rank" ? { loraRank: x } : { microBatch: x }),
      });
      return { request: taken, total, terms: worstOf(devices).terms, notes: [...notes, ...cardNotes] };
    },
  };
}
