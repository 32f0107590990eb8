import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { serveOnLlamaCpp } from "../../src/engines/llama-cpp/serve.ts";
import { SINGLE_DEVICE } from "../../src/parallelism/degrees.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { ggmlCache } from "./cache-formats.ts";

interface Reserved {
  readonly model: string;
  readonly build: string;
  readonly cells: number;
  readonly ubatchTokens: number;
  readonly flashAttention: boolean;
  readonly expertsOnCpu?: true;
  readonly layersOnCpu?: "half" | "all";
  readonly mib: number;
}

const file = new URL("../vectors/llama-cpp-reserved.json", import.meta.url);
const ROWS = (JSON.parse(readFileSync(file, "utf8")) as { rows: readonly Reserved[] }).rows;

function errorOf(row: Reserved): number {
  const model = catalogueArchitecture(findCatalogueEntry(row.model)!.entry);
  const layers = model.stacks[0]!.counts.reduce((sum, n) => sum + n, 0);
  const { devices } = serveOnLlamaCpp({
    model,
    storage: storageByName("q8_0"),
    format: ggmlCache("f16", "f16"),
    computeBytes: 2,
    contextTokens: row.cells,
    sequences: 1,
    degrees: SINGLE_DEVICE,
    version: row.build,
    ubatchTokens: row.ubatchTokens,
    flashAttention: row.flashAttention,
    ...(row.expertsOnCpu === true ? { cpuExpertLayers: layers } : {}),
    ...(row.layersOnCpu === undefined ? {} : { gpuLayers: row.layersOnCpu === "all" ? 0 : layers >> 1 }),
  });
  const { bytes } = devices[0]!.terms.find(({ id }) => id === "activations")!;
  return Math.abs(bytes / 2 ** 20 / row.mib - 1);
}

const errors = (rows: readonly Reserved[]): readonly number[] => rows.map(errorOf).sort((a, b) => a - b);
const onGpu = ROWS.filter((row) => row.expertsOnCpu === undefined && row.layersOnCpu === undefined);

test(`${onGpu.length} buffers that llama.cpp reserves, all on the GPU: half to 0.1 %, nine tenths to 1 %, all to 10 %`, () => {
  const sorted = errors(onGpu);
  expect(sorted[sorted.length >> 1]!).toBeLessThan(0.001);
  expect(sorted[Math.floor(sorted.length * 0.9)]!).toBeLessThan(0.01);
  expect(sorted[sorted.length - 1]!).toBeLessThan(0.1);
});

test("weights or layers on the CPU, which are sent for their products: half to 1 %, three quarters to 9 %, gaps decide the rest", () => {
  const sorted = errors(ROWS.filter((row) => !onGpu.includes(row)));
  expect(sorted[sorted.length >> 1]!).toBeLessThan(0.01);
  expect(sorted[Math.floor(sorted.length * 0.75)]!).toBeLessThan(0.09);
  expect(sorted[sorted.length - 1]!).toBeLessThan(0.5);
});
