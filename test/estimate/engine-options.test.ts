import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EngineFlags } from "../../src/estimate/estimate-options.ts";
import { named } from "./estimate-models.ts";

const llama = named("llama-3.1-8b");
const codes = (options: Parameters<typeof estimate>[1]): readonly string[] =>
  estimate(llama, options).notes.map(({ code }) => code);

describe("options of an engine", () => {
  test.each([
    ["vllm", { gpuLayers: 20 }, /gpuLayers for vllm, expected --engine llama.cpp with it/],
    ["llama.cpp", { gpuMemoryUtilization: 0.5 }, /expected --engine vllm with it/],
    [undefined, { gpuLayers: 20 }, /for the generic engine, expected --engine llama.cpp/],
    ["sglang", { noSuch: 1 }, /unknown option of sglang "noSuch"\. it takes memFractionStatic/],
    ["vllm", { maxNumSeq: 1 }, /unknown option of vllm "maxNumSeq": did you mean maxNumSeqs/],
    [
      "vllm",
      { gpuMemoryUtilization: 90 },
      /gpuMemoryUtilization got 90, expected a share above 0, at most 1/,
    ],
    ["vllm", { gpuMemoryUtilization: "0.9" }, /gpuMemoryUtilization got "0\.9", expected a share/],
    ["vllm", { blockTokens: 0 }, /blockTokens got 0, expected a whole number from 1/],
    ["llama.cpp", { flashAttention: "off" }, /flashAttention got "off", expected a value of type boolean/],
    ["transformers", { cache: "paged" }, /cache got "paged", expected dynamic, static/],
  ])("%s with %o is refused", (engine, engineOptions, message) => {
    const options = {
      engineOptions: engineOptions as EngineFlags,
      ...(engine === undefined ? {} : { engine }),
    };
    expect(() => estimate(llama, options)).toThrow(message);
  });

  test("what took effect is in the request, defaults included", () => {
    const { request } = estimate(llama, { engine: "vllm", engineOptions: { maxNumSeqs: 64 } });
    expect(request.engineOptions).toEqual({
      gpuMemoryUtilization: 0.92,
      maxNumSeqs: 64,
      maxBatchedTokens: 2048,
      enforceEager: false,
    });
  });
});

describe("images that vLLM's tower works on at once are those of its release's token budget", () => {
  const model = catalogueArchitecture(findCatalogueEntry("qwen2.5-vl-7b")!.entry);
  const card = { totalBytes: 79 * 2 ** 30, generation: "hopper" };
  const images = { count: 8, width: 1280, height: 720 };
  // 1196 tokens an image: 8192 / 1196 = 6.8; before v1 the whole context of 4096 + 8 x 1196 = 13,664, / 1196 = 11.4.
  test.each([
    ["vllm", 6],
    ["vllm@0.6.4", 11],
  ])("%s: %i", (engine, together) => {
    const { devices } = estimate(model, { engine, card, images, batch: 8 });
    const term = devices[0]!.terms.find(({ id, label }) => id === "activations" && label === "images");
    expect(term?.inputs).toMatchObject({ together });
  });
});

describe("formats that an engine is not known to read are noted, not refused", () => {
  test.each([
    ["llama.cpp", { dtype: "awq" }],
    ["llama.cpp", { kvDtype: "fp8" }],
    ["vllm", { kvDtype: "q8_0/q4_0" }],
    ["vllm", { dtype: "exl3-4bpw" }],
    ["transformers", { kvDtype: "nvfp4" }],
  ])("%s %o", (engine, options) => {
    expect(codes({ engine, ...options })).toContain("format-not-read");
  });

  test.each([
    ["llama.cpp", { dtype: "q4_k_m", kvDtype: "q8_0/q4_0" }],
    ["llama.cpp", { dtype: "iq4_xs" }],
    ["llama.cpp", { dtype: "iq4_xs-imatrix" }],
    ["llama.cpp", { dtype: "gguf_f16" }],
    ["llama.cpp", { dtype: "mxfp4_moe" }],
    ["vllm", { dtype: "awq", kvDtype: "fp8" }],
    ["transformers", { dtype: "nf4", kvDtype: "quanto_int4" }],
    ["sglang", { dtype: "fp8" }],
  ])("%s %o is read", (engine, options) => {
    expect(codes({ engine, ...options })).not.toContain("format-not-read");
  });
});

test.each(["mxfp4", "mxfp4_moe"])(
  "gpt-oss-20b in %s on llama.cpp: 10,949.36 MiB on the GPU, as its log prints; the rest is q8_0",
  (dtype) => {
    const { devices } = estimate(named("gpt-oss-20b"), { engine: "llama.cpp", dtype });
    const weights = devices[0]!.terms.find(({ id }) => id === "weights")!;
    expect(weights.bytes / 2 ** 20).toBeCloseTo(10_949.36, 1);
  },
);

test.each([
  ["one slot, two proposed: 448.88 MiB of states", { batch: 1, mtp: 2 }, 448.88],
  ["four slots, twelve proposed: 7780.50 MiB", { batch: 4, mtp: 12 }, 7780.5],
])(
  "Qwen3.5-27B's prediction layer on llama.cpp, %s and 32 MiB of its own cache, as printed",
  (_, options, mib) => {
    const { devices } = estimate(catalogueArchitecture(findCatalogueEntry("qwen3.5-27b")!.entry), {
      engine: "llama.cpp",
      dtype: "q5_k_m",
      contextTokens: 8192 / options.batch,
      ...options,
    });
    const mibOf = (id: string, label?: string): number =>
      devices[0]!.terms.find((term) => term.id === id && term.label === label)!.bytes / 2 ** 20;
    expect(mibOf("recurrent-state")).toBeCloseTo(mib, 1);
    expect(mibOf("kv-cache", "mtp")).toBe(32);
  },
);

test("koboldcpp is llama.cpp by another name", () => {
  const options = { dtype: "q4_k_m", contextTokens: 4096 };
  expect(estimate(llama, { ...options, engine: "koboldcpp" })).toEqual(
    estimate(llama, { ...options, engine: "llama.cpp" }),
  );
});

test("a release that is not known says whose constants stand for it", () => {
  expect(codes({ engine: "vllm@0.8.6" })).toContain("engine-version");
  expect(codes({ engine: "vllm@0.19" })).not.toContain("engine-version");
});
