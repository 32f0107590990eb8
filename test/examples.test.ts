/** Docstring examples are run: `@example expression // value`, with the names that a reader would have at hand. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { catalogueArchitecture, catalogueNames, findCatalogueEntry } from "../src/architecture/catalogue.ts";
import { numberFormat } from "../src/formats/codec.ts";
import { formatByName } from "../src/formats/format-names.ts";
import { STORAGE_FORMATS } from "../src/formats/storage-formats.ts";
import * as library from "../src/index.ts";
import * as sources from "../src/sources.ts";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && file !== "cli/bin.ts");

interface Example {
  readonly file: string;
  /** The function whose docstring it stands in. */
  readonly name: string;
  readonly expression: string;
  readonly value: string;
}

const DOCSTRING = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:async )?(?:function|const) (\w+)/g;

function examplesIn(file: string): Example[] {
  const text = readFileSync(root + file, "utf8");
  return [...text.matchAll(DOCSTRING)].flatMap(([, comment = "", name = ""]) =>
    [...comment.matchAll(/@example (.+?) \/\/ (.+)$/gm)].map(([, expression = "", value = ""]) => ({
      file,
      name,
      expression,
      value,
    })),
  );
}

const bare = (name: string): string => name.replaceAll(/[^a-z0-9]/g, "");

/** `llama_3_1_8b` is the catalogue's llama-3.1-8b and `q4_k` the format; nothing else is made up. */
function named(word: string, file: string): unknown {
  const model = catalogueNames().find((name) => bare(name) === bare(word));
  if (model !== undefined) return catalogueArchitecture(findCatalogueEntry(model)!.entry);
  const format = [...STORAGE_FORMATS.keys()].find((id) => bare(id) === bare(word));
  if (format === undefined) return undefined;
  return file.startsWith("formats/float") ? numberFormat(format) : formatByName(format);
}

/** The value that the comment begins with; what follows it is the arithmetic. */
function stated(value: string): unknown {
  const literal =
    /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\[.*\]|\{.*\}|-?[\w.]+(?:e[+-]?\d+)?)/.exec(value)?.[0];
  if (literal === undefined) throw new SyntaxError(`no value in "${value}"`);
  return new Function(`return (${literal})`)();
}

async function run({
  file,
  expression,
  value,
}: Example): Promise<{ readonly got: unknown; readonly told: unknown }> {
  const scope: Record<string, unknown> = { ...library, ...(await import(root + file)) };
  for (const word of expression.replaceAll(/"[^"]*"/g, "").match(/\b[a-z]\w*\b/g) ?? [])
    scope[word] ??= named(word, file);
  const names = Object.keys(scope).filter((name) => scope[name] !== undefined);
  const compute = new Function(...names, `return (async () => (${expression}))()`);
  return { got: await compute(...names.map((name) => scope[name])), told: stated(value) };
}

const examples = files.flatMap(examplesIn);
const functionsOf = (entry: object): string[] =>
  Object.entries(entry).flatMap(([name, value]) =>
    typeof value === "function" && name !== "VramCalcError" ? [name] : [],
  );

describe("every public function has an example", () => {
  test.for([...functionsOf(library), ...functionsOf(library.formats), ...functionsOf(sources)])(
    "%s",
    (name) => {
      expect(examples.filter((example) => example.name === name)).not.toEqual([]);
    },
  );
});

/** An example with dots leaves something out, and is for a reader alone. */
const isSketch = ({ expression }: Example): boolean => expression.includes("...");

describe("examples give what they say", () => {
  test("most examples can be run", () => {
    expect(examples.filter((example) => !isSketch(example)).length).toBeGreaterThan(0.7 * examples.length);
  });
  test.for(examples.filter((example) => !isSketch(example)))("$file: $expression", async (example) => {
    const { got, told } = await run(example);
    expect(got).toEqual(told);
  });
});
