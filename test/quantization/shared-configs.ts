/** Published config.json files kept beside the repository; tests that need them say so when they are absent. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../shared/configs/", import.meta.url));
export const HAVE_CONFIGS = existsSync(folder);

export const configNames: readonly string[] = HAVE_CONFIGS
  ? readdirSync(folder)
      .filter((file) => file.endsWith(".json") && file !== "known_totals.json")
      .map((file) => file.slice(0, -5))
  : [];

/** Python writes Infinity where JSON has no word for it. */
export function sharedConfig(name: string): unknown {
  return JSON.parse(readFileSync(`${folder}${name}.json`, "utf8").replace(/\bInfinity\b/g, "1e9"));
}
