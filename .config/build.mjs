// Builds dist: one CommonJS file for the command line, the library as ES module and CommonJS, and types.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });

const common = {
  bundle: true,
  absWorkingDir: root,
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
};
const library = {
  ...common,
  entryPoints: ["src/index.ts", "src/sources.ts"],
  outdir: "dist",
  platform: "node",
};
await Promise.all([
  build({
    ...common,
    entryPoints: ["src/cli/bin.ts"],
    outfile: "dist/vram-calc.cjs",
    platform: "node",
    format: "cjs",
    minify: true,
    keepNames: false,
  }),
  build({
    ...library,
    format: "esm",
    splitting: true,
    outExtension: { ".js": ".js" },
    chunkNames: "chunks/[name]-[hash]",
  }),
  build({ ...library, format: "cjs", outdir: "dist/cjs" }),
]);
chmodSync(join(dist, "vram-calc.cjs"), 0o755);

execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", ".config/tsconfig.types.json"],
  {
    cwd: root,
    stdio: "inherit",
  },
);
// The same declarations twice: read as ES module types from dist/types and as CommonJS types from dist/cjs/types.
mkdirSync(join(dist, "cjs"), { recursive: true });
writeFileSync(join(dist, "cjs/package.json"), '{ "type": "commonjs" }\n');
cpSync(join(dist, "types"), join(dist, "cjs/types"), { recursive: true });
