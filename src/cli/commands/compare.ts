import { modelFacts, modelSummary } from "../../architecture/summary.ts";
import { checkBudget } from "../../budget.ts";
import { EXIT, VramCalcError } from "../../errors.ts";
import { estimateNoted } from "../../estimate/estimate-noted.ts";
import type { EstimateOptions } from "../../estimate/estimate-options.ts";
import { worstOf } from "../../memory/term.ts";
import { type ComparedRow, comparisonJson, comparisonTable } from "../../report/compare.ts";
import { type LoadedModel, loadModel } from "../../sources/load-model.ts";
import { type Bytes, parseTokens, type Tokens } from "../../units.ts";
import { type Beside, besideOf } from "../beside.ts";
import { addMissing } from "../both-sides.ts";
import { type Limit, limitNotes, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import {
  assumeFamilyOption,
  budgetOption,
  explainOption,
  fieldOption,
  gpuOption,
  jsonOption,
  listOf,
  parsed,
  smallUnitsOption,
} from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import { estimateOptionsOf, type ServeFlags, serveOptions } from "../serve-flags.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

interface CompareFlags extends Omit<ServeFlags, "dtype" | "context"> {
  readonly dtype?: readonly string[];
  readonly context?: readonly Tokens[];
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly assumeFamily?: string;
  readonly units: "GB" | "GiB";
  readonly explain?: true;
  readonly json?: true;
  readonly field?: string;
}

/** Rows of one comparison; more is a job for `check`. */
const MOST_ROWS = 1000;

/** `vram-calc compare A B C --dtype fp16,q4_0 --context 8k,32k`. */
export const defineCompare: DefineCommand = (command, session) => {
  command
    .argument("<models...>", "counts, catalogue names, paths or hub ids")
    .option(
      "-d, --dtype <formats>",
      "formats of the weights, separated by commas (default: as published)",
      listOf,
    )
    .option(
      "-c, --context <tokens>",
      "contexts, separated by commas; k is 1024 (default: 4096, or less if the model ends there)",
      parsed((text) => listOf(text).map(parseTokens)),
    );
  addMissing(command, serveOptions());
  command
    .addOption(gpuOption())
    .addOption(budgetOption())
    .addOption(assumeFamilyOption())
    .addOption(smallUnitsOption())
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption())
    .action((references: readonly string[], flags: CompareFlags) => compare(references, flags, session));
};

async function compare(
  references: readonly string[],
  flags: CompareFlags,
  { io, exit }: Session,
): Promise<void> {
  const dtypes: readonly (string | undefined)[] = flags.dtype ?? [undefined];
  const contexts: readonly (Tokens | undefined)[] = flags.context ?? [undefined];
  const count = references.length * dtypes.length * contexts.length;
  if (count > MOST_ROWS) {
    throw new VramCalcError("bad-option", {
      option: "compare",
      given: `${count} combinations`,
      expected: `at most ${MOST_ROWS}`,
    });
  }
  const limit = await limitOf(flags, io);
  const beside = await besideOf(flags, loadOptionsOf(io));
  const rows: ComparedRow[] = [];
  for (const reference of references) {
    const loaded = await loadModel(reference, loadOptionsOf(io, { assumeFamily: flags.assumeFamily }));
    for (const dtype of dtypes)
      for (const contextTokens of contexts)
        rows.push(rowOf(loaded, { dtype, contextTokens, flags, limit, beside }));
  }
  const comparison = { rows, notes: limitNotes(limit, flags.engine) };
  if (flags.json === true || flags.field !== undefined)
    printJson(io, comparisonJson(comparison), flags.field);
  else
    io.stdout(
      comparisonTable(comparison, {
        columns: io.columns,
        units: flags.units,
        explain: flags.explain === true,
        paint: await painterFor(io),
      }),
    );
  if (rows.some((row) => row.budget?.fits === false)) exit(EXIT.overBudget);
}

function rowOf(
  loaded: LoadedModel,
  at: {
    readonly dtype: string | undefined;
    readonly contextTokens: Tokens | undefined;
    readonly flags: CompareFlags;
    readonly limit: Limit | null;
    readonly beside: Beside;
  },
): ComparedRow {
  const { flags, limit } = at;
  const asked = { ...flags, dtype: at.dtype, context: at.contextTokens };
  const options: EstimateOptions = { ...estimateOptionsOf(asked, loaded, limit), ...at.beside };
  const outcome = estimateNoted(loaded.architecture, options);
  return {
    model: modelFacts(modelSummary(loaded), loaded.architecture),
    request: outcome.request,
    terms: worstOf(outcome.devices).terms,
    total: outcome.total,
    ...(limit === null ? {} : { budget: checkBudget(outcome, limit) }),
    notes: [...loaded.notes, ...outcome.notes],
  };
}
