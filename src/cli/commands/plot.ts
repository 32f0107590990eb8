import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { modelFacts, modelSummary } from "../../architecture/summary.ts";
import { CURVES } from "../../curves/curves.ts";
import { VramCalcError } from "../../errors.ts";
import { explanation } from "../../report/explain.ts";
import { noteLines } from "../../report/notes.ts";
import { brailleChart } from "../../report/plot/braille.ts";
import type { Chart } from "../../report/plot/chart.ts";
import { type Charted, chartJson } from "../../report/plot/json.ts";
import { svgChart } from "../../report/plot/svg.ts";
import { wrap } from "../../report/text-layout.ts";
import { loadModel } from "../../sources/load-model.ts";
import { groupDigits } from "../../units.ts";
import { besideOf } from "../beside.ts";
import { addBothSides, type BothSidesFlags, refuseOtherSide } from "../both-sides.ts";
import { limitNotes, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import {
  assumeFamilyOption,
  budgetOption,
  explainOption,
  fieldOption,
  gpuOption,
  jsonOption,
} from "../options.ts";
import { painterFor } from "../paint.ts";
import { curveChart, curveExplanation } from "../plot/curve-chart.ts";
import { AXES, type Axis, memoryChart, TRAINING_AXES } from "../plot/memory-chart.ts";
import { printJson } from "../print-json.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

interface PlotFlags extends BothSidesFlags {
  readonly x?: Axis;
  readonly range?: readonly [number, number];
  readonly derivative?: true;
  readonly output?: string;
  readonly gpu?: string;
  readonly budget?: number;
  readonly assumeFamily?: string;
  readonly explain?: true;
  readonly json?: true;
  readonly field?: string;
}

/** `vram-calc plot gelu silu --dtype fp8` and `vram-calc plot memory qwen2.5-14b --x context`. */
export const definePlot: DefineCommand = (command, session) => {
  command
    .argument(
      "<what...>",
      "activation functions and losses by name, or memory and one model; list for the names",
    )
    .addOption(
      new Option(
        "--x <what>",
        "memory against context or batch, or of training against seq, micro-batch or LoRA rank (default: context)",
      ).choices(AXES),
    )
    .option("--range <from:to>", "interval of a curve", rangeOf)
    .option("--derivative", "draw the derivative too")
    .addOption(gpuOption())
    .addOption(budgetOption())
    .option("-o, --output <file.svg>", "write an SVG file; an existing file is never overwritten")
    .addOption(assumeFamilyOption())
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption());
  addBothSides(command, { training: "Options with --x seq, micro-batch or rank:" });
  command.action((words: readonly string[], flags: PlotFlags) => {
    const trains = flags.x !== undefined && TRAINING_AXES.includes(flags.x);
    refuseOtherSide(command, trains ? "train" : "serve", "--x seq, micro-batch or rank");
    refuseOtherPlot(command, words[0]);
    return runPlot(words, flags, session);
  });
};

/** Flags of curves, and those of both: the others are of memory. */
const OF_CURVES = ["--range", "--derivative"];
const OF_BOTH = ["--dtype", "--output", "--explain", "--json", "--field"];

/**
 * Refuses a flag of curves for memory, one of memory for curves, and any for the list: it would be ignored.
 *
 * @throws bad-option
 */
function refuseOtherPlot(command: Command, what: string | undefined): void {
  const memory = what === "memory";
  for (const option of command.options) {
    const { long } = option;
    if (long == null || command.getOptionValueSource(option.attributeName()) !== "cli") continue;
    const both = OF_BOTH.includes(long);
    const curves = OF_CURVES.includes(long);
    if (memory ? both || !curves : what !== "list" && (both || curves)) continue;
    throw new VramCalcError("bad-option", {
      option: long,
      given: memory ? "memory to plot" : what === "list" ? "a list of names" : "a curve to plot",
      expected: memory ? "a curve: vram-calc plot gelu" : "memory: vram-calc plot memory MODEL",
    });
  }
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

/** A chart with what it is about and how to redo it by hand. */
interface Plotted {
  readonly chart: Chart;
  readonly about?: Charted;
  readonly explained: readonly string[];
}

async function plottedOf(words: readonly string[], flags: PlotFlags, { io }: Session): Promise<Plotted> {
  if (words[0] !== "memory") {
    const request = {
      range: flags.range,
      format: flags.dtype,
      derivative: flags.derivative === true,
    };
    return { chart: curveChart(words, request), explained: curveExplanation(words, request) };
  }
  const [, reference, more] = words;
  if (reference === undefined || more !== undefined)
    throw new VramCalcError("bad-option", {
      option: "plot memory",
      given: `${words.length - 1} models`,
      expected: "one model",
    });
  const limit = await limitOf(flags, io);
  const loaded = await loadModel(reference, loadOptionsOf(io, { assumeFamily: flags.assumeFamily }));
  const { chart, last } = memoryChart(loaded, flags.x ?? "context", {
    flags,
    limit,
    beside: await besideOf(flags, loadOptionsOf(io)),
  });
  return {
    chart,
    about: {
      model: modelFacts(modelSummary(loaded), loaded.architecture),
      request: last.request,
      total: last.total,
      terms: last.terms,
      notes: [...loaded.notes, ...last.notes, ...limitNotes(limit, flags.engine)],
    },
    explained: [`at the end of the axis, ${axisEnd(chart)}`, ...explanation(last, io.columns)],
  };
}

function axisEnd({ series, xLabel }: Chart): string {
  return `${groupDigits(series[0]!.points.at(-1)!.x)} (${xLabel})`;
}

async function runPlot(words: readonly string[], flags: PlotFlags, session: Session): Promise<void> {
  const { io } = session;
  if (words[0] === "list") {
    const wide = CURVES.map((curve) => `${curve.id.padEnd(16)}${curve.kind.padEnd(12)}${curve.formula}`);
    const fits = wide.every((line) => line.length <= io.columns);
    const narrow = CURVES.map(({ id, kind, formula }) =>
      wrap(`${id} (${kind}): ${formula}`, io.columns, "  "),
    );
    io.stdout(`${(fits ? wide : narrow).join("\n")}\n`);
    return;
  }
  // What is written is SVG whatever the name says, and viewers go by the name.
  if (flags.output !== undefined && !/\.svg$/i.test(flags.output))
    throw new VramCalcError("bad-option", {
      option: "--output",
      given: `"${flags.output}"`,
      expected: "a file name that ends in .svg",
    });
  const { chart, about, explained } = await plottedOf(words, flags, session);
  if (flags.output !== undefined) writeNew(flags.output, svgChart(chart));
  if (flags.json === true || flags.field !== undefined) {
    printJson(io, chartJson(chart, about), flags.field);
    return;
  }
  if (flags.output !== undefined) {
    io.stdout(`wrote ${flags.output}\n`);
    return;
  }
  const paint = await painterFor(io);
  const rows = Math.max(8, Math.min(24, Math.floor(io.columns / 4)));
  io.stdout(brailleChart(chart, { columns: io.columns, rows, paint }));
  if (flags.explain === true) io.stdout(`\n${explained.join("\n")}\n`);
  const notes = noteLines(about?.notes ?? [], { columns: io.columns, paint });
  if (notes.length > 0) io.stdout(`\n${notes.join("\n")}\n`);
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
