import { writeFileSync } from "node:fs";
import { Option } from "commander";
import { CURVES } from "../../curves/curves.ts";
import { VramCalcError } from "../../errors.ts";
import { brailleChart } from "../../report/plot/braille.ts";
import type { Chart } from "../../report/plot/chart.ts";
import { svgChart } from "../../report/plot/svg.ts";
import { loadModel } from "../../sources/load-model.ts";
import { addBothSides, type BothSidesFlags, refuseOtherSide } from "../both-sides.ts";
import { limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import { budgetOption, gpuOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import { curveChart } from "../plot/curve-chart.ts";
import { AXES, type Axis, memoryChart, TRAINING_AXES } from "../plot/memory-chart.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

interface PlotFlags extends BothSidesFlags {
  readonly x?: Axis;
  readonly range?: readonly [number, number];
  readonly derivative?: true;
  readonly output?: string;
  readonly gpu?: string;
  readonly budget?: number;
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
    .option("-o, --output <file.svg>", "write an SVG file; an existing file is never overwritten");
  addBothSides(command, { training: "Options with --x seq, micro-batch or rank:" });
  command.action((words: readonly string[], flags: PlotFlags) => {
    const trains = flags.x !== undefined && TRAINING_AXES.includes(flags.x);
    refuseOtherSide(command, trains ? "train" : "serve", "--x seq, micro-batch or rank");
    return runPlot(words, flags, session);
  });
};
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

async function chartOf(words: readonly string[], flags: PlotFlags, { io }: Session): Promise<Chart> {
  if (words[0] !== "memory")
    return curveChart(words, {
      range: flags.range,
      format: flags.dtype,
      derivative: flags.derivative === true,
    });
  const [, reference, more] = words;
  if (reference === undefined || more !== undefined)
    throw new VramCalcError("bad-option", {
      option: "plot memory",
      given: `${words.length - 1} models`,
      expected: "one model",
    });
  const limit = await limitOf(flags, io);
  const loaded = await loadModel(reference, loadOptionsOf(io));
  return memoryChart(loaded, flags.x ?? "context", { flags, limit });
}

async function runPlot(words: readonly string[], flags: PlotFlags, session: Session): Promise<void> {
  const { io } = session;
  if (words[0] === "list") {
    io.stdout(
      `${CURVES.map((curve) => `${curve.id.padEnd(16)}${curve.kind.padEnd(12)}${curve.formula}`).join("\n")}\n`,
    );
    return;
  }
  // What is written is SVG whatever the name says, and viewers go by the name.
  if (flags.output !== undefined && !/\.svg$/i.test(flags.output))
    throw new VramCalcError("bad-option", {
      option: "--output",
      given: `"${flags.output}"`,
      expected: "a file name that ends in .svg",
    });
  const chart = await chartOf(words, flags, session);
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
