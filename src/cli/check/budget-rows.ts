/** Budgets file -> rows: parse, check the shape, multiply out, read every field; each refusal with its place. */
import type { Use } from "../../check/result.ts";
import { expandRows, type RawRow, type RowField } from "../../check/rows.ts";
import { parseJsonc } from "../../check/text/jsonc.ts";
import { beyond, type MapNode, type Node, plainValue } from "../../check/text/node.ts";
import { badBudgets, EXAMPLE_FILE, EXAMPLE_ROW, type TextFile } from "../../check/text/place.ts";
import { parseYaml } from "../../check/text/yaml.ts";
import { VramCalcError } from "../../errors.ts";
import { budgetsSchema, rowFields } from "../../schema/budgets.ts";
import { budgetsError } from "../../schema/budgets-issue.ts";
import { isPrintable, requestReader, type SizeRequest, useOf } from "./request.ts";
import { canonicalName, optionOf, optionSpecs } from "./uses.ts";

/** One thing that must fit. */
export interface BudgetRow {
  /** Unique in the file. */
  readonly id: string;
  /** Offset of the row in the file. */
  readonly at: number;
  readonly request: SizeRequest;
  readonly raw: RawRow;
}

/** Values in one file: forty for each of ten thousand rows. */
const MOST_VALUES = 400_000;

/** The key of a package.json that holds a budgets file. */
export const PACKAGE_KEY = "vramBudget";

/**
 * Reads the text of a budgets file: YAML by its ending, a package.json by its key, else JSON, with comments
 * where the ending is `.jsonc`.
 *
 * @throws bad-budgets with line and column
 */
export function readBudgets(source: TextFile): readonly BudgetRow[] {
  const root = budgetsNode(source);
  const excess = beyond(root, MOST_VALUES);
  if (excess !== null)
    throw badBudgets(source, excess.at, `found more than ${MOST_VALUES} values in one file, use a "matrix"`);
  const options = optionSpecs();
  const checked = budgetsSchema(options).safeParse(plainValue(root));
  if (!checked.success)
    throw budgetsError(source, root, checked.error.issues, {
      options,
      fields: Object.keys(rowFields(options)),
    });
  const byId = new Map<string, BudgetRow>();
  for (const raw of expandRows(source, root as MapNode, canonicalName)) {
    const row = readRow(source, raw);
    if (byId.has(row.id)) {
      throw badBudgets(
        source,
        raw.at,
        `another row is called "${row.id}" too; give one of them a "name"`,
        '{ "name": "chat at 8k", "model": "qwen2.5-14b", "gpu": "l40s" }',
      );
    }
    byId.set(row.id, row);
  }
  return [...byId.values()];
}

function budgetsNode(source: TextFile): Node {
  const { file } = source;
  if (/\.ya?ml$/i.test(file)) return parseYaml(source);
  const node = parseJsonc(source, { relaxed: /\.jsonc$/i.test(file) });
  if (!/(^|[/\\])package\.json$/.test(file)) return node;
  const member = node.kind === "map" ? node.members.get(PACKAGE_KEY) : undefined;
  if (member === undefined)
    throw badBudgets(
      source,
      node.at,
      `the key "${PACKAGE_KEY}" is missing`,
      `"${PACKAGE_KEY}": ${EXAMPLE_FILE}`,
    );
  return member.node;
}

function readRow(source: TextFile, raw: RawRow): BudgetRow {
  const useField = raw.fields.get("use");
  const use = located(source, useField?.at ?? raw.at, () => useOf(useField?.value));
  const fields = applicable(source, raw, use);
  const reader = requestReader(use);
  for (const [name, field] of fields) {
    if (name !== "name") located(source, field.at, () => reader.field(name, field.value));
  }
  if (!fields.has("gpu") && !fields.has("budget"))
    throw badBudgets(source, raw.at, 'this row has no limit; add "gpu" or "budget"');
  if (!fields.has("model")) throw badBudgets(source, raw.at, 'this row has no "model"');
  const request = located(source, raw.at, () => reader.finish());
  return { id: idOf(source, raw, fields, request), at: raw.at, request, raw };
}

/**
 * The fields that apply: what the defaults say gives way where the row says something that excludes it or is
 * for another use. Two fields of the row itself that exclude each other are an error.
 */
function applicable(source: TextFile, raw: RawRow, use: Use): ReadonlyMap<string, RowField> {
  const fields = new Map(raw.fields);
  for (const [name, field] of raw.fields) {
    const option = optionOf(use, name);
    const otherUse = use === "serve" ? "train" : "serve";
    if (option === undefined && optionOf(otherUse, name) !== undefined && !field.own) fields.delete(name);
    // A switch that is off excludes nothing.
    for (const other of field.value === false ? [] : excludedBy(use, name)) {
      const rival = fields.get(other);
      if (rival === undefined || !fields.has(name)) continue;
      if (field.own === rival.own) {
        throw badBudgets(source, field.at, `"${name}" and "${other}" exclude each other; keep one of them`);
      }
      fields.delete(field.own ? other : name);
    }
  }
  return fields;
}

function excludedBy(use: Use, name: string): readonly string[] {
  if (name === "gpu") return ["budget"];
  const option = optionOf(use, name) as { readonly conflictsWith?: readonly string[] } | undefined;
  return option?.conflictsWith ?? [];
}

/** Runs a reader and says where the field that it refuses stands. */
function located<T>(source: TextFile, at: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof VramCalcError) throw badBudgets(source, at, error.message, EXAMPLE_ROW);
    throw error;
  }
}

/** Fields that an id does not repeat: it says what is asked, and where it must fit. */
const NOT_IN_ID = new Set(["name", "model", "use", "gpu", "budget", "headroom", "gate"]);

/** "chat: context 32k" for a named row of a matrix, else "qwen2.5-14b, context 32k on l40s". */
function idOf(
  source: TextFile,
  raw: RawRow,
  fields: ReadonlyMap<string, RowField>,
  request: SizeRequest,
): string {
  const words = (names: Iterable<string>): string[] =>
    [...names].map((name) => {
      const value = fields.get(name)?.value;
      return value === true ? name : `${name} ${fieldText(value)}`;
    });
  const name = fields.get("name")?.value;
  if (typeof name === "string") {
    if (name.trim() === "" || name.length > 200 || !isPrintable(name))
      throw badBudgets(
        source,
        fields.get("name")!.at,
        "this name cannot be printed on a line",
        '"name": "chat at 8k"',
      );
    return raw.varied.length === 0
      ? name
      : `${name}: ${words(raw.varied.filter((v) => fields.has(v))).join(", ")}`;
  }
  const asked = words([...fields.keys()].filter((field) => !NOT_IN_ID.has(field)).sort());
  const what = [request.use === "train" ? `train ${request.model}` : request.model, ...asked].join(", ");
  return `${what} on ${request.gpu ?? fieldText(fields.get("budget")?.value)}`;
}

function fieldText(value: unknown): string {
  const text =
    value !== null && typeof value === "object"
      ? Object.entries(value)
          .map(([name, part]) => `${name}=${part}`)
          .join(",")
      : String(value);
  return isPrintable(text) ? text : JSON.stringify(text).replace(/[^\x20-\x7e]/g, "?");
}
