import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** Rank of each module; a module imports only from a lower rank or from its own folder. */
const RANKS: readonly (readonly [RegExp, number])[] = [
  [/^(units|errors|remember|defined|known-options)\.ts$/, 0],
  [/^(formats|hardware|curves)\//, 1],
  [/^architecture\//, 2],
  [/^(quantization|parallelism|adapters)\//, 3],
  [/^engines\//, 4],
  [/^(memory|sources)\//, 5],
  [/^(estimate\/|budget\.ts$)/, 6],
  [/^solve\//, 7],
  [/^check\//, 7.5],
  [/^(report|schema)\//, 8],
  [/^(cli\/|index\.ts$|sources\.ts$)/, 9],
];
/** Plain vocabulary that every rank may use: the shape of a term and of stored weights, without computation. */
const VOCABULARY = new Set(["memory/term.ts"]);

const root = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));

const rankOf = (file: string): number => RANKS.find(([pattern]) => pattern.test(file))?.[1] ?? Number.NaN;
const folderOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : file);

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const specifiers = [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
  return specifiers;
}

describe("dependency direction", () => {
  test("every module has a rank", () => {
    expect(files.filter((file) => Number.isNaN(rankOf(file)))).toEqual([]);
    expect(files.length).toBeGreaterThan(30);
  });

  test("a module imports only from a lower rank or its own folder", () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const specifier of importsOf(file)) {
        if (!specifier.startsWith(".")) continue;
        const target = relative(root, join(root, dirname(file), specifier)).replaceAll("\\", "/");
        if (target.startsWith("..") || VOCABULARY.has(target)) continue;
        if (folderOf(file) === folderOf(target) || rankOf(file) + rankOf(target) === 0) continue;
        if (!(rankOf(target) < rankOf(file))) wrong.push(`${file} -> ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("only sources and cli touch Node; zod, commander and chalk stay in the outer ranks", () => {
    const wrong: string[] = [];
    for (const file of files) {
      if (/^(sources|cli)\//.test(file)) continue;
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith(".") || specifier === "zod" || specifier === "zod/mini") continue;
        wrong.push(`${file} -> ${specifier}`);
      }
      if (
        /\b(process|Buffer|__dirname)\./.test(
          readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""),
        )
      )
        wrong.push(`${file} uses a Node global`);
    }
    expect(wrong).toEqual([]);
  });
});
