/** The core in a browser: bundled without Node, run in a real headless Chromium. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const browser = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find(
  (path) => path !== undefined && existsSync(path),
);
const folder = mkdtempSync(join(tmpdir(), "vram-calc-browser-"));

async function bundle(entry: string): Promise<string> {
  const file = join(folder, "entry.ts");
  writeFileSync(file, entry.replaceAll("@/", `${root}src/`));
  const build = await rolldown({
    input: file,
    platform: "browser",
    onLog: (level, log) => {
      throw new Error(`${level}: ${log.message}`);
    },
  });
  const { output } = await build.generate({
    format: "iife",
    name: "app",
    minify: true,
    codeSplitting: false,
  });
  await build.close();
  return output[0].code;
}

/** What a page loads: every storage, two engines, and the text models, plain and recurrent; no tables of models or cards. */
const CORE = `
import { architectureReader, engines, estimatorOf, families } from "@/index.ts";
export { typicalArchitecture } from "@/index.ts";
export const estimate = estimatorOf({
  engines: { "llama.cpp": engines.llamaCpp, vllm: engines.vllm },
});
export const readArchitecture = architectureReader({ decoders: families.DECODERS, others: families.HYBRIDS });
`;

/** The same with every engine. */
const EVERY_ENGINE = `
import { architectureReader, families } from "@/index.ts";
export { estimate, typicalArchitecture } from "@/index.ts";
export const readArchitecture = architectureReader({ decoders: families.DECODERS, others: families.HYBRIDS });
`;

/** And with every family there is. */
const EVERY_FAMILY = `export { estimate, readArchitecture, typicalArchitecture } from "@/index.ts";`;

let core = "";
beforeAll(async () => {
  core = await bundle(CORE);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the core in a browser", () => {
  test("names no Node built-in", () => {
    expect(core).not.toMatch(/\brequire\s*\(|["']node:/);
    expect(core.length).toBeGreaterThan(10_000);
  });

  const compressedKiB = (code: string) => brotliCompressSync(code).length / 1024;

  test("is at most 60 KiB minified and brotli-compressed, with the text families and two engines", () => {
    expect(compressedKiB(core)).toBeLessThanOrEqual(60);
  });

  test("is at most 66 KiB with every engine", async () => {
    expect(compressedKiB(await bundle(EVERY_ENGINE))).toBeLessThanOrEqual(66);
  });

  // Towers, encoders and rare families are a third of it, and grow with every family added.
  test("is at most 128 KiB with every family", async () => {
    expect(compressedKiB(await bundle(EVERY_FAMILY))).toBeLessThanOrEqual(128);
  });

  test("the public entry bundles for a browser, catalogues included", async () => {
    const all = await bundle(`export * from "@/index.ts";`);
    expect(all).not.toMatch(/\brequire\s*\(|["']node:/);
  });

  const config = {
    model_type: "llama",
    hidden_size: 4096,
    num_hidden_layers: 32,
    vocab_size: 128256,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    torch_dtype: "bfloat16",
  };

  test.skipIf(browser === undefined)(
    "runs in headless Chromium and answers as here (skipped: no Chromium on this machine)",
    async () => {
      const page = join(folder, "page.html");
      writeFileSync(page, `<!doctype html><title>vram-calc</title><script>${core}</script>`);
      const running = await chromium.launch({
        executablePath: browser!,
        args: [
          "--no-sandbox",
          "--disable-gpu",
          "--disable-quic",
          "--no-first-run",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
        ],
      });
      try {
        const tab = await running.newPage();
        await tab.goto(`file://${page}`);
        const answer = await tab.evaluate((given) => {
          const { app } = globalThis as unknown as { app: typeof import("../src/index.ts") };
          const model = app.readArchitecture(given, "config.json");
          return app
            .estimate(model, { contextTokens: 8192 })
            .devices[0]!.terms.map((term) => [term.id, term.bytes]);
        }, config);
        expect(Object.fromEntries(answer as [string, number][])).toMatchObject({
          weights: 16_060_522_496,
          "kv-cache": 1_073_741_824,
        });
      } finally {
        await running.close();
      }
    },
  );
});
