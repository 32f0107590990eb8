/** The program as one file that node starts, made from the sources as they are. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll } from "vitest";

/** Bundles before the tests of a file, and removes after them. */
export function bundledBin(): string {
  const folder = mkdtempSync(join(tmpdir(), "vram-calc-bin-"));
  const name = "vram-calc.cjs";
  beforeAll(async () => {
    const build = await rolldown({
      input: fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url)),
      platform: "node",
      transform: { target: "node20" },
    });
    await build.write({
      dir: folder,
      entryFileNames: name,
      chunkFileNames: "[name]-[hash].cjs",
      format: "cjs",
    });
    await build.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}
