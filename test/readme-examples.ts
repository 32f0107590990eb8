/** The README's examples, read from its text: what the test runs and what `npm run readme` rewrites. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { invoke } from "./cli/invoke.ts";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Real published configs lie beside the project where it is developed; examples that need one skip without. */
const published = join(root, "../shared/configs/Qwen__Qwen3-32B.json");
export const havePublished = existsSync(published);

export interface Example {
  /** "vram-calc 14B --dtype fp16", perhaps with "; echo $?". */
  readonly command: string;
  /** What the README shows. */
  readonly shown: string;
}

/** Console blocks hold `$ vram-calc ...` lines, each followed by what it prints. */
export function readExamples(readme: string): readonly Example[] {
  return [...readme.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap((block) =>
    block[1]!
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf("\n");
        return { command: part.slice(0, end), shown: part.slice(end + 1).trimEnd() };
      }),
  );
}

export const needsPublished = ({ command }: Example): boolean => command.includes("Qwen3-32B/");

/** A folder with what the examples read. */
export function exampleFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "vram-calc-readme-"));
  if (havePublished) {
    mkdirSync(join(path, "Qwen3-32B"));
    copyFileSync(published, join(path, "Qwen3-32B/config.json"));
  }
  const budgets = /^```yaml\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1];
  if (budgets !== undefined) writeFileSync(join(path, "vram-budget.yaml"), budgets);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What the command prints in that folder: stdout, stderr and, where asked for, the exit code. */
export async function runExample({ command }: Example, folder: string): Promise<string> {
  const [line, ending] = command.split(/\s*;\s*/);
  const placed = line!
    .replace(/^(npx )?vram-calc ?/, "")
    .replaceAll("Qwen3-32B/", `${folder}/Qwen3-32B/`)
    .replaceAll("vram-budget.yaml", `${folder}/vram-budget.yaml`);
  const { stdout, stderr, code } = await invoke(placed);
  return `${stdout}${stderr}${ending === undefined ? "" : `${code}\n`}`
    .replaceAll(`${folder}/`, "")
    .trimEnd();
}

interface RecordedFigure {
  readonly rows: number;
  readonly median: number;
  readonly p90: number;
  readonly under: number;
}

/** The table between the accuracy marks: the figures that test/golden/accuracy.json records. */
export function accuracyTable(): string {
  const path = join(root, "test/golden/accuracy.json");
  const figures = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, RecordedFigure>);
  const percent = (value: number): string => value.toFixed(2);
  return [
    "| against published readings | rows | median error % | 90th percentile % | more than 5 % too low |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...figures.map(
      ([title, { rows, median, p90, under }]) =>
        `| ${title} | ${rows} | ${percent(median)} | ${percent(p90)} | ${(100 * under).toFixed(0)} % |`,
    ),
  ].join("\n");
}

const ACCURACY = /(<!-- accuracy -->\n)[\s\S]*?(<!-- \/accuracy -->)/;

/** The README with its accuracy table made new. */
export const withAccuracy = (readme: string): string =>
  readme.replace(ACCURACY, (_, open: string, close: string) => `${open}${accuracyTable()}\n${close}`);
