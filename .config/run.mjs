// Runs a TypeScript file of this project: node .config/run.mjs FILE [arguments]. Node 20 does not strip types.
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [file, ...rest] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: node .config/run.mjs FILE [arguments]");
// Inside node_modules, so that packages left out of the bundle are found.
const folder = mkdtempSync(join(root, "node_modules/.run-"));
const outfile = join(folder, "main.mjs");
try {
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "warning",
    define: { "import.meta.url": JSON.stringify(pathToFileURL(join(process.cwd(), file)).href) },
  });
  process.argv = [process.argv[0], file, ...rest];
  await import(pathToFileURL(outfile).href);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
