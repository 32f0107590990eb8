/**
 * Configs parsed and sized per second in one process, over the published configs beside the project.
 *
 *     node .config/run.mjs test/bench/architectures.ts
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { VramCalcError } from "../../src/errors.ts";
import { parseJson } from "../../src/sources/json/parse-json.ts";

const folder = process.argv[2] ?? "../shared/configs/";
/** One file lists a tensor name per weight and is 3 MB; it would be most of the time. */
const LARGEST_FILE = 1_000_000;

const texts = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((name) => name.includes("__"))
  .map((name) => readFileSync(`${folder}/${name}`, "utf8"))
  .filter((text) => text.length < LARGEST_FILE);

function sizeAll(): number {
  let sized = 0;
  for (const text of texts) {
    try {
      if (readArchitecture(parseJson(text, "config.json"), "config.json").parameters.total > 0) sized++;
    } catch (error) {
      if (!(error instanceof VramCalcError)) throw error;
    }
  }
  return sized;
}

if (texts.length === 0) {
  console.log(`no configs in ${folder}: nothing measured`);
} else {
  const sized = sizeAll();
  let best = 0;
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint();
    sizeAll();
    best = Math.max(best, texts.length / (Number(process.hrtime.bigint() - start) / 1e9));
  }
  console.log(
    `${texts.length} configs, ${sized} of them sized: ${Math.round(best).toLocaleString("en")} per second`,
  );
}
