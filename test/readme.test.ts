/** Runs every example of the README and compares it with the output printed there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import * as library from "../src/index.ts";
import * as sources from "../src/sources.ts";
import { invoke } from "./cli/invoke.ts";
import {
  exampleFolder,
  havePublished,
  needsPublished,
  readExamples,
  root,
  runExample,
  withAccuracy,
} from "./readme-examples.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const examples = readExamples(readme);

const folder = exampleFolder();
afterAll(() => folder.remove());

/** "..." alone on a line stands for lines left out. */
function expectShown(actual: string, shown: string): void {
  const parts = shown.split(/^\.\.\.$/m).map((part) => part.replace(/^\n/, "").trimEnd());
  if (parts.length === 1) expect(actual).toBe(shown);
  let from = 0;
  for (const part of parts) {
    const at = actual.indexOf(part, from);
    if (at < 0) expect(actual).toContain(part);
    from = at + part.length;
  }
}

describe("README", () => {
  test("has examples", () => expect(examples.length).toBeGreaterThanOrEqual(8));

  test.for(examples.filter((example) => havePublished || !needsPublished(example)))(
    "$ $command",
    async (example) => expectShown(await runExample(example, folder.path), example.shown),
  );

  test.skipIf(havePublished)(
    "skipped: examples on published configs, which are not beside the project",
    () => {},
  );

  test("the library example computes what it says", async () => {
    const code = /^```ts\n([\s\S]*?)^```$/m
      .exec(readme)![1]!
      .replace(/^import (\{[^}]*\}) from "vram-calc";$/m, "const $1 = library;")
      .replace(/^import (\{[^}]*\}) from "vram-calc\/sources";$/m, "const $1 = sources;");
    const run = new Function(
      "library",
      "sources",
      `return (async () => { ${code}; return { weights, peak, total, longest }; })()`,
    ) as (
      from: typeof library,
      io: typeof sources,
    ) => Promise<{
      readonly weights: number;
      readonly peak: number;
      readonly total: { readonly bytes: number };
      readonly longest: library.ServingAnswer;
    }>;
    const { weights, peak, total, longest } = await run(library, sources);
    const said = Number(/const weights = .*\/\/ ([\d_]+)/.exec(code)![1]!.replaceAll("_", ""));
    expect(weights).toBe(said);
    expect(total.bytes).toBeGreaterThan(weights);
    expect(peak).toBeGreaterThan(2 * 8_030_261_248);
    expect(longest).toMatchObject({ kind: "context", fits: true });
  });

  test.for([...readme.matchAll(/npx vram-calc (check --report \w+)/g)].map((match) => [match[1]!] as const))(
    "the recipe's command runs: %s",
    async ([line]) => {
      const { code, stdout } = await invoke(`${line} ${folder.path}/vram-budget.yaml`);
      expect(code).toBe(0);
      expect(stdout.length).toBeGreaterThan(0);
    },
  );

  test("shows the accuracy figures that are recorded", () => expect(withAccuracy(readme)).toBe(readme));

  test("the commands it gives are the ones that CI runs", () => {
    const ci = readFileSync(join(root, ".ci/run"), "utf8");
    expect(readme).toContain("npm ci && npm test");
    expect(ci).toMatch(/^npm ci/m);
    expect(ci).toMatch(/^npm test$/m);
  });
});
