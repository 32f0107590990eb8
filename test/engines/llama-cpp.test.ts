import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Mixer } from "../../src/architecture/mixers/mixer.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { backendTerm } from "../../src/engines/llama-cpp/backend.ts";
import { llamaCppCacheBytes } from "../../src/engines/llama-cpp/cache.ts";
import { type ComputeBufferInput, computeBufferBytes } from "../../src/engines/llama-cpp/compute-buffer.ts";
import { type GraphTensor, peakOf } from "../../src/engines/llama-cpp/graph-allocator.ts";
import { placeLayers } from "../../src/engines/llama-cpp/placement.ts";
import { multiprocessors } from "../../src/hardware/multiprocessors.ts";
import { LOADS, scoresOfLoad } from "../bench/accuracy-llama-cpp-total.ts";
import { gatedDelta, grouped, HAND, handModel } from "../memory/hand-model.ts";
import { ggmlCache } from "./cache-formats.ts";

const MIB = 2 ** 20;
const named = (name: string): Architecture => catalogueArchitecture(findCatalogueEntry(name)!.entry);
const latentOf = (queryHeads: number): Mixer => ({
  kind: "latent",
  queryHeads,
  latentDim: 512,
  ropeDim: 64,
  nopeDim: 128,
  valueDim: 128,
});
const qwen3Large = handModel([[[grouped(4, 128, { queryHeads: 64 })], 94]], {
  hiddenSize: 4096,
  vocabSize: 151_936,
  feedForward: {
    kind: "experts",
    experts: 128,
    activeExperts: 8,
    width: 1536,
    gated: true,
    activation: "silu",
    sharedWidth: 0,
  },
});
const qwen3Small = handModel([[[grouped(4, 128, { queryHeads: 32 })], 48]], {
  hiddenSize: 2048,
  vocabSize: 151_936,
});
const glm = handModel([[[grouped(8, 128, { queryHeads: 48 })], 61]], {
  hiddenSize: 6144,
  vocabSize: 151_552,
  feedForward: { kind: "dense", width: 23_040, gated: true, activation: "silu" },
});
const gemma27 = handModel([[[grouped(16, 128, { queryHeads: 32 })], 62]]);

describe("KV buffers as llama.cpp prints them, in MiB with two decimals", () => {
  test.for<readonly [string, Architecture, number, string, string, number]>([
    ["Qwen3-235B, 32,768 cells, q8_0: K 1598 + V 1598", qwen3Large, 32_768, "q8_0", "q8_0", 3196],
    ["Qwen3-235B, 65,536 cells, K q8_0 3196 + V f16 6016", qwen3Large, 65_536, "q8_0", "f16", 9212],
    ["Qwen3-30B, 32,768 cells, f16: 1536 + 1536", qwen3Small, 32_768, "f16", "f16", 3072],
    ["Llama-3.1-8B, 1024 cells, K iq4_nl 18 + V f16 64", HAND.llama31, 1024, "iq4_nl", "f16", 82],
    ["Gemma-3-27B with full windows, 131,072 cells", gemma27, 131_072, "f16", "f16", 63_488],
    ["DeepSeek-V3, 32,768 cells, latent in f16", HAND.deepseekV3, 32_768, "f16", "f16", 2196],
    ["DeepSeek-V3, 32,768 cells, latent in q8_0", HAND.deepseekV3, 32_768, "q8_0", "q8_0", 1166.625],
  ])("%s", ([, model, contextTokens, keys, values, mib]) => {
    const { kv } = llamaCppCacheBytes(model, { contextTokens, slots: 1, format: ggmlCache(keys, values) });
    expect((kv / MIB).toFixed(2)).toBe(mib.toFixed(2));
  });

  test("gpt-oss-120b, 262,144 tokens over 2 slots, -ub 1024: 9216 MiB full + 90 MiB window", () => {
    const { kv } = llamaCppCacheBytes(HAND.gptOss120, {
      contextTokens: 131_072,
      slots: 2,
      ubatchTokens: 1024,
      format: ggmlCache("f16", "f16"),
    });
    expect(kv / MIB).toBe(9216 + 90);
  });

  test("Qwen3-30B, 70,000 tokens in cells of 32, as builds of August 2025 did: 70,016 and 6564 MiB", () => {
    const format = ggmlCache("f16", "f16");
    const input = { contextTokens: 70_000, slots: 1, format };
    expect(llamaCppCacheBytes(qwen3Small, { ...input, padTokens: 32 }).kv / MIB).toBe(6564);
    expect(llamaCppCacheBytes(qwen3Small, input).kv / MIB).toBe(6576);
  });

  test.for([
    ["expanded: K 1464 + V 976", latentOf(128), "expanded", 2440],
    ["expanded, 64 heads (Kimi K2): K 732 + V 488", latentOf(64), "expanded", 1220],
    ["latent beside a transposed copy: 34.31 + 30.50", latentOf(128), "latent-and-values", 64.81],
    ["latent alone", latentOf(128), "latent", 34.31],
  ] as const)("512 cells of 61 latent layers, %s", ([, mixer, latentCache, mib]) => {
    const { kv } = llamaCppCacheBytes(handModel([[[mixer], 61]]), {
      contextTokens: 512,
      slots: 1,
      format: ggmlCache("f16", "f16"),
      latentCache,
    });
    expect((kv / MIB).toFixed(2)).toBe(mib.toFixed(2));
  });

  test("a model whose every layer slides is run in full", () => {
    const mistral = handModel([[[grouped(8, 128, { windowTokens: 4096 })], 32]]);
    const { kv } = llamaCppCacheBytes(mistral, {
      contextTokens: 32_768,
      slots: 1,
      format: ggmlCache("f16", "f16"),
    });
    expect(kv).toBe(32_768 * 131_072);
  });

  test("recurrent states are F32, one per slot: 4 x 18 x (3 x 6144 + 262,144) x 4 B", () => {
    const model = handModel([[[gatedDelta(6144, 262_144)], 18]]);
    const { kv, state } = llamaCppCacheBytes(model, {
      contextTokens: 4096,
      slots: 4,
      format: ggmlCache("f16", "f16"),
    });
    expect([kv, state]).toEqual([0, 4 * 18 * (3 * 6144 + 262_144) * 4]);
  });
});

describe("-ngl and --tensor-split", () => {
  test("94 layers, -ngl 95, halves: 48 + 46 and the head; KV 816 + 782 MiB as printed", () => {
    const { devices, cpu } = placeLayers({ layers: 94, gpuLayers: 95, split: [1, 1], head: "counts-last" });
    expect(devices).toEqual([
      { firstLayer: 0, layers: 48, output: false },
      { firstLayer: 48, layers: 46, output: true },
    ]);
    expect(cpu).toEqual({ firstLayer: 0, layers: 0, output: false });
  });

  test("94 layers, -ngl 63, the head last: CPU 31, GPUs 32 + 31 layers and the head on the CPU", () => {
    const { devices, cpu } = placeLayers({ layers: 94, gpuLayers: 63, split: [1, 1], head: "counts-last" });
    expect([cpu, ...devices]).toEqual([
      { firstLayer: 0, layers: 31, output: true },
      { firstLayer: 31, layers: 32, output: false },
      { firstLayer: 63, layers: 31, output: false },
    ]);
  });

  test("64 layers, -ngl 58, the head first: layers 0 to 6 stay on the CPU", () => {
    const { cpu, devices } = placeLayers({ layers: 64, gpuLayers: 58, split: [1], head: "counts-first" });
    expect(cpu.layers).toBe(7);
    expect(devices).toEqual([{ firstLayer: 7, layers: 57, output: true }]);
  });

  test("every layer lies somewhere, once, for any split", () => {
    for (const gpuLayers of [0, 1, 7, 31, 32, 33, 99])
      for (const split of [[1], [3, 1], [1, 0, 2], [0.1, 0.2, 0.3]])
        for (const head of ["counts-first", "counts-last"] as const) {
          const { cpu, devices } = placeLayers({ layers: 32, gpuLayers, split, head });
          const all = [cpu, ...devices];
          expect(all.reduce((sum, part) => sum + part.layers, 0)).toBe(32);
          expect(all.filter((part) => part.output)).toHaveLength(1);
        }
  });

  test("a split of nothing is refused", () =>
    expect(() => placeLayers({ layers: 32, gpuLayers: 1, split: [0, 0], head: "counts-last" })).toThrow(
      /--tensor-split got 0,0/,
    ));
});

describe("compute buffers", () => {
  test.for<readonly [string, Architecture, Parameters<typeof computeBufferBytes>[1], number]>([
    [
      "GLM-Z1-32B, 8192 cells without flash attention: 768 scores + 16 mask + 48",
      glm,
      { cells: 8192, ubatchTokens: 512, flashAttention: false, output: true, pipelineDevices: 1 },
      832,
    ],
    [
      "GLM-Z1-32B, 5120 cells with it: the head, 512 x (151,552 + 6144) x 4",
      glm,
      { cells: 5120, ubatchTokens: 512, flashAttention: true, output: true, pipelineDevices: 1 },
      308,
    ],
    [
      "Qwen3-30B, 70,016 cells without it: 4376 scores + 136.75 mask + 24",
      qwen3Small,
      { cells: 70_016, ubatchTokens: 512, flashAttention: false, output: true, pipelineDevices: 1 },
      4536.75,
    ],
    [
      "Qwen3-235B, -ub 2048: 2048 x (151,936 + 4096) x 4",
      qwen3Large,
      { cells: 32_768, ubatchTokens: 2048, flashAttention: true, output: true, pipelineDevices: 1 },
      1219,
    ],
  ])("%s", ([, model, input, mib]) =>
    expect(computeBufferBytes(model, { ...input, gatesInPlace: true }) / MIB).toBeCloseTo(mib, 1),
  );

  test("Gemma 4 E4B, 32,768 cells, no small cache: 57 MiB of gaps and slices below 512 MiB of logits, 569.01 as printed", () =>
    expect(
      computeBufferBytes(named("gemma-4-e4b"), {
        cells: 32_768,
        ubatchTokens: 512,
        flashAttention: true,
        output: true,
        pipelineDevices: 1,
        windows: Number.POSITIVE_INFINITY,
      }) / MIB,
    ).toBeCloseTo(569.01, 1));

  test.each([
    [512, 4096, 127.8],
    [512, 16_384, 139.8],
    [1024, 4096, 255.32],
    [1024, 16_384, 279.32],
    [2048, 4096, 513.35],
    [2048, 16_384, 561.35],
  ])("Gemma 4 12B on Metal, -ub %i, -c %i, q8_0: %f MiB as printed", (ubatchTokens, cells, mib) =>
    expect(
      Math.abs(
        computeBufferBytes(named("gemma-4-12b"), {
          cells,
          ubatchTokens,
          flashAttention: true,
          output: true,
          outputTokens: 1,
          halfMask: true,
          turned: { keys: true, values: true },
          pipelineDevices: 1,
        }) /
          MIB -
          mib,
      ),
    ).toBeLessThan(0.35),
  );

  test("four slots of one cache attend to four windows: 3 x 1024 x 512 x 2 B more of a mask", () => {
    const input = {
      cells: 8192,
      ubatchTokens: 512,
      flashAttention: true,
      output: true,
      outputTokens: 4,
      halfMask: true,
      pipelineDevices: 1,
      sequences: 4,
    } as const;
    const model = named("gemma-4-12b");
    expect(computeBufferBytes(model, { ...input, windows: 4 }) - computeBufferBytes(model, input)).toBe(
      3 * 1024 * 512 * 2,
    );
  });

  const onOneCard = (
    name: string,
    input: Pick<ComputeBufferInput, "cells" | "ubatchTokens" | "outputTokens" | "halfMask">,
  ): number =>
    computeBufferBytes(named(name), { ...input, flashAttention: true, output: true, pipelineDevices: 1 });

  // Load logs of builds that bring the mask in F16 and reserve logits for the sequences.
  test.for<readonly [string, string, number, number, number]>([
    ["Qwen3.8-27B, 262,144 cells, ROCm: 378.02", "qwen3.5-27b", 262_144, 512, 378.02],
    // 8 mask + 57 of gate, up and product + 5 residual + 8 of queries before rotation + 5 of a gap
    ["Qwen3-4B, 8192 cells, CUDA: 85.01, two of them not modelled", "qwen3-4b", 8192, 512, 83.01],
  ])("%s", ([, name, cells, ubatchTokens, mib]) => {
    const bytes = onOneCard(name, { cells, ubatchTokens, outputTokens: 1, halfMask: true });
    expect(bytes / MIB).toBeCloseTo(mib, 1);
  });

  // Load logs of 2025: the F32 mask is gone once the first layer has cast it.
  test.for<readonly [string, string, number, number, number]>([
    ["GLM-4.5-Air, 131,072 cells, -ub 4096: 3584.09", "glm-4.5-air", 131_072, 4096, 3584.09],
    ["gpt-oss-20b, 131,072 cells, -ub 2048: 1672.08", "gpt-oss-20b", 131_072, 2048, 1672.08],
    ["Qwen3.6-35B-A3B, 54,784 cells: 493.00", "qwen3.6-35b-a3b", 54_784, 512, 493],
  ])("%s", ([, name, cells, ubatchTokens, mib]) => {
    const bytes = onOneCard(name, { cells, ubatchTokens });
    expect(Math.abs(bytes / MIB / mib - 1)).toBeLessThan(0.01);
  });
});

describe("ggml's graph allocator", () => {
  const tensor = (bytes: number, reads: readonly GraphTensor[] = [], over?: GraphTensor): GraphTensor => ({
    name: "t",
    bytes,
    reads,
    ...(over === undefined ? {} : { over }),
  });

  test("a chain of 512, 256 and 512 B: the third takes the place of the first, 768 B", () => {
    const a = tensor(512);
    const b = tensor(256, [a]);
    expect(peakOf([a, b, tensor(512, [b])]).bytes).toBe(768);
  });

  test("in place where one reads: 512 B for two; not where a second reads: 1024 B", () => {
    const a = tensor(512);
    const b = tensor(512, [a], a);
    expect(peakOf([a, b]).bytes).toBe(512);
    expect(peakOf([a, b, tensor(0, [a])]).bytes).toBe(1024);
  });

  test("a gap of 256 B that the next 512 B do not fit in stays a gap: 256 + 512 + 512", () => {
    const a = tensor(256);
    const b = tensor(512, [a]);
    const c = tensor(512, [b]);
    expect(peakOf([a, b, c, tensor(0, [b, c])]).bytes).toBe(1280);
  });
});

describe("a CUDA context", () => {
  test.each([
    ["rtx-5070-laptop", 154],
    ["a40", 297],
    ["rtx-4090", 453],
    ["rtx-3060-12gb", 119],
    ["rtx-pro-6000", 612],
  ])("%s: about %i MiB", (id, mib) => {
    const count = multiprocessors(id);
    if (count === undefined) throw new Error(id);
    const { bytes, low, high } = backendTerm({
      backend: "cuda",
      card: { totalBytes: 0, multiprocessors: count },
    });
    expect(Math.abs(bytes / MIB / mib - 1)).toBeLessThan(0.2);
    expect([low / MIB <= mib, high / MIB >= mib]).toEqual([true, true]);
  });
});

describe("load logs of test/vectors/llama-cpp-loads.json", () => {
  test("each row has an id of its own, a source and a build", () => {
    expect(new Set(LOADS.map(({ id }) => id)).size).toBe(LOADS.length);
    for (const { source, build } of LOADS) expect(source.length > 10 && /^b\d{4,5}$/.test(build)).toBe(true);
  });

  const parts = (id: string) => scoresOfLoad(LOADS.find((load) => load.id === id)!)[0]!.parts!;

  test("a fused qkv: 2560 x 7680 + 2560 x 2560 x 4 B of gaps beside 128 MiB of scores, Q5_K in Q4_K_M", () => {
    for (const id of [
      "pythia-2.8b-q2k",
      "pythia-2.8b-q3km",
      "pythia-2.8b-q4km",
      "pythia-2.8b-q5km",
      "phi-3-mini-q4km",
    ])
      for (const [predicted, measured] of Object.values(parts(id)))
        expect(Math.abs(predicted - measured), id).toBeLessThan(0.02);
  });

  test("a quantized cache turns its heads: 12 MiB of queries and a matrix of 256 x 256 x 4 B beside 642.51", () => {
    const [predicted, measured] = parts("qwen3.6-27b-200k").compute!;
    expect(Math.abs(predicted - measured)).toBeLessThan(0.05);
  });

  test("15 of 33 slots offloaded: 2049.43 + 1792.00 + 248.00 MiB, the compute buffer met to 1 %", () => {
    const { model, context, compute } = parts("hermes-3-8b-partial");
    expect([model![0].toFixed(2), context![0]]).toEqual(["2049.43", 1792]);
    expect(Math.abs(compute![0] / 248 - 1)).toBeLessThan(0.01);
  });

  test("two cards: layers, head and both buffers as printed", () => {
    const found = scoresOfLoad(LOADS.find(({ id }) => id === "cpp-6122")!).map((card) =>
      Math.abs(card.predicted / card.measured - 1),
    );
    expect(Math.max(...found)).toBeLessThan(0.0001);
  });
});
