import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readBudgets } from "../../src/cli/check/budget-rows.ts";
import { VramCalcError } from "../../src/errors.ts";
import { cases, fc } from "../properties.ts";
import { timeLimit } from "../time-limit.ts";
import { refusalOf } from "./refusal.ts";

const rowsOf = (text: string, file = "vram-budget.yaml") => readBudgets({ file, text });
const idsOf = (text: string, file?: string): string[] => rowsOf(text, file).map((row) => row.id);

describe("the rows of a budgets file", () => {
  test("options have the names of the flags, in either spelling, and read alike as text and number", () => {
    const rows = [
      "- {model: 14B, gpu: l40s, kv-dtype: fp8, context: 8k, batch: 4}",
      "- {name: b, model: 14B, gpu: l40s, kvDtype: fp8, context: 8192, batch: '4'}",
    ].map((row) => rowsOf(`budgets:\n${row}\n`)[0]!.request);
    expect(rows[0]!.flags).toEqual({ kvDtype: "fp8", context: 8192, batch: 4 });
    expect(rows[1]!.flags).toEqual(rows[0]!.flags);
  });

  test("a matrix of 2 contexts x 3 cards is 6 rows, the last axis turning fastest", () => {
    const text =
      "budgets:\n- name: chat\n  model: 14B\n  matrix: {context: [8k, 32k], gpu: [l4, l40s, h100]}\n";
    expect(idsOf(text)).toEqual([
      "chat: context 8k, gpu l4",
      "chat: context 8k, gpu l40s",
      "chat: context 8k, gpu h100",
      "chat: context 32k, gpu l4",
      "chat: context 32k, gpu l40s",
      "chat: context 32k, gpu h100",
    ]);
  });

  test("10,000 rows are read; 10,001 are refused before they are made", () => {
    const list = (n: number): string => JSON.stringify(Array.from({ length: n }, (_, i) => i + 1));
    const text = (a: number, b: number): string =>
      `{"budgets": [{"model": "14B", "gpu": "l4", "matrix": {"batch": ${list(a)}, "context": ${list(b)}}}]}`;
    expect(rowsOf(text(100, 100), "a.json")).toHaveLength(10_000);
    expect(refusalOf(() => rowsOf(text(10_001, 1), "a.json"))).toMatch(
      /a matrix of 10001 rows, expected at most 10000/,
    );
    expect(refusalOf(() => rowsOf(text(5000, 5000), "a.json"))).toMatch(/a matrix of 25000000 rows/);
  });

  test("defaults fill in, give way to what a row says, and to what it excludes", () => {
    const text = `
defaults: {gpu: l40s, context: 8k, headroom: 5%, micro-batch: 2}
budgets:
  - model: 7B
  - {model: 7B, budget: 24GiB, headroom: 1GiB}
  - {model: 7B, weights-only: true}
  - {model: 7B, use: train}
`;
    const [plain, own, weights, training] = rowsOf(text).map((row) => row.request);
    expect(plain).toMatchObject({ gpu: "l40s", headroom: { share: 0.05 }, flags: { context: 8192 } });
    expect(own).toMatchObject({ budget: 24 * 2 ** 30, headroom: { bytes: 2 ** 30 } });
    expect(own).not.toHaveProperty("gpu");
    expect(weights!.flags).toEqual({ weightsOnly: true });
    expect(training!.flags).toEqual({ microBatch: 2 });
  });

  test("one example reads the same in JSON, JSONC, YAML and package.json", () => {
    const json =
      '{ "budgets": [{ "model": "qwen2.5-14b", "gpu": "l40s", "set": { "ngl": 20, "fa": false } }] }';
    const yaml =
      "budgets:\n  - model: qwen2.5-14b\n    gpu: l40s\n    set:\n      ngl: 20\n      fa: false\n";
    const jsonc = `// limits\n${json.replace("}] }", "},] /* end */ }")}`;
    const expected = rowsOf(json, "vram-budget.json").map((row) => row.request);
    expect(expected[0]!.flags).toEqual({ set: { gpuLayers: 20, flashAttention: false } });
    expect(rowsOf(yaml, "vram-budget.yml").map((row) => row.request)).toEqual(expected);
    expect(rowsOf(jsonc, "vram-budget.jsonc").map((row) => row.request)).toEqual(expected);
    const manifest = `{"name": "x", "vramBudget": ${json}}`;
    expect(rowsOf(manifest, "package.json").map((row) => row.request)).toEqual(expected);
  });
});

/** Text, where it is refused, and what the sentence holds. */
const BAD: readonly (readonly [text: string, place: string, message: RegExp])[] = [
  ["[]", "1:1", /found an empty list, expected a map with the key "budgets"/],
  ["budgets:", "1:9", /"budgets" is null, expected a list of at least one row/],
  ["budgets: []", "1:10", /"budgets" is an empty list/],
  ["defaults: {}", "1:1", /the key "budgets" is missing.*: budgets: \[/],
  ["budget: []", "1:1", /unknown key "budget", did you mean "budgets"\?/],
  [
    "headroom: 5%\nbudgets:\n- {model: 14B, gpu: l40s}",
    "1:1",
    /"headroom" is a field of a row; for all rows it goes into "defaults"; for example: defaults: \{ headroom: "5%" \}/,
  ],
  ["model: 14B\ngpu: l40s", "1:1", /"model" is a field of a row; rows stand in the list "budgets"/],
  ["budgets:\n- {model: 14B, gpu: l40s, kv_dtype: fp8}", "2:27", /"kv_dtype", did you mean "kv-dtype"\?/],
  [
    "budgets:\n- {model: [14B, 7B], gpu: l40s}",
    "2:11",
    /several go into "matrix".*for example: matrix: \{ model: \[14B, 7B\] \}/,
  ],
  ["budgets:\n- {model: 14B, gpu: l40s, images: two}", "2:35", /"images" got "two"/],
  ["budgets:\n- {model: 14B, gpu: l40s, set: {np: 4}}", "2:32", /"set" got "np", expected --batch 4/],
  // A name of Object.prototype is a wrong key like any other.
  ["budgets:\n- {model: 14B, gpu: l40s, constructor: 1}", "2:27", /unknown key "constructor"; .*model:/],
  ["budgets:\n- {model: 14B, gpu: l40s, matrix: {toString: 1}}", "2:36", /"toString".*model:/],
  ["valueOf: 1\nbudgets:\n- {model: 14B, gpu: l40s}", "1:1", /unknown key "valueOf"; .*budgets:/],
  ["budgets:\n- 14B", "2:3", /found "14B", expected a row/],
  ["budgets:\n- {model: 14B}", "2:3", /has no limit; add "gpu" or "budget"/],
  ["budgets:\n- {gpu: l40s}", "2:3", /has no "model"/],
  [
    "budgets:\n- {model: 14B, gpu: l40s, contxt: 8k}",
    "2:27",
    /unknown key "contxt", did you mean "context"\?/,
  ],
  [
    "budgets:\n- {model: 14B, gpu: l40s, context: true}",
    "2:36",
    /"context" is true, expected text or a number/,
  ],
  ["budgets:\n- {model: 14B, gpu: l40s, context: lots}", "2:36", /"context" got "lots".*32k/],
  ["budgets:\n- {model: 14B, gpu: l40s, context: [8k, 16k]}", "2:36", /"context" is a list/],
  ["budgets:\n- {model: 14B, gpu: l40s, batch: 0}", "2:34", /whole number from 1/],
  ["budgets:\n- {model: 14B, gpu: l40s, batch: 1.5}", "2:34", /whole number from 1/],
  ["budgets:\n- {model: 14B, gpu: l40s, weightsOnly: 'true'}", "2:40", /expected true or false/],
  ["budgets:\n- {model: 14B, gpu: l40s, weightsOnly: true, context: 8k}", "2:40", /exclude each other/],
  ["budgets:\n- {model: 14B, gpu: l40s, budget: 24GiB}", "2:21", /"gpu" and "budget" exclude each other/],
  ["budgets:\n- {model: 14B, budget: lots}", "2:24", /cannot read "lots" as a size/],
  ["budgets:\n- {model: 14B, budget: 0}", "2:24", /a size above zero/],
  ["budgets:\n- {model: '-', gpu: l40s}", "2:11", /"model" got "-"/],
  ['budgets:\n- {model: "a\\u001b[31m", gpu: l40s}', "2:11", /"model" got/],
  ["budgets:\n- {model: 14B, gpu: l40s, gate: low}", "2:33", /expected expected or high/],
  ["budgets:\n- {model: 14B, gpu: l40s, use: infer}", "2:32", /expected serve or train/],
  ["budgets:\n- {model: 14B, gpu: l40s, headroom: 5 percent}", "2:37", /as headroom: write a share/],
  ["budgets:\n- {model: 14B, gpu: l40s, optimizer: sgd}", "2:38", /expected "use": "train"/],
  ["budgets:\n- {model: 14B, gpu: l40s, use: train, kv-dtype: fp8}", "2:49", /expected "use": "serve"/],
  [
    "budgets:\n- {model: 14B, gpu: l40s, use: train, method: half}",
    "2:47",
    /expected full or lora or qlora or freeze/,
  ],
  ["budgets:\n- {model: 14B, gpu: l40s, kv-dtype: fp8, kvDtype: fp8}", "2:42", /in two spellings/],
  [
    "budgets:\n- {model: 14B, gpu: l40s, matrix: {context: 8k}}",
    "2:45",
    /"context" is "8k", expected a list of at least one value/,
  ],
  [
    "budgets:\n- {model: 14B, gpu: l40s, matrix: {context: []}}",
    "2:45",
    /expected a list of at least one value/,
  ],
  [
    "budgets:\n- {model: 14B, gpu: l40s, matrix: [8k]}",
    "2:35",
    /"matrix" is a list, expected a map of fields/,
  ],
  [
    "budgets:\n- {model: 14B, gpu: l40s, context: 1, matrix: {context: [2]}}",
    "2:48",
    /in the row and in its matrix/,
  ],
  ["budgets:\n- {model: 14B, gpu: l40s, matrix: {context: [8k, x]}}", "2:50", /"context" got "x"/],
  ["defaults: {name: x}\nbudgets:\n- {model: 14B, gpu: l40s}", "1:12", /unknown key "name"/],
  [
    "budgets:\n- {name: a, model: 14B, gpu: l4}\n- {name: a, model: 7B, gpu: l4}",
    "3:3",
    /another row is called "a"/,
  ],
  [
    "budgets:\n- {model: 14B, gpu: l4}\n- {model: 14B, gpu: l4}",
    "3:3",
    /another row is called "14B on l4".*"name"/,
  ],
  ['budgets:\n- {name: "a\\nb", model: 14B, gpu: l4}', "2:10", /cannot be printed on a line/],
];

describe("a wrong budgets file", () => {
  test.for(BAD)("%j is told at %s with something to paste", ([text, place, message]) => {
    const sentence = refusalOf(() => rowsOf(text));
    expect(sentence).toMatch(message);
    expect(sentence).toContain(`vram-budget.yaml, line ${place.replace(":", ", column ")}: `);
    expect(sentence).toMatch(/for example: \S/);
  });

  test("a package.json without the key", () => {
    expect(refusalOf(() => rowsOf('{"name": "x"}', "package.json"))).toMatch(
      /the key "vramBudget" is missing/,
    );
  });

  test.for([
    ["a list of a million rows", `{"budgets": [${"1,".repeat(1_000_000)}1]}`, /more than 400000 values/],
    [
      "300,000 rows that are none",
      `{"budgets": [${"1,".repeat(300_000)}1]}`,
      /column 14: found 1, expected a row/,
    ],
    [
      "300,000 unknown keys",
      `{${Array.from({ length: 300_000 }, (_, i) => `"k${i}":1`).join()}}`,
      /column 2: unknown key "k0"/,
    ],
    [
      "a matrix of 300,000 wrong values",
      `{"budgets": [{"model": "7B", "matrix": {"batch": [${"[],".repeat(300_000)}[]]}}]}`,
      /"batch" is an empty list/,
    ],
    [
      "40 axes of 1,000 values",
      `{"budgets": [{"gpu": "l4", "matrix": {${["model", "batch", "context", "tp", "pp", "ep", "dp"].map((k) => `"${k}": [${"1,".repeat(999)}1]`)}}}]}`,
      /a matrix of 1e\+21 rows/,
    ],
  ] as const)("hostile: %s", ([, text, message]) => {
    const start = performance.now();
    expect(refusalOf(() => rowsOf(text, "b.json"))).toMatch(message);
    expect(performance.now() - start).toBeLessThan(timeLimit(5000));
  });

  test("10,000 mutations of a good file are read, or refused in one sentence with its place", () => {
    const good = readFileSync(new URL("../fixtures/check/vram-budget.yaml", import.meta.url), "utf8");
    const json =
      '{ "defaults": { "gpu": "l40s" },\n  "budgets": [{ "model": "14B", "matrix": { "context": ["8k", 16384] } }] }';
    const piece = fc.oneof(
      fc.string({ maxLength: 6, unit: "binary" }),
      fc.constantFrom(
        "- ",
        ": ",
        "\n",
        "[",
        "]",
        "{",
        "}",
        "null",
        "true",
        '"',
        "'",
        "&a",
        "|",
        "\t",
        "999999999999",
        "budgets",
        "matrix",
      ),
    );
    const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(12), put: piece });
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom([good, "b.yaml"], [json, "b.json"], [json, "b.jsonc"]),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        ([text, file], edits) => {
          let mutated = text!;
          for (const { at, cut, put } of edits) {
            const place = Math.floor(at * mutated.length);
            mutated = mutated.slice(0, place) + put + mutated.slice(place + cut);
          }
          try {
            rowsOf(mutated, file!);
          } catch (error) {
            refused++;
            expect(error).toBeInstanceOf(VramCalcError);
            const { code, message, exitCode } = error as VramCalcError;
            expect(code).toBe("bad-budgets");
            expect(exitCode).toBe(2);
            expect(message).toMatch(/^b\.\w+, line \d+, column \d+: [^\n\r]+$/);
          }
        },
      ),
      { numRuns: cases(10_000) },
    );
    expect(refused).toBeGreaterThan(5_000);
  });
});
