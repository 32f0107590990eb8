import { describe, expect, test } from "vitest";
import { estimate } from "../../src/estimate/estimate.ts";
import { kvFormatByName } from "../../src/formats/kv-formats.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import {
  cacheFormatsOf,
  candidateFormats,
  formatsThatFit,
  weightFormatsOf,
} from "../../src/solve/formats.ts";
import { ENGINES, named } from "./models.ts";

const model = named("llama-3.1-8b");

describe("formats of each engine", () => {
  test.for(ENGINES.map((engine) => [engine] as const))(
    "%s: every name is one that --dtype reads, once",
    ([engine]) => {
      const names = weightFormatsOf(engine);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(storageByName(name).bytesOf(model)).toBeGreaterThan(0);
      for (const name of cacheFormatsOf(engine)) expect(kvFormatByName(name).id).toBeTruthy();
    },
  );

  test("llama.cpp is offered its file types, vLLM and SGLang none of them", () => {
    expect(weightFormatsOf("llama.cpp")).toContain("q4_k_m");
    for (const engine of ["vllm@0.19", "sglang"]) {
      expect(weightFormatsOf(engine).filter((name) => /^i?q\d/.test(name))).toEqual([]);
      expect(cacheFormatsOf(engine)).toEqual(["fp8"]);
    }
    expect(cacheFormatsOf("llama.cpp")[0]).toBe("q8_0");
  });

  test("formats of llama.cpp and of no engine are listed from the most bits to the fewest", () => {
    for (const engine of ["generic", "llama.cpp"]) {
      const bytes = weightFormatsOf(engine).map((name) => storageByName(name).bytesOf(model));
      expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
    }
  });
});

describe("formatsThatFit", () => {
  test("the most bytes first, and the first that fits is the best", () => {
    const answers = formatsThatFit({ model, options: {}, budgetBytes: 12e9 }, ["q4_0", "bf16", "q8_0"]);
    expect(answers.map(({ dtype, fits }) => [dtype, fits])).toEqual([
      ["bf16", false],
      ["q8_0", true],
      ["q4_0", true],
    ]);
    expect(answers[0]!.weightBytes).toBe(16_060_522_496);
    expect(answers.every(({ bytes, headroom }) => bytes + headroom === 12e9)).toBe(true);
  });

  test("on two ranks each holds its half: 16.06 GB of weights fit 12 GB cards", () => {
    const [bf16] = formatsThatFit({ model, options: { tp: 2 }, budgetBytes: 12e9 }, ["bf16"]);
    expect(bf16!.fits).toBe(true);
    expect(bf16!.weightBytes).toBeLessThan(16_060_522_496 / 2 + 1e6);
  });
});

describe("candidateFormats", () => {
  test("a model in 16 bits: all of the engine's", () =>
    expect(candidateFormats({ model, options: { engine: "vllm" } })).toEqual(weightFormatsOf("vllm")));

  test("files that are quantized: they themselves, and what is smaller than they are", () => {
    const stored = { ...storageByName("q5_k_m"), id: "stored" };
    const names = candidateFormats({ model, options: { stored } });
    expect(names[0]).toBe(undefined);
    expect(names.slice(1)).toEqual(["q4_k_m", "iq4_xs", "q3_k_m", "q2_k", "iq2_xs"]);
    const published = estimate(model, { stored, weightsOnly: true }).total.bytes;
    for (const name of names.slice(1))
      expect(estimate(model, { dtype: name!, weightsOnly: true }).total.bytes).toBeLessThan(published);
  });
});
