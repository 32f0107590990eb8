/**
 * `fit` over all formats and contexts of a 400B model on 150 cards: what it takes on top of the start of the process.
 * Two readings of "150 cards", each over every engine: the grid on each of 150 accelerators in one process, and one
 * question to the built command line about 150 equal cards, beside bare `node -e 0`. Prints both and their ratio to
 * bare node; fails only past twice the bar, because a timing is a reading and not an assertion.
 *
 *     npm run build && npm run bench:fit [repeats]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { accelerators } from "../../src/hardware/accelerators.ts";
import { gridOf } from "../../src/solve/grid.ts";

const BAR_SECONDS = 1;
const CARDS = 150;
const MODEL = "llama-3.1-405b";
const ENGINES = ["generic", "vllm", "sglang", "transformers", "llama.cpp"];
const cli = fileURLToPath(new URL("../../dist/cli/vram-calc.cjs", import.meta.url));
const repeats = Math.max(5, Number(process.argv[2]) || 5);

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

function seconds(args: readonly string[], codes: readonly number[]): number {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
  if (status === null || !codes.includes(status))
    throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
  return elapsed;
}

const cards = accelerators().slice(0, CARDS);
if (cards.length < CARDS) throw new Error(`${cards.length} accelerators, ${CARDS} are asked for`);
const bare = median(Array.from({ length: repeats }, () => seconds(["-e", "0"], [0])));
let worst = 0;
const line = (name: string, took: number, more: string): void => {
  worst = Math.max(worst, took);
  console.log(
    `${name.padEnd(34)} ${took.toFixed(3)} s, ${(took / bare).toFixed(1)} times bare node's ${bare.toFixed(3)} s${more}`,
  );
};

for (const engine of ENGINES) {
  // The first grid of a process, nothing warm, as a command pays it.
  const model = catalogueArchitecture(findCatalogueEntry(MODEL)!.entry);
  let cells = 0;
  const start = process.hrtime.bigint();
  for (const { usableBytes, generation } of cards) {
    const options: EstimateOptions = {
      engine,
      ...(engine === "llama.cpp" ? { pp: 8 } : { tp: 8 }),
      card: { totalBytes: usableBytes, ...(generation === undefined ? {} : { generation }) },
    };
    for (const row of gridOf({ model, options, budgetBytes: usableBytes })) cells += row.cells.length + 1;
  }
  const took = Number(process.hrtime.bigint() - start) / 1e9;
  line(`${engine}, a grid per card`, took, `; ${cells} answers on ${CARDS} accelerators`);
}
const fit = [cli, "fit", MODEL, "--gpu", "h100"];
for (const engine of ENGINES) {
  const layout = engine === "llama.cpp" ? ["--pp", "126"] : ["--tp", "2", "--pp", "75"];
  for (const solve of [[], ["--solve", "gpus"]]) {
    const args = [
      ...fit,
      "--engine",
      engine,
      ...(solve.length > 0 ? ["--gpus", String(CARDS), ...solve] : layout),
    ];
    const took = median(Array.from({ length: repeats }, () => seconds(args, [0, 1])));
    line(
      `${engine}, ${CARDS} cards${solve.length > 0 ? ", fewest" : ""}`,
      took - bare,
      " (command, bare node off)",
    );
  }
}
console.log(
  `${worst <= BAR_SECONDS ? "ok  " : "MISS"} the longest ${worst.toFixed(3)} s, bar ${BAR_SECONDS} s`,
);
if (worst > 2 * BAR_SECONDS) process.exitCode = 1;
