import { Option } from "commander";
import type { Note } from "../../architecture/model.ts";
import { modelSummary } from "../../architecture/summary.ts";
import { EXIT, VramCalcError } from "../../errors.ts";
import { idleNote } from "../../estimate/idle-notes.ts";
import type { FitOptions, FitPlace } from "../../report/fit.ts";
import {
  SERVING_UNKNOWNS,
  type ServingUnknown,
  TRAINING_UNKNOWNS,
  type TrainingUnknown,
} from "../../solve/unknowns.ts";
import { type LoadedModel, loadModel } from "../../sources/load-model.ts";
import type { Bytes } from "../../units.ts";
import { besideOf } from "../beside.ts";
import { addBothSides, type BothSidesFlags, refuseOtherSide } from "../both-sides.ts";
import type { Io } from "../io.ts";
import { type Limit, limitNotes, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import {
  assumeFamilyOption,
  budgetOption,
  explainOption,
  fieldOption,
  gpuOption,
  jsonOption,
  parsePositive,
} from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import { estimateOptionsOf } from "../serve-flags.ts";
import type { Session } from "../session.ts";
import { trainRequestOf } from "../training-request.ts";
import type { DefineCommand } from "./command.ts";

interface FitFlags extends BothSidesFlags {
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly gpus?: number;
  readonly train?: true;
  readonly solve?: ServingUnknown | TrainingUnknown;
  readonly explain?: true;
  readonly json?: true;
  readonly field?: string;
  readonly assumeFamily?: string;
}

const UNKNOWNS = [...new Set([...SERVING_UNKNOWNS, ...TRAINING_UNKNOWNS])];

/** `vram-calc fit <model> --gpu rtx-4090 [--solve context]`, and with `--train` the same for training. */
export const defineFit: DefineCommand = (command, session) => {
  command
    .argument("<model>", "count, catalogue name, path or hub id")
    .addOption(gpuOption())
    .addOption(budgetOption())
    .addOption(
      new Option("--gpus <n>", "equal cards there are, or the most that --solve gpus may take").argParser(
        parsePositive,
      ),
    )
    .addOption(
      new Option(
        "--solve <what>",
        "the unknown; default: a grid of formats and contexts, and with --train a plan",
      ).choices(UNKNOWNS),
    )
    .option("--train", "ask about training: gpus, micro-batch, seq or plan")
    .addOption(assumeFamilyOption())
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption());
  addBothSides(command, { training: "Options with --train:" });
  command.action((reference: string, flags: FitFlags) => {
    refuseOtherSide(command, flags.train === true ? "train" : "serve", "--train");
    return runFit(reference, flags, session);
  });
};

async function runFit(reference: string, flags: FitFlags, session: Session): Promise<void> {
  const limit = await limitOf(flags, session.io);
  if (limit === null) {
    throw new VramCalcError("bad-option", {
      option: "fit",
      given: "no limit",
      expected: "--gpu NAME or --budget SIZE",
    });
  }
  const counted = withCount(limit, flags.gpus);
  const loaded = await loadModel(reference, loadOptionsOf(session.io, { assumeFamily: flags.assumeFamily }));
  const fits = flags.train === true ? runTraining : runServing;
  if (!(await fits(loaded, flags, { limit: counted, session }))) session.exit(EXIT.overBudget);
}

interface CountedLimit extends Limit {
  /** A number of cards was asked for. */
  readonly counted: boolean;
}

function withCount(limit: Limit, gpus: number | undefined): CountedLimit {
  if (gpus === undefined) return { ...limit, counted: limit.count > 1 };
  if (limit.count > 1 && limit.count !== gpus) {
    throw new VramCalcError("bad-option", {
      option: "--gpus",
      given: String(gpus),
      expected: `the ${limit.count} cards of --gpu, or --gpu with one card`,
    });
  }
  if (gpus > MOST_GPUS) {
    throw new VramCalcError("bad-option", {
      option: "--gpus",
      given: String(gpus),
      expected: `at most ${MOST_GPUS} cards`,
    });
  }
  return { ...limit, count: gpus, counted: true };
}

const MOST_GPUS = 65_536;

interface Place {
  readonly limit: CountedLimit;
  readonly session: Session;
}

async function runServing(
  loaded: LoadedModel,
  flags: FitFlags,
  { limit, session: { io } }: Place,
): Promise<boolean> {
  const unknown = unknownOf(
    flags.solve,
    SERVING_UNKNOWNS,
    "of serving; micro-batch, seq and plan take --train",
  );
  const { fit } = await import("../../solve/serving-answer.ts");
  const report = await import("../../report/fit-serving.ts");
  // The number of cards is the unknown: it bounds the search instead of dividing the model.
  const cards = unknown === "gpus" || unknown === "tp";
  const options = {
    ...estimateOptionsOf(flags, loaded, cards ? { ...limit, count: 1 } : limit),
    ...(await besideOf(flags, loadOptionsOf(io))),
  };
  const input = { model: loaded.architecture, options, budgetBytes: limit.bytes };
  const answer = fit(cards && limit.counted ? { ...input, mostDevices: limit.count } : input, unknown);
  const notes = [...answer.notes, ...idleUnknown(unknown, flags), ...limitNotes(limit, flags.engine)];
  const place = placeOf(loaded, limit, notes);
  if (flags.json === true || flags.field !== undefined)
    printJson(io, report.servingFitJson(place, answer), flags.field);
  else io.stdout(report.servingFitText(place, answer, await textOptions(io, flags)));
  return answer.fits;
}

async function runTraining(
  loaded: LoadedModel,
  flags: FitFlags,
  { limit, session: { io } }: Place,
): Promise<boolean> {
  const unknown =
    unknownOf(flags.solve, TRAINING_UNKNOWNS, "of training; the others go without --train") ?? "plan";
  const { fitTraining } = await import("../../solve/training-answer.ts");
  const report = await import("../../report/fit-training.ts");
  const fixed = unknown === "micro-batch" || unknown === "seq";
  const request = trainRequestOf(
    fixed && limit.counted ? { ...flags, dp: replicasOf(flags, limit.count) } : flags,
  );
  const input = { model: loaded.architecture, request, budgetBytes: limit.bytes };
  const answer = fitTraining(!fixed && limit.counted ? { ...input, devices: limit.count } : input, unknown);
  const notes = [...answer.notes, ...idleUnknown(unknown, flags), ...limit.notes];
  const place = placeOf(loaded, limit, notes);
  if (flags.json === true || flags.field !== undefined)
    printJson(io, report.trainingFitJson(place, answer), flags.field);
  else io.stdout(report.trainingFitText(place, answer, await textOptions(io, flags)));
  return answer.fits;
}

const textOptions = async (io: Io, { explain }: FitFlags): Promise<FitOptions> => ({
  columns: io.columns,
  explain: explain === true,
  paint: await painterFor(io),
});

/** The unknown, if it is one of this side. */
function unknownOf<T extends string>(
  solve: string | undefined,
  known: readonly T[],
  which: string,
): T | undefined {
  if (solve === undefined) return undefined;
  const found = known.find((name) => name === solve);
  if (found !== undefined) return found;
  throw new VramCalcError("bad-option", {
    option: "--solve",
    given: solve,
    expected: `an unknown ${which}`,
  });
}

/** The flag that says what is solved for: its value is the answer, not what was typed. */
const SOLVED: { readonly [solved in ServingUnknown | TrainingUnknown]?: keyof FitFlags } = {
  context: "context",
  batch: "batch",
  format: "dtype",
  tp: "tp",
  "micro-batch": "microBatch",
  seq: "seq",
};

function idleUnknown(
  unknown: ServingUnknown | TrainingUnknown | undefined,
  flags: FitFlags,
): readonly Note[] {
  const flag = unknown === undefined ? undefined : SOLVED[unknown];
  if (flag === undefined || flags[flag] === undefined) return [];
  const option = `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return [idleNote(option, `another unknown than --solve ${unknown}, which finds its value`)];
}

/** Data-parallel ranks that are left when the other degrees have taken their part of the cards. */
function replicasOf({ tp = 1, pp = 1, cp = 1, dp }: FitFlags, cards: number): number {
  const ranks = cards / (tp * pp * cp);
  if (Number.isInteger(ranks) && (dp === undefined || dp === ranks)) return ranks;
  throw new VramCalcError("bad-option", {
    option: "--gpus",
    given: `${cards} cards`,
    expected: `a multiple of tp ${tp} x pp ${pp} x cp ${cp}${dp === undefined ? "" : `, times dp ${dp}`}`,
  });
}

function placeOf(loaded: LoadedModel, limit: CountedLimit, notes: readonly Note[]): FitPlace {
  return {
    model: modelSummary(loaded),
    architecture: loaded.architecture,
    budgetBytes: limit.bytes,
    ...(limit.gpu === undefined ? {} : { gpu: limit.gpu }),
    ...(limit.counted ? { devices: limit.count } : {}),
    notes: [...loaded.notes, ...notes],
  };
}
