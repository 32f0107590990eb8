import { checkBudget } from "../../budget.ts";
import { EXIT, VramCalcError } from "../../errors.ts";
import { type EstimateOptions, estimate } from "../../estimate/estimate.ts";
import { type ComparedRow, comparisonJson, comparisonTable } from "../../report/compare.ts";
import { type LoadedModel, loadModel } from "../../sources/load-model.ts";
import { type Bytes, parseTokens, type Tokens } from "../../units.ts";
import { type Limit, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import {
  batchOption,
  budgetOption,
  fieldOption,
  gpuOption,
  jsonOption,
  kvDtypeOption,
  listOf,
  parsed,
} from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import { estimateOptionsOf } from "../serve-flags.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

interface CompareFlags {
  readonly dtype?: readonly string[];
  readonly context?: readonly Tokens[];
  readonly batch?: number;
  readonly kvDtype?: string;
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly units: "GB" | "GiB";
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
      "contexts, separated by commas; k is 1024 (default: 4096)",
      parsed((text) => listOf(text).map(parseTokens)),
    )
    .addOption(batchOption())
    .addOption(kvDtypeOption())
    .addOption(gpuOption())
    .addOption(budgetOption())
    .option("--units <unit>", "GB (10^9) or GiB (2^30)", unitOf, "GiB")
    .addOption(jsonOption())
    .addOption(fieldOption())
    .action((references: readonly string[], flags: CompareFlags) => compare(references, flags, session));
};

function unitOf(text: string): "GB" | "GiB" {
  if (text === "GB" || text === "GiB") return text;
  throw new VramCalcError("bad-option", { option: "--units", given: `"${text}"`, expected: "GB or GiB" });
}

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
  const rows: ComparedRow[] = [];
  for (const reference of references) {
    const loaded = await loadModel(reference, loadOptionsOf(io));
    for (const dtype of dtypes)
      for (const contextTokens of contexts) rows.push(rowOf(loaded, { dtype, contextTokens, flags, limit }));
  }
  if (flags.json === true || flags.field !== undefined) printJson(io, comparisonJson(rows), flags.field);
  else
    io.stdout(
      comparisonTable(rows, { columns: io.columns, units: flags.units, paint: await painterFor(io) }),
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
  },
): ComparedRow {
  const { flags, limit } = at;
  const options: EstimateOptions = {
    ...estimateOptionsOf({ ...flags, dtype: undefined, context: undefined }, loaded, limit),
    ...(at.dtype === undefined ? {} : { dtype: at.dtype }),
    ...(at.contextTokens === undefined ? {} : { contextTokens: at.contextTokens }),
  };
  const outcome = estimate(loaded.architecture, options);
  return {
    model: loaded.id,
    parameters: loaded.architecture.parameters.total,
    dtype: outcome.request.dtype,
    contextTokens: outcome.request.context!,
    batch: outcome.request.batch!,
    terms: outcome.devices[0]!.terms,
    total: outcome.total,
    ...(limit === null ? {} : { budget: checkBudget(outcome, limit) }),
  };
}
