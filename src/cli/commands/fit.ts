import { EXIT, VramCalcError } from "../../errors.ts";
import { type EstimateOptions, estimate } from "../../estimate/estimate.ts";
import { adviceLines, fitGrid, type GridRow } from "../../report/fit.ts";
import { sizeText } from "../../report/table.ts";
import { type Advice, advise, SMALLER_FORMATS } from "../../solve/advice.ts";
import { formatsThatFit, largestBatch, longestContext } from "../../solve/inverse.ts";
import { type LoadedModel, loadModel } from "../../sources/load-model.ts";
import { type Bytes, groupDigits, type Tokens } from "../../units.ts";
import { type Limit, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import { assumeFamilyOption, budgetOption, gpuOption, jsonOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import { addServeOptions, estimateOptionsOf, type ServeFlags } from "../serve-flags.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

const UNKNOWNS = ["context", "batch", "format"] as const;
type Unknown = (typeof UNKNOWNS)[number];

interface FitFlags extends ServeFlags {
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly solve?: Unknown;
  readonly json?: true;
  readonly assumeFamily?: string;
}

const GRID_CONTEXTS: readonly Tokens[] = [4096, 8192, 16_384, 32_768, 65_536, 131_072];

/** `vram-calc fit <model> --gpu rtx-4090 [--solve context]`. */
export const defineFit: DefineCommand = (command, session) => {
  addServeOptions(command.argument("<model>", "count, catalogue name, path or hub id"))
    .addOption(gpuOption())
    .addOption(budgetOption())
    .option(
      "--solve <what>",
      `the unknown: ${UNKNOWNS.join(", ")} (default: a grid of formats and contexts)`,
      unknownOf,
    )
    .addOption(assumeFamilyOption())
    .addOption(jsonOption())
    .action((reference: string, flags: FitFlags) => runFit(reference, flags, session));
};

function unknownOf(text: string): Unknown {
  const found = UNKNOWNS.find((name) => name === text);
  if (found !== undefined) return found;
  throw new VramCalcError("bad-option", {
    option: "--solve",
    given: `"${text}"`,
    expected: UNKNOWNS.join(", "),
  });
}

async function runFit(reference: string, flags: FitFlags, { io, exit }: Session): Promise<void> {
  const limit = await limitOf(flags, io);
  if (limit === null) {
    throw new VramCalcError("bad-option", {
      option: "fit",
      given: "no limit",
      expected: "--gpu NAME or --budget SIZE",
    });
  }
  const loaded = await loadModel(reference, loadOptionsOf(io, { assumeFamily: flags.assumeFamily }));
  const answer = answerOf(loaded, estimateOptionsOf(flags, loaded, limit), { limit, solve: flags.solve });
  const paint = await painterFor(io);
  if (flags.json === true) {
    io.stdout(`${JSON.stringify(answerJson(loaded, limit, answer), null, 2)}\n`);
  } else {
    const where =
      limit.gpu === undefined
        ? sizeText(limit.bytes, "both")
        : `${limit.gpu} (${sizeText(limit.bytes, "GiB")} usable)`;
    const body =
      answer.grid === undefined
        ? [
            answer.text,
            ...(answer.advice.length > 0
              ? ["", "what would change that", ...adviceLines(answer.advice, paint)]
              : []),
          ].join("\n")
        : fitGrid(answer.grid, { columns: io.columns, paint });
    io.stdout(`${paint("strong", `${loaded.id} on ${where}`)}\n\n${body}\n`);
  }
  if (!answer.fits) exit(EXIT.overBudget);
}

interface Answer {
  readonly fits: boolean;
  readonly text: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly grid?: readonly GridRow[];
  readonly advice: readonly Advice[];
}

function answerOf(
  loaded: LoadedModel,
  options: EstimateOptions,
  at: { readonly limit: Limit; readonly solve: Unknown | undefined },
): Answer {
  const model = loaded.architecture;
  const budgetBytes = at.limit.bytes;
  const input = { model, options, budgetBytes };
  const adviceUnless = (fits: boolean): readonly Advice[] =>
    fits ? [] : advise(model, options, budgetBytes);
  switch (at.solve) {
    case "context": {
      const context = longestContext(input);
      const atModelMaximum = context === model.maxContextTokens;
      const text =
        context === 0
          ? "not even one token of context fits"
          : `longest context: ${groupDigits(context)} tokens${atModelMaximum ? ", the model's maximum" : ""}`;
      return {
        fits: context > 0,
        text,
        values: { context, atModelMaximum },
        advice: adviceUnless(context > 0),
      };
    }
    case "batch": {
      const batch = largestBatch(input);
      const text =
        batch === 0 ? "not even one sequence fits" : `largest batch: ${groupDigits(batch)} sequences`;
      return { fits: batch > 0, text, values: { batch }, advice: adviceUnless(batch > 0) };
    }
    case "format": {
      const formats = formatsThatFit(input, SMALLER_FORMATS);
      const best = formats.find((format) => format.fits);
      const text =
        best === undefined
          ? "no format fits"
          : `largest format that fits: ${best.dtype}, ${sizeText(best.bytes, "both")}`;
      return {
        fits: best !== undefined,
        text,
        values: { dtype: best?.dtype ?? null, formats },
        advice: adviceUnless(best !== undefined),
      };
    }
    case undefined: {
      const grid = gridOf(input);
      return { fits: grid.some((row) => row.longestContext > 0), text: "", values: {}, grid, advice: [] };
    }
  }
}

function gridOf(input: {
  readonly model: LoadedModel["architecture"];
  readonly options: EstimateOptions;
  readonly budgetBytes: Bytes;
}): GridRow[] {
  const { model, options, budgetBytes } = input;
  const longest = model.maxContextTokens ?? Number.POSITIVE_INFINITY;
  const asked = options.contextTokens;
  const contexts = asked === undefined ? GRID_CONTEXTS.filter((tokens) => tokens <= longest) : [asked];
  const columns = contexts.length > 0 ? contexts : [longest];
  const formats: readonly (string | undefined)[] =
    options.dtype !== undefined
      ? [options.dtype]
      : options.stored !== undefined
        ? [undefined]
        : SMALLER_FORMATS;
  return formats.map((dtype) => {
    const withFormat: EstimateOptions = dtype === undefined ? options : { ...options, dtype };
    const cells = columns.map((contextTokens) => {
      const { bytes } = estimate(model, { ...withFormat, contextTokens }).total;
      return { contextTokens, bytes, fits: bytes <= budgetBytes };
    });
    return {
      dtype: dtype ?? options.stored!.id,
      cells,
      longestContext: longestContext({ model, options: withFormat, budgetBytes }),
    };
  });
}

function answerJson(loaded: LoadedModel, limit: Limit, answer: Answer): Record<string, unknown> {
  return {
    schema: "vram-calc/fit@1",
    model: { id: loaded.id, source: loaded.source, parameters: loaded.architecture.parameters.total },
    budget: { bytes: limit.bytes, ...(limit.gpu === undefined ? {} : { gpu: limit.gpu }) },
    fits: answer.fits,
    ...answer.values,
    ...(answer.grid === undefined ? {} : { grid: answer.grid }),
    advice: answer.advice.map(({ change, text, bytes, frees, fits }) => ({
      change,
      text,
      bytes,
      frees,
      fits,
    })),
  };
}
