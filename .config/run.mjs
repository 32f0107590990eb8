// Runs a TypeScript file of this project: node .config/run.mjs FILE [arguments]. Node 20 does not strip types.
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [file, ...rest] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: node .config/run.mjs FILE [arguments]");
// Inside node_modules, so that packages left out of the bundle are found.
const folder = mkdtempSync(join(root, "node_modules/.run-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const build = await rolldown({
  input: resolve(file),
  platform: "node",
  external: /^[^./].*/,
  transform: {
    target: "node20",
    define: { "import.meta.url": JSON.stringify(pathToFileURL(resolve(file)).href) },
  },
});
await build.write({ file: join(folder, "main.mjs"), format: "esm", codeSplitting: false });
process.argv = [process.argv[0], resolve(file), ...rest];
await import(pathToFileURL(join(folder, "main.mjs")).href);
