import { resolve } from "node:path";
import type { Baseline } from "../../check/growth.ts";
import { VramCalcError } from "../../errors.ts";
import { readBaseline } from "../../schema/check.ts";
import { parseJson } from "../../sources/json/parse-json.ts";
import { readNamedFile } from "./find-file.ts";

/** Ten thousand rows with their terms and notes take about 30 MB. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Reads what `vram-calc check --report json` wrote.
 *
 * @throws unreadable-path, malformed-file
 */
export async function loadBaseline(file: string, cwd: string): Promise<Baseline> {
  const value = parseJson(await readNamedFile({ path: resolve(cwd, file), file }, MOST_BYTES), file);
  const rows = readBaseline(value);
  if ("where" in rows) {
    throw new VramCalcError("malformed-file", {
      file,
      where: rows.where,
      found: "something else than an earlier check",
      expected: "what vram-calc check --report json printed",
    });
  }
  return { file, rows };
}
