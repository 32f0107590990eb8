import { modelSummary } from "../../architecture/summary.ts";
import { checkBudget } from "../../budget.ts";
import { EXIT } from "../../errors.ts";
import { train } from "../../estimate/train.ts";
import { onCards } from "../../estimate/train-on-cards.ts";
import { trainReliefs } from "../../estimate/train-reliefs.ts";
import type { Units } from "../../report/size-text.ts";
import { type TrainReport, trainJson, trainTable } from "../../report/train.ts";
import { loadModel } from "../../sources/load-model.ts";
import type { Bytes } from "../../units.ts";
import { limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import {
  assumeFamilyOption,
  budgetOption,
  explainOption,
  fieldOption,
  gpuOption,
  jsonOption,
  unitsOption,
} from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import type { Session } from "../session.ts";
import { addTrainOptions, type TrainFlags } from "../train-flags.ts";
import { trainRequestOf } from "../training-request.ts";
import type { DefineCommand } from "./command.ts";

interface Flags extends TrainFlags {
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly units: Units;
  readonly explain?: true;
  readonly json?: true;
  readonly field?: string;
  readonly assumeFamily?: string;
}

/** `vram-calc train <model>`. */
export const defineTrain: DefineCommand = (command, session) => {
  addTrainOptions(command.argument("<model>", "count, catalogue name, path or hub id"))
    .addOption(gpuOption())
    .addOption(budgetOption())
    .addOption(assumeFamilyOption())
    .addOption(unitsOption())
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption())
    .action((reference: string, flags: Flags) => runTrain(reference, flags, session));
};

async function runTrain(reference: string, flags: Flags, { io, exit }: Session): Promise<void> {
  const limit = await limitOf(flags, io);
  const { assumeFamily } = flags;
  const loaded = await loadModel(reference, loadOptionsOf(io, { assumeFamily, shapesOnly: true }));
  const model = loaded.architecture;
  const { request: asked, notes: cardNotes } = onCards(trainRequestOf(flags), limit);
  const result = train(model, asked);
  const budget = limit === null ? undefined : checkBudget(result, limit);
  const report: TrainReport = {
    model: modelSummary(loaded),
    architecture: model,
    result,
    reliefs: trainReliefs(model, asked, result),
    ...(budget === undefined ? {} : { budget }),
    notes: [...loaded.notes, ...result.notes, ...cardNotes, ...(limit?.notes ?? [])],
  };
  if (flags.json === true || flags.field !== undefined) printJson(io, trainJson(report), flags.field);
  else
    io.stdout(
      trainTable(report, {
        columns: io.columns,
        units: flags.units,
        explain: flags.explain === true,
        paint: await painterFor(io),
      }),
    );
  if (budget?.fits === false) exit(EXIT.overBudget);
}
