/** What a validation found, as one place and one sentence. */
import type * as z from "zod/mini";
import type { OptionSpec } from "../check/option-spec.ts";
import { type MapNode, type Node, placeOf, placeOfKey } from "../check/text/node.ts";
import { badBudgets, EXAMPLE_FILE, EXAMPLE_ROW, quoted, type TextFile } from "../check/text/place.ts";
import { nearestNames, type VramCalcError } from "../errors.ts";

type Issue = z.core.$ZodIssue;

const EXAMPLES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    model: '"model": "qwen2.5-14b"',
    use: '"use": "train"',
    gpu: '"gpu": "l40s"',
    budget: '"budget": "24GiB"',
    headroom: '"headroom": "5%"',
    gate: '"gate": "high"',
    name: '"name": "chat at 8k"',
    matrix: '"matrix": { "context": ["8k", "32k"] }',
    defaults: '"defaults": { "gpu": "l40s" }',
    budgets: `"budgets": [${EXAMPLE_ROW}]`,
  }),
);

/** What may stand for an option that is no choice: most are numbers. */
const VALUES: { readonly [option: string]: string } = {
  dtype: '"q4_k_m"',
  kvDtype: '"fp8"',
  context: '"8k"',
  seq: '"4k"',
  engine: '"vllm"',
  lora: '"r=16,n=8"',
  set: '{ "ngl": 20 }',
  images: '"2@1280x720"',
  draft: '"qwen2.5-0.5b"',
  mmproj: '"mmproj.gguf"',
  optimizer: '"adamw-8bit"',
  checkpointing: '"full"',
  loraTargets: '"attention"',
  loraDropout: "0.1",
};

/** The first issue in the order of the text, as the error to throw. */
export function budgetsError(
  source: TextFile,
  root: Node,
  issues: readonly Issue[],
  known: { readonly options: readonly OptionSpec[]; readonly fields: readonly string[] },
): VramCalcError<"bad-budgets"> {
  const placed = issues.map((issue) => ({ issue, at: offsetOf(root, issue) }));
  // A key that is missing comes last: a misspelt one explains it.
  const rank = (issue: Issue): number =>
    issue.code === "unrecognized_keys" || nodeAt(root, issue.path) !== undefined ? 0 : 1;
  const first = placed.reduce((a, b) => {
    const order = rank(b.issue) - rank(a.issue);
    return order < 0 || (order === 0 && b.at < a.at) ? b : a;
  });
  const { problem, example } = sentenceOf(first.issue, root, known);
  return badBudgets(source, first.at, problem, example);
}

function offsetOf(root: Node, issue: Issue): number {
  return issue.code === "unrecognized_keys"
    ? issue.keys.reduce(
        (least, key) => Math.min(least, placeOfKey(root, issue.path, key)),
        Number.POSITIVE_INFINITY,
      )
    : placeOf(root, issue.path);
}

function sentenceOf(
  issue: Issue,
  root: Node,
  known: { readonly options: readonly OptionSpec[]; readonly fields: readonly string[] },
): { readonly problem: string; readonly example: string } {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") return unknownKey(issue, root, known);
  const node = nodeAt(root, path);
  const key = path.findLast((step) => typeof step === "string");
  if (key === undefined)
    return {
      problem: `found ${nodeText(node)}, expected a map with the key "budgets"`,
      example: EXAMPLE_FILE,
    };
  const example = EXAMPLES.get(key) ?? exampleOf(key, known.options);
  if (node === undefined) return { problem: `the key "${key}" is missing`, example };
  if (typeof path.at(-1) === "number" && key === "budgets")
    return { problem: `found ${nodeText(node)}, expected a row: a map`, example: EXAMPLE_ROW };
  if (node.kind === "list" && node.items.length > 0 && path.at(-2) !== "matrix" && known.fields.includes(key))
    return {
      problem: `"${key}" is a list, expected one value; several go into "matrix", and the row stands for each`,
      example: `"matrix": { "${key}": [${node.items.slice(0, 3).map(itemText).join(", ")}] }`,
    };
  const expected =
    node.kind !== "map" && (key === "matrix" || key === "defaults")
      ? "a map of fields"
      : expectedOf(key, issue, known.options);
  return { problem: `"${key}" is ${nodeText(node)}, expected ${expected}`, example };
}

function unknownKey(
  issue: Extract<Issue, { code: "unrecognized_keys" }>,
  root: Node,
  { options, fields }: { readonly options: readonly OptionSpec[]; readonly fields: readonly string[] },
): { readonly problem: string; readonly example: string } {
  const key = issue.keys.reduce((a, b) =>
    placeOfKey(root, issue.path, b) < placeOfKey(root, issue.path, a) ? b : a,
  );
  const names = issue.path.length === 0 ? ["budgets", "defaults", "$schema"] : [...fields, "name", "matrix"];
  const top = issue.path.length === 0;
  // A key of a row stands outside one.
  const own = [key, key.replaceAll("_", "-")].find((name) => fields.includes(name));
  const value = nodeAt(root, [...issue.path, key]);
  if (top && own !== undefined && value?.kind !== "list") {
    const all = root.kind === "map" && root.members.has("budgets");
    return {
      problem: `${quoted(key)} is a field of a row; ${all ? 'for all rows it goes into "defaults"' : 'rows stand in the list "budgets"'}`,
      example: all ? `"defaults": { ${EXAMPLES.get(own) ?? exampleOf(own, options)} }` : EXAMPLE_FILE,
    };
  }
  const dashed = names.find((name) => name === key.replaceAll("_", "-"));
  const near = dashed ?? nearestNames(key, names, 1)[0];
  return {
    problem: `unknown key ${quoted(key)}${near === undefined ? "" : `, did you mean "${near}"?`}`,
    example: top ? EXAMPLE_FILE : EXAMPLE_ROW,
  };
}

function nodeAt(root: Node, path: readonly PropertyKey[]): Node | undefined {
  let here: Node | undefined = root;
  for (const step of path) {
    if (here?.kind === "map") here = (here as MapNode).members.get(String(step))?.node;
    else if (here?.kind === "list") here = here.items[Number(step)];
    else return undefined;
  }
  return here;
}

const itemText = (node: Node): string =>
  node.kind === "scalar" ? JSON.stringify(node.value).slice(0, 40) : "...";

function nodeText(node: Node | undefined): string {
  switch (node?.kind) {
    case undefined:
      return "nothing";
    case "list":
      return node.items.length === 0 ? "an empty list" : "a list";
    case "map":
      return "a map";
    case "scalar":
      return typeof node.value === "string"
        ? node.value === ""
          ? "empty"
          : quoted(node.value)
        : String(node.value);
  }
}

function expectedOf(key: string, issue: Issue, options: readonly OptionSpec[]): string {
  if (key === "budgets") return "a list of at least one row";
  if (key === "name" || key === "$schema") return "text";
  const inMatrix = issue.path.at(-2) === "matrix";
  if (inMatrix) return "a list of at least one value";
  if (issue.code === "invalid_value") return issue.values.map(String).join(" or ");
  const option = options.find((o) => o.key === key || o.name === key);
  if (option?.takes === "switch") return "true or false";
  return option?.takes === "pairs" ? "text or a map" : "text or a number";
}

function exampleOf(key: string, options: readonly OptionSpec[]): string {
  const option = options.find((o) => o.key === key || o.name === key);
  if (option?.takes === "switch") return `"${key}": true`;
  if (option?.choices?.[0] !== undefined) return `"${key}": "${option.choices[0]}"`;
  return option === undefined ? EXAMPLE_ROW : `"${key}": ${VALUES[option.key] ?? "2"}`;
}
