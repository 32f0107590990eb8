/** Sizes the rows of a budgets file: each model loaded once, several at a time, forgotten after its last row. */

import { existsSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { type ModelFacts, modelFacts, modelSummary } from "../../architecture/summary.ts";
import type { Gate } from "../../budget.ts";
import { type CheckedRow, judge, rowTerm } from "../../check/result.ts";
import { badBudgets, EXAMPLE_ROW, type Place, placesIn, type TextFile } from "../../check/text/place.ts";
import { VramCalcError } from "../../errors.ts";
import { worstOf } from "../../memory/term.ts";
import { type LoadedModel, loadModel } from "../../sources/load-model.ts";
import { looksLikeCount } from "../../units.ts";
import { asksNothing, type Beside, type BesideFlags, besideOf } from "../beside.ts";
import { spokenMessage } from "../engine-settings.ts";
import type { Io } from "../io.ts";
import { type Limit, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import type { BudgetRow } from "./budget-rows.ts";
import { type Sized, size } from "./uses.ts";

/** Models that are read at the same time: enough to hide the network, few enough for a small runner. */
const MOST_LOADS = 8;

export interface RunOptions {
  readonly io: Io;
  /** Path of the budgets file, which model paths start from. */
  readonly path: string;
  /** Gates every row, whatever it says. */
  readonly gate?: Gate;
}

/**
 * Sizes all rows and returns them in the order of the file.
 *
 * @throws bad-budgets at the first row, in that order, whose model or options are refused; source-unavailable
 */
export async function runRows(
  source: TextFile,
  rows: readonly BudgetRow[],
  options: RunOptions,
): Promise<readonly CheckedRow[]> {
  const limits = new Map<string, Promise<Limit | null>>();
  const besides = new Map<string, Promise<Beside>>();
  const groups = [...groupByModel(rows).values()];
  const checked = new Array<CheckedRow | undefined>(rows.length);
  const failures: { readonly index: number; readonly error: unknown }[] = [];
  const placeAt = placesIn(source.text);
  let next = 0;

  async function work(): Promise<void> {
    while (failures.length === 0 && next < groups.length) {
      const group = groups[next++]!;
      let index = group[0]!;
      try {
        const loaded = await loadRowModel(rows[index]!, options);
        const model = modelFacts(modelSummary(loaded), loaded.architecture);
        for (index of group) {
          const row = rows[index]!;
          const limit = await limitOfRow(row, limits, options.io);
          const beside = await besideRow(row, besides, options);
          checked[index] = checkRow(row, loaded, {
            model,
            limit,
            beside,
            place: placeAt(row.at),
            gate: options.gate,
          });
        }
      } catch (error) {
        failures.push({ index, error: atRow(source, rows[index]!, error) });
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(MOST_LOADS, groups.length) }, work));
  if (failures.length > 0) throw failures.reduce((a, b) => (b.index < a.index ? b : a)).error;
  return checked as CheckedRow[];
}

/** Indexes of the rows of each model, models in the order of their first row. */
function groupByModel(rows: readonly BudgetRow[]): ReadonlyMap<string, number[]> {
  const groups = new Map<string, number[]>();
  rows.forEach(({ request: { model, assumeFamily } }, index) => {
    const key = JSON.stringify([model, assumeFamily]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  });
  return groups;
}

async function loadRowModel({ request }: BudgetRow, { io, path }: RunOptions): Promise<LoadedModel> {
  const { assumeFamily } = request;
  return loadModel(modelReference(request.model, dirname(path)), loadOptionsOf(io, { assumeFamily }));
}

/** A path in a budgets file starts at its directory, wherever the command is typed. */
function modelReference(model: string, folder: string): string {
  const pathLike = /^\.{1,2}([/\\]|$)/.test(model);
  if (!pathLike && (looksLikeCount(model) || isAbsolute(model))) return model;
  const path = resolve(folder, model);
  if (!pathLike && !existsSync(path)) return model;
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : `.${sep}${short}`;
}

async function limitOfRow(
  { request }: BudgetRow,
  limits: Map<string, Promise<Limit | null>>,
  io: Io,
): Promise<Limit> {
  const { gpu, budget } = request;
  const key = gpu ?? `=${budget}`;
  let limit = limits.get(key);
  if (limit === undefined) {
    limit = limitOf(
      { ...(gpu === undefined ? {} : { gpu }), ...(budget === undefined ? {} : { budget }) },
      io,
    );
    limits.set(key, limit);
  }
  return (await limit)!;
}

/** A draft model and a projector, each pair loaded once; their paths start where those of models do. */
async function besideRow(
  { request: { flags } }: BudgetRow,
  known: Map<string, Promise<Beside>>,
  { io, path }: RunOptions,
): Promise<Beside> {
  const { draft, mmproj }: BesideFlags = flags;
  if (asksNothing({ draft, mmproj })) return {};
  const from = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : modelReference(text, dirname(path));
  const key = JSON.stringify([draft, mmproj]);
  const loading = known.get(key) ?? besideOf({ draft: from(draft), mmproj: from(mmproj) }, loadOptionsOf(io));
  known.set(key, loading);
  return loading;
}

function checkRow(
  row: BudgetRow,
  loaded: LoadedModel,
  at: {
    readonly model: ModelFacts;
    readonly beside: Beside;
    readonly limit: Limit;
    readonly place: Place;
    readonly gate: Gate | undefined;
  },
): CheckedRow {
  const { request } = row;
  const sized = size(request.use, loaded, {
    flags: request.flags,
    limit: at.limit,
    beside: at.beside,
  });
  const { total } = sized.result;
  const budget = judge(sized.result, at.limit, { gate: at.gate ?? request.gate, headroom: request.headroom });
  return {
    id: row.id,
    place: at.place,
    model: at.model,
    use: request.use,
    request: sized.result.request,
    total,
    terms: worstTerms(sized),
    budget,
    notes: sized.notes,
  };
}

function worstTerms({ result }: Sized): CheckedRow["terms"] {
  const devices: readonly (typeof result.devices)[number][] = result.devices;
  return worstOf(devices).terms.map(rowTerm);
}

/** Codes that are about the model's own files, where nothing in the row would look better. */
const ABOUT_MODEL = new Set(["malformed-file", "bad-config", "unsupported-model", "unreadable-path"]);

/** An error of a row, told at the field that it is about as far as its details show. */
function atRow(source: TextFile, row: BudgetRow, error: unknown): unknown {
  if (!(error instanceof VramCalcError)) return error;
  const fields = [...row.raw.fields];
  if (ABOUT_MODEL.has(error.code))
    return badBudgets(source, row.raw.fields.get("model")?.at ?? row.at, error.message, null);
  if (error.code === "source-unavailable") return elsewhere(source, row, error as Unavailable);
  const said = Object.values(error.details).filter((value) => typeof value === "string");
  const named = fields.find(([name]) => said.some((text) => flagOf(text) === name));
  const valued = fields.find(([, field]) => said.includes(String(field.value)));
  const at = (valued ?? named)?.[1].at ?? row.at;
  return badBudgets(source, at, spokenMessage(error), EXAMPLE_ROW);
}

type Unavailable = VramCalcError<"source-unavailable">;

/** The world's fault and not the file's, told with the place that asked for it: the cards of this machine, or a model. */
function elsewhere(source: TextFile, row: BudgetRow, { details }: Unavailable): Unavailable {
  const field = /gpu/i.test(details.source) ? "gpu" : "model";
  const { line, column } = placesIn(source.text)(row.raw.fields.get(field)?.at ?? row.at);
  return new VramCalcError("source-unavailable", {
    ...details,
    source: `${source.file}, line ${line}, column ${column}: ${details.source}`,
  });
}

/** "kvDtype" for a detail that names the flag "--kv-dtype". */
const flagOf = (text: string): string | undefined =>
  /^(?:--)?([a-z][a-z-]*)$/.exec(text)?.[1]?.replace(/-([a-z])/g, (_, c: string) => c.toUpperCase());
