/**
 * The accuracy table: every figure against its recorded value in test/golden/accuracy.json.
 *
 *     npm run accuracy             prints the table; exits 1 when a figure is worse than recorded
 *     npm run accuracy -- --update records the figures of today, better or worse, for a reviewed diff
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { servingFigures } from "./accuracy-serving.ts";
import { trainingFigures } from "./accuracy-training.ts";
import { type Figure, figureLines } from "./figure.ts";

const path = fileURLToPath(new URL("../golden/accuracy.json", import.meta.url));

/** What is recorded of a figure. A row more that is left out is worse too. */
interface Recorded {
  readonly rows: number;
  readonly median: number;
  readonly p90: number;
  readonly under: number;
}

const round = (value: number): number => Number(value.toFixed(4));
const recordOf = ({ rows, median, p90, under }: Figure): Recorded => ({
  rows,
  median: round(median),
  p90: round(p90),
  under: round(under),
});

/** What got worse, in words. */
function worseThan(now: Figure, before: Recorded | undefined): string[] {
  if (before === undefined) return [`${now.title}: not recorded yet; run with --update`];
  const record = recordOf(now);
  const worse: string[] = [];
  for (const name of ["median", "p90", "under"] as const)
    if (record[name] > before[name] + 1e-4)
      worse.push(`${now.title}: ${name} ${before[name]} -> ${record[name]}`);
  if (record.rows < before.rows) worse.push(`${now.title}: ${before.rows} rows -> ${record.rows}`);
  return worse;
}

const figures = [...servingFigures(), ...trainingFigures()];
for (const figure of figures) console.log(figureLines(figure).join("\n"));
const withBar = figures.filter((figure) => figure.bar !== undefined);
console.log(`${withBar.filter((figure) => figure.met).length} of ${withBar.length} bars met`);

if (process.argv.includes("--update")) {
  const records = Object.fromEntries(figures.map((figure) => [figure.title, recordOf(figure)]));
  writeFileSync(path, `${JSON.stringify(records, null, 2)}\n`);
} else {
  const recorded = JSON.parse(readFileSync(path, "utf8")) as Record<string, Recorded>;
  const worse = figures.flatMap((figure) => worseThan(figure, recorded[figure.title]));
  const gone = Object.keys(recorded).filter((title) => figures.every((figure) => figure.title !== title));
  for (const line of [...worse, ...gone.map((title) => `${title}: recorded, and not computed any more`)])
    console.error(`worse: ${line}`);
  if (worse.length + gone.length > 0) process.exitCode = 1;
}
