/** Writes a first budgets file from the models that lie in a directory. */
import { existsSync, readdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VramCalcError } from "../../errors.ts";
import { estimate } from "../../estimate/estimate.ts";
import { COMMON_CARDS } from "../../hardware/common-cards.ts";
import { loadModel } from "../../sources/load-model.ts";
import { GiB } from "../../units.ts";
import type { Io } from "../io.ts";
import { loadOptionsOf } from "../load.ts";
import { PACKAGE_KEY } from "./budget-rows.ts";
import { BUDGET_FILES, budgetFilesIn, manifestIn } from "./find-file.ts";

/** Models that a first file lists; a directory with more is sampled by name. */
const MOST_MODELS = 20;
const EXAMPLE_MODEL = "qwen2.5-14b";

interface FirstRow {
  readonly model: string;
  readonly gpu?: string;
  readonly budget?: string;
  readonly context?: number;
}

/**
 * Writes vram-budget.json, a row per model found, each with the smallest common card that holds it.
 *
 * @returns what to tell the user
 * @throws bad-option when the directory has a budgets file; it is never overwritten
 */
export async function initBudgets(io: Io): Promise<string> {
  const [name] = BUDGET_FILES;
  const there = budgetFilesIn(io.cwd)[0];
  if (there !== undefined) throw exists(there);
  // A file beside the key would be read in its place.
  if ((await manifestIn(io.cwd, io.cwd)) !== null) throw exists(`budgets in package.json (${PACKAGE_KEY})`);
  const found = modelsIn(io.cwd);
  const rows: FirstRow[] = [];
  const skipped: string[] = [];
  for (const model of found.length === 0 ? [EXAMPLE_MODEL] : found) {
    const row = await firstRow(model, io);
    if (row === null) skipped.push(model);
    else rows.push(row);
  }
  if (rows.length === 0) rows.push((await firstRow(EXAMPLE_MODEL, io))!);
  await writeNew(join(io.cwd, name), budgetsText(rows, io.cwd), name);
  const what = found.length === 0 || rows[0]!.model === EXAMPLE_MODEL ? "an example row" : listed(rows);
  const left = skipped.length === 0 ? "" : `; left out, because it cannot be sized: ${skipped.join(", ")}`;
  return `wrote ${name} with ${what}${left}\nvram-calc check runs it\n`;
}

const listed = (rows: readonly FirstRow[]): string => rows.map((row) => row.model).join(", ");

/** Models in the directory, and in the folders of it. */
function modelsIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const models = modelFiles(entries.map(({ name }) => name)).map((name) =>
    name === "config.json" ? "." : `./${name}`,
  );
  for (const entry of entries) {
    if (models.length >= MOST_MODELS) break;
    if (!entry.isDirectory() || entry.name === "node_modules" || entry.name.startsWith(".")) continue;
    for (const name of modelFiles(namesIn(join(folder, entry.name))))
      models.push(name === "config.json" ? `./${entry.name}` : `./${entry.name}/${name}`);
  }
  return models.slice(0, MOST_MODELS);
}

const modelFiles = (names: readonly string[]): string[] =>
  names
    .filter((name) => name === "config.json" || /\.gguf$/i.test(name))
    // Of a split file the first part stands for all.
    .filter((name) => !/-(?!00001-of-)\d{5}-of-\d{5}\.gguf$/i.test(name));

/** A folder that may not be listed holds no models for us. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

async function firstRow(model: string, io: Io): Promise<FirstRow | null> {
  try {
    const reference = model === EXAMPLE_MODEL ? model : join(io.cwd, model);
    const { architecture, stored } = await loadModel(reference, loadOptionsOf(io));
    const { total, request } = estimate(architecture, stored === undefined ? {} : { stored });
    const cards = COMMON_CARDS.filter((card) => card.usableBytes >= total.high);
    const card = cards.toSorted((a, b) => a.usableBytes - b.usableBytes)[0];
    const limit = card === undefined ? { budget: `${Math.ceil(total.high / GiB)}GiB` } : { gpu: card.id };
    return { model, ...limit, ...(request.context === null ? {} : { context: request.context }) };
  } catch (error) {
    if (error instanceof VramCalcError) return null;
    throw error;
  }
}

function budgetsText(rows: readonly FirstRow[], folder: string): string {
  const schema = schemaPath(folder);
  const lines = rows.map((row) => `    ${JSON.stringify(row, null, 1).replace(/\n\s*/g, " ")}`);
  return `{\n${schema === null ? "" : `  "$schema": ${JSON.stringify(schema)},\n`}  "budgets": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** The schema of the package where it is installed here or above, so that editors complete the file. */
function schemaPath(folder: string): string | null {
  const path = "node_modules/vram-calc/dist/schema/budgets.json";
  for (let up = "./", at = folder; ; at = dirname(at), up = up === "./" ? "../" : `${up}../`) {
    if (existsSync(join(at, path))) return `${up}${path}`;
    if (dirname(at) === at) return null;
  }
}

async function writeNew(path: string, text: string, name: string): Promise<void> {
  try {
    const handle = await open(path, "wx");
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw exists(name);
    if (code === undefined) throw error;
    throw new VramCalcError("unreadable-path", {
      path: name,
      reason: `it cannot be written (${code})`,
      hint: "change to a directory of yours",
    });
  }
}

function exists(name: string): VramCalcError {
  return new VramCalcError("bad-option", {
    option: "--init",
    given: `a directory with ${name}`,
    expected: "one without a budgets file: edit that one, or move it away",
  });
}
