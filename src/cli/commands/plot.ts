import { writeFileSync } from "node:fs";
import { CURVES, type Curve, curveByName, sampleCurve } from "../../curves/curves.ts";
import { VramCalcError } from "../../errors.ts";
import { type EstimateOptions, estimate } from "../../estimate/estimate.ts";
import { roundTo } from "../../formats/codec.ts";
import { brailleChart } from "../../report/plot/braille.ts";
import type { Chart, Series } from "../../report/plot/chart.ts";
import { svgChart } from "../../report/plot/svg.ts";
import { loadModel } from "../../sources/load-model.ts";
import { GiB } from "../../units.ts";
import { limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import { budgetOption, gpuOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import { addServeOptions, estimateOptionsOf, type ServeFlags } from "../serve-flags.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

interface PlotFlags extends ServeFlags {
  readonly x?: "context" | "batch";
  readonly range?: readonly [number, number];
  readonly derivative?: true;
  readonly output?: string;
  readonly gpu?: string;
  readonly budget?: number;
}

/** `vram-calc plot gelu silu --dtype fp8` and `vram-calc plot memory qwen2.5-14b --x context`. */
export const definePlot: DefineCommand = (command, session) => {
  addServeOptions(
    command.argument(
      "<what...>",
      "activation functions and losses by name, or memory and one model; list for the names",
    ),
  )
    .option("--x <what>", "memory against context or batch", axisOf)
    .option("--range <from:to>", "interval of a curve", rangeOf)
    .option("--derivative", "draw the derivative too")
    .addOption(gpuOption())
    .addOption(budgetOption())
    .option("-o, --output <file.svg>", "write an SVG file; an existing file is never overwritten")
    .action((words: readonly string[], flags: PlotFlags) => runPlot(words, flags, session));
};

function axisOf(text: string): "context" | "batch" {
  if (text === "context" || text === "batch") return text;
  throw new VramCalcError("bad-option", { option: "--x", given: `"${text}"`, expected: "context or batch" });
}

function rangeOf(text: string): readonly [number, number] {
  const [from, to, more] = text.split(":").map(Number);
  if (
    from === undefined ||
    to === undefined ||
    more !== undefined ||
    !(from < to) ||
    !Number.isFinite(to - from)
  )
    throw new VramCalcError("bad-option", {
      option: "--range",
      given: `"${text}"`,
      expected: "two numbers such as -4:4",
    });
  return [from, to];
}

async function runPlot(words: readonly string[], flags: PlotFlags, session: Session): Promise<void> {
  const { io } = session;
  if (words[0] === "list") {
    io.stdout(
      `${CURVES.map((curve) => `${curve.id.padEnd(16)}${curve.kind.padEnd(12)}${curve.formula}`).join("\n")}\n`,
    );
    return;
  }
  const chart =
    words[0] === "memory" ? await memoryChart(words.slice(1), flags, session) : curveChart(words, flags);
  if (flags.output === undefined) {
    const rows = Math.max(8, Math.min(24, Math.floor(io.columns / 4)));
    io.stdout(brailleChart(chart, { columns: io.columns, rows, paint: await painterFor(io) }));
    return;
  }
  writeNew(flags.output, svgChart(chart));
  io.stdout(`wrote ${flags.output}\n`);
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new VramCalcError("bad-option", {
      option: "--output",
      given: `"${path}"${code === "EEXIST" ? ", which exists" : `, which cannot be written (${code})`}`,
      expected:
        code === "EEXIST"
          ? "a new file name: nothing is overwritten"
          : "a file name in a folder that can be written",
    });
  }
}

const SAMPLES = 481;

function curveChart(names: readonly string[], flags: PlotFlags): Chart {
  const curves = names.map(curveByName);
  const [from, to] = flags.range ?? [
    Math.min(...curves.map((curve) => curve.from)),
    Math.max(...curves.map((curve) => curve.to)),
  ];
  const format = flags.dtype;
  const series = curves.flatMap((curve) =>
    curveSeries(curve, { from, to, format, derivative: flags.derivative === true }),
  );
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
  const through =
    (value: (x: number) => number) =>
    (x: number): number =>
      roundTo(format!, value(roundTo(format!, x)));
  return [
    { name: `${curve.id}: ${curve.formula}`, points: sample(curve.value) },
    ...(format === undefined
      ? []
      : [{ name: `${curve.id} in ${format}`, points: sample(through(curve.value)), dots: true }]),
    ...(at.derivative ? [{ name: `derivative of ${curve.id}`, points: sample(curve.derivative) }] : []),
  ];
}

/** Points of a memory curve: enough for a smooth line, few enough to answer at once. */
const MEMORY_POINTS = 65;

async function memoryChart(words: readonly string[], flags: PlotFlags, { io }: Session): Promise<Chart> {
  const [reference, more] = words;
  if (reference === undefined || more !== undefined)
    throw new VramCalcError("bad-option", {
      option: "plot memory",
      given: `${words.length} models`,
      expected: "one model",
    });
  const limit = await limitOf(flags, io);
  const loaded = await loadModel(reference, loadOptionsOf(io));
  const options = estimateOptionsOf(flags, loaded, limit);
  const axis = flags.x ?? "context";
  const last =
    axis === "batch"
      ? (flags.batch ?? 64)
      : (flags.context ?? loaded.architecture.maxContextTokens ?? 32_768);
  const at = (value: number): EstimateOptions =>
    axis === "batch" ? { ...options, batch: value } : { ...options, contextTokens: value };
  const names = ["total", "weights", "kv-cache"] as const;
  const xs = Array.from({ length: MEMORY_POINTS }, (_, i) =>
    Math.max(1, Math.round((last * i) / (MEMORY_POINTS - 1))),
  );
  const results = xs.map((x) => ({ x, result: estimate(loaded.architecture, at(x)) }));
  const series: Series[] = names.map((name) => ({
    name,
    points: results.map(({ x, result }) => ({
      x,
      y:
        (name === "total"
          ? result.total.bytes
          : result.devices[0]!.terms.reduce((sum, term) => (term.id === name ? sum + term.bytes : sum), 0)) /
        GiB,
    })),
  }));
  return {
    title: `memory of ${loaded.id} in ${results[0]!.result.request.dtype}`,
    xLabel: axis === "batch" ? "sequences" : "context in tokens",
    yLabel: "GiB",
    series,
    ...(axis === "context" ? { tokens: true as const } : {}),
    ...(limit === null ? {} : { limits: [{ name: limit.gpu ?? "budget", y: limit.bytes / GiB }] }),
  };
}
