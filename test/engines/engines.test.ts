import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { ENGINE_IDS } from "../../src/engines/engine.ts";
import { parseEngine } from "../../src/engines/engine-name.ts";
import type { EngineInput } from "../../src/engines/engine-set.ts";
import { computeBufferBytes } from "../../src/engines/llama-cpp/compute-buffer.ts";
import { copiedWeights } from "../../src/engines/llama-cpp/copied-weights.ts";
import { withoutExperts } from "../../src/engines/llama-cpp/offload.ts";
import { serveOn } from "../../src/engines/registry.ts";
import { allocatedBytes, weightRounding } from "../../src/engines/torch-allocator.ts";
import { versionRow } from "../../src/engines/versions.ts";
import { defaultLimits, rotaryTableBytes } from "../../src/engines/vllm/profile.ts";
import { VLLM_VERSIONS } from "../../src/engines/vllm/versions.ts";
import { formatByName } from "../../src/formats/format-names.ts";
import { sumTerms } from "../../src/memory/term.ts";
import { SINGLE_DEVICE } from "../../src/parallelism/degrees.ts";
import { uniformStorage } from "../../src/quantization/storage.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { storageFromConfig } from "../../src/quantization/storage-from-config.ts";
import { bf16Cache, ggmlCache } from "./cache-formats.ts";
import { MEASURED, modelOf } from "./measured-rows.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

const named = (config: string) => {
  const model = modelOf(MEASURED.find((row) => row.config === config)!);
  if (typeof model === "string") throw new Error(model);
  return model;
};
const llama = named("llama-3.1-8b");
const phi4 = named("phi-4");
const qwenMoe = named("qwen3-30b-a3b");

const base: EngineInput = {
  model: llama,
  storage: uniformStorage(formatByName("bf16")),
  format: bf16Cache,
  contextTokens: 8192,
  sequences: 1,
  computeBytes: 2,
  degrees: SINGLE_DEVICE,
  card: { totalBytes: 79.19 * GIB, generation: "hopper" },
};
const bytesOf = (input: EngineInput, engine: "vllm" | "llama.cpp" | "transformers" | "sglang", id: string) =>
  serveOn(engine, input).devices.map((device) => device.terms.find((t) => t.id === id)?.bytes);

describe("every engine", () => {
  test.for(ENGINE_IDS)("%s: each term once, low <= bytes <= high, in whole bytes", (engine) => {
    for (const model of [llama, phi4, qwenMoe, named("gpt-oss-20b"), named("deepseek-v3")]) {
      for (const sequences of [1, 7]) {
        for (const device of serveOn(engine, { ...base, model, sequences }).devices) {
          const ids = device.terms.map((t) => t.id);
          expect(new Set(ids).size).toBe(ids.length);
          for (const t of device.terms) {
            expect(t.low <= t.bytes && t.bytes <= t.high).toBe(true);
            expect([t.low, t.bytes, t.high].every((n) => Number.isSafeInteger(n) && n >= 0)).toBe(true);
            if (t.basis === "exact") expect(t.high - t.low).toBe(0);
          }
        }
      }
    }
  });

  test.for(ENGINE_IDS)("%s: more context, more sequences: never less memory", (engine) => {
    const total = (contextTokens: number, sequences: number): number =>
      sumTerms(serveOn(engine, { ...base, contextTokens, sequences }).devices[0]!.terms).bytes;
    let before = 0;
    for (const context of [1, 100, 255, 256, 257, 4096, 8192, 131_072]) {
      expect(total(context, 1)).toBeGreaterThanOrEqual(before);
      before = total(context, 1);
    }
    expect(total(8192, 2)).toBeGreaterThan(total(8192, 1));
  });
});

describe("vLLM", () => {
  test("one request of 8192 tokens: 512 blocks x 16 x 131,072 B = 1 GiB", () =>
    expect(bytesOf(base, "vllm", "kv-cache")).toEqual([GIB]));

  test("half the rows halve the sampler; at 256 rows the widest layer sets the peak", () => {
    const [many] = bytesOf(base, "vllm", "logits");
    const [half] = bytesOf({ ...base, maxNumSeqs: 512 }, "vllm", "logits");
    expect(half! * 2 - many!).toBeLessThanOrEqual(1);
    expect(bytesOf({ ...base, maxNumSeqs: 256 }, "vllm", "logits")).toEqual([undefined]);
    expect(bytesOf({ ...base, maxNumSeqs: 256 }, "vllm", "activations")).toEqual([
      8192 * (4 * 4096 + 3 * 14_336) * 2 + 16 * MIB,
    ]);
  });

  test("eager layers add in place: a hidden state less per token", () => {
    const compiled = bytesOf({ ...base, maxNumSeqs: 256 }, "vllm", "activations")[0]!;
    const eager = bytesOf({ ...base, maxNumSeqs: 256, enforceEager: true }, "vllm", "activations")[0]!;
    expect(compiled - eager).toBe(8192 * 4096 * 2);
  });

  test("0.11 sorts: 38.1 B per row and vocabulary entry, 4.76 GiB with its hidden states in the log", () => {
    const old = { ...base, version: "0.11" };
    const peak = bytesOf(old, "vllm", "logits")[0]! + bytesOf(old, "vllm", "activations")[0]!;
    expect(peak / GIB).toBeCloseTo(4.76, 2);
  });

  test("the rotary table of Llama-3.1-8B: 131,072 x 128 x 2 B = 32 MiB", () =>
    expect(rotaryTableBytes(llama, 2)).toBe(32 * MIB));

  test("stages share the poorest pool", () => {
    const { devices } = serveOn("vllm", { ...base, degrees: { ...SINGLE_DEVICE, pp: 4 } });
    expect(devices.map((d) => d.id)).toEqual(["pp0", "pp1", "pp2", "pp3"]);
    expect(new Set(devices.map((d) => d.pool!.blocks)).size).toBe(1);
  });

  test("a model larger than the card leaves an empty pool, not a negative one", () => {
    const [device] = serveOn("vllm", { ...base, card: { totalBytes: 8 * GIB } }).devices;
    expect(device!.pool).toMatchObject({ blocks: 0, tokens: 0, maxConcurrency: 0 });
  });
});

describe("vLLM's releases", () => {
  const poolGiB = (version: string): number => {
    const [device] = serveOn("vllm", {
      ...base,
      version,
      gpuMemoryUtilization: 0.9,
      maxNumSeqs: 256,
    }).devices;
    return (device!.pool!.blocks * device!.pool!.bytesPerBlock) / GIB;
  };
  test("0.8 counts the driver context against the budget, 0.9.2 does not: 522 MiB on an H100", () => {
    expect(poolGiB("0.9.2") - poolGiB("0.9")).toBeCloseTo(522 / 1024, 2);
    expect(poolGiB("0.6.5") - poolGiB("0.6.4")).toBeCloseTo(522 / 1024, 2);
  });

  test("0.20 counts its graphs against the budget, 0.2 + 32 x 0.00975 x 86 / 102 GiB, unless there are none", () => {
    expect(poolGiB("0.19") - poolGiB("0.20")).toBeCloseTo(0.2 + (32 * 0.00975 * 86) / 102, 2);
    const eager = (version: string) =>
      serveOn("vllm", { ...base, version, enforceEager: true, gpuMemoryUtilization: 0.9 }).devices[0]!.pool;
    expect(eager("0.20")).toEqual(eager("0.19"));
  });

  test("the default utilization is 0.9, from 0.20 on 0.92", () => {
    expect(serveOn("vllm", { ...base, version: "0.19" }).options).toMatchObject({
      gpuMemoryUtilization: 0.9,
    });
    expect(serveOn("vllm", base).options).toMatchObject({ gpuMemoryUtilization: 0.92 });
  });

  const a100 = { totalBytes: 79 * GIB, generation: "ampere" };
  const b200 = { totalBytes: 178 * GIB, generation: "blackwell" };
  const l40s = { totalBytes: 44 * GIB, generation: "ada" };
  test.for([
    ["0.8.3", base.card!, 1024, 8192],
    ["0.8.3", b200, 1024, 2048],
    ["0.8.3", l40s, 1024, 2048],
    ["0.8.4", base.card!, 1024, 8192],
    ["0.8.4", b200, 256, 2048],
    ["0.8.5", b200, 1024, 8192],
    ["0.8.5", a100, 1024, 8192],
    ["0.9", a100, 256, 2048],
    ["0.9", b200, 1024, 8192],
    ["0.20", l40s, 256, 2048],
  ] as const)("%s on %o: %d sequences, %d tokens", ([release, card, maxNumSeqs, maxBatchedTokens]) =>
    expect(defaultLimits(card, { version: versionRow(VLLM_VERSIONS, release) })).toEqual({
      maxNumSeqs,
      maxBatchedTokens,
    }),
  );
});

describe("vLLM's flags and kernels", () => {
  const logitsOf = (input: Partial<EngineInput>) => bytesOf({ ...base, ...input }, "vllm", "logits")[0];
  test("the sampler: 38.1 B per row and entry where it sorts, 14.65 where FlashInfer's is there", () => {
    expect(logitsOf({ version: "0.11" })).toBe(Math.round(1024 * 128_256 * 38.1));
    expect(logitsOf({ version: "0.11", flashinferSampler: true })).toBe(Math.round(1024 * 128_256 * 14.65));
    expect(logitsOf({ version: "0.19", flashinferSampler: false })).toBe(Math.round(1024 * 128_256 * 38.1));
    expect(logitsOf({ version: "0.17.1" })).toBe(Math.round(1024 * 128_256 * 14.65));
  });

  const poolOf = (input: Partial<EngineInput>) => serveOn("vllm", { ...base, ...input }).devices[0]!.pool!;
  test("a pool that is given: 10 GiB of blocks of 2 MiB, or so many blocks", () => {
    expect(poolOf({ kvCacheMemoryBytes: 10 * GIB }).blocks).toBe(5120);
    expect(poolOf({ numGpuBlocks: 512 })).toMatchObject({ blocks: 512, tokens: 8192 });
  });

  const gptOss = named("gpt-oss-120b");
  test("a window of 128 keeps one step of 8192 tokens besides itself, from 0.26 on two: 521 and 1033 blocks", () => {
    const blocksOf = (version: string): number =>
      poolOf({ model: gptOss, contextTokens: 131_072, version }).blocksPerRequest;
    expect([blocksOf("0.25"), blocksOf("0.26")]).toEqual([8192 + 521, 8192 + 1033]);
  });

  const mxfp4 = storageFromConfig({ quantization_config: { quant_method: "mxfp4" } }, "config.json")!;
  const paddingOf = (generation: string, tp: number): number => {
    const degrees = { ...SINGLE_DEVICE, tp };
    const card = { totalBytes: 80 * GIB, generation };
    return bytesOf({ ...base, model: gptOss, storage: mxfp4, degrees, card }, "vllm", "allocator")[0]!;
  };
  // Gate, up and down: half a byte a value, and a scale for 32 values of a row.
  const experts = (width: number, hidden: number): number =>
    36 * 128 * (1.5 * width * hidden + 2 * width * Math.ceil(hidden / 32) + hidden * Math.ceil(width / 32));
  test("MXFP4 experts of 2880 x 2880: Triton pads widths to 3072, Marlin to 2944 and the hidden size to 3072", () => {
    expect(paddingOf("hopper", 1)).toBe(experts(3072, 2880) - experts(2880, 2880));
    expect(paddingOf("ampere", 1)).toBe(experts(2944, 3072) - experts(2880, 2880));
    expect(paddingOf("ampere", 4)).toBe(experts(768, 3072) - experts(720, 2880));
  });

  test("states of more sequences than the pool has blocks: vLLM does not start", () => {
    const hybrid = named("qwen3.6-35b-a3b");
    const input = { ...base, model: hybrid, storage: storageByName("fp8"), gpuMemoryUtilization: 0.55 };
    const { devices, notes } = serveOn("vllm", input);
    expect(devices[0]!.pool!.blocks).toBeLessThan(1024);
    expect(notes.map(({ code }) => code)).toEqual(["state-blocks"]);
    expect(serveOn("vllm", { ...input, maxNumSeqs: 2 }).notes).toEqual([]);
    expect(serveOn("vllm", base).notes).toEqual([]);
  });

  test.for(["0.22.1rc1", "0.8.5.post1", "0.20.1.dev1+g0012cf6", "v0.19"])("vllm@%s is a version", (version) =>
    expect(parseEngine(`vllm@${version}`).engine).toBe("vllm"),
  );
});

describe("vLLM before 0.8: the V0 engine", () => {
  const v0 = { version: versionRow(VLLM_VERSIONS, "0.6.4") };
  test("256 sequences on every card, and a step holds the longest prompt", () => {
    expect(defaultLimits(base.card, { ...v0, contextTokens: 20_000 })).toEqual({
      maxNumSeqs: 256,
      maxBatchedTokens: 20_000,
    });
    expect(defaultLimits(base.card, { ...v0, contextTokens: 1000 }).maxBatchedTokens).toBe(2048);
    expect(defaultLimits(base.card, { ...v0, contextTokens: 131_072 }).maxBatchedTokens).toBe(512);
    const later = { version: versionRow(VLLM_VERSIONS, "0.6.5"), contextTokens: 131_072 };
    expect(defaultLimits(base.card, later).maxBatchedTokens).toBe(2048);
    expect(defaultLimits(base.card)).toEqual({ maxNumSeqs: 1024, maxBatchedTokens: 8192 });
  });

  test("Llama-3-8B on an H100: 256 x 128,256 x 38.1 B + 8192 x 4096 x 2 B + 36 MiB, 1.23 GiB of the log's 1.26", () => {
    const input = { ...base, version: "0.6.4" };
    const logits = Math.round(256 * 128_256 * 38.1);
    expect(bytesOf(input, "vllm", "logits")).toEqual([logits]);
    expect(bytesOf(input, "vllm", "activations")).toEqual([8192 * 4096 * 2 + 36 * MIB]);
  });
});

describe("vLLM 0.6.4 on an RTX 3090, Llama-3.1-8B (issue 10517: peaks of 17.06, 17.98 and 15.05 GiB over weights of 14.9888)", () => {
  const card = { totalBytes: Math.round(23.58 * GIB), generation: "ampere" };
  test.for([
    [20_000, 17.06],
    [29_000, 17.98],
    [35_000, 15.05],
  ] as const)("%d tokens: a peak of %d GiB", ([contextTokens, peakGiB]) => {
    const input = { ...base, card, contextTokens, version: "0.6.4" };
    const activations = bytesOf(input, "vllm", "activations")[0]!;
    expect(bytesOf(input, "vllm", "logits")).toEqual([undefined]);
    expect(activations / GIB).toBeCloseTo(peakGiB - 14.9888, 1);
  });
});

describe("what PyTorch counts", () => {
  test.for([
    [1, 512],
    [9 * MIB + 1, 9 * MIB + 512],
    [259 * MIB, 260 * MIB],
    [24.5 * MIB, 24.5 * MIB],
    [32 * MIB, 32 * MIB],
  ] as const)("%i B are allocated as %i", ([asked, counted]) => expect(allocatedBytes(asked)).toBe(counted));

  test("Phi-4: 1 MiB of qkv and 1 of down in 40 layers; Llama-3.1-8B is even", () =>
    expect([weightRounding(phi4, 2), weightRounding(llama, 2)]).toEqual([80 * MIB, 0]));
});

describe("llama.cpp", () => {
  const cpp: EngineInput = {
    ...base,
    model: qwenMoe,
    contextTokens: 32_768,
    format: ggmlCache("f16", "f16"),
  };

  test("Qwen3-30B-A3B, 32,768 cells: KV 3072 MiB and a compute buffer of 300.75 MiB, as printed", () => {
    expect(bytesOf(cpp, "llama.cpp", "kv-cache")).toEqual([3072 * MIB]);
    // 512 x (151,936 + 2048) x 4 B, as builds up to May 2026 reserve
    const [bytes] = bytesOf({ ...cpp, version: "b7342" }, "llama.cpp", "activations");
    expect(bytes! / MIB).toBeCloseTo(300.75, 1);
  });

  test("over two GPUs: KV 1600 + 1472 MiB, and inputs of a pipeline on both", () => {
    const two = { ...cpp, tensorSplit: [1, 1], version: "b6000" };
    expect(bytesOf(two, "llama.cpp", "kv-cache")).toEqual([1600 * MIB, 1472 * MIB]);
  });

  test("the input embedding stays on the CPU; a tied one is copied for the head", () => {
    const tied = named("qwen2.5-3b");
    const rest = llama.parameters.total - 128_256 * 4096;
    const heldOf = (model: typeof llama): number =>
      serveOn("llama.cpp", { ...cpp, model }).devices[0]!.held.parameters.total;
    expect(heldOf(llama)).toBe(rest);
    expect(heldOf(tied)).toBe(tied.parameters.total);
  });

  test("Gemma 3n's table of embeddings for every layer stays on the CPU; its projection goes with layer 0", () => {
    const { held } = serveOn("llama.cpp", {
      ...cpp,
      model: catalogueArchitecture(findCatalogueEntry("gemma-3n-e4b")!.entry),
    }).devices[0]!;
    const names = held.tensors.map(({ name }) => name.replace(/^.*?language_model\./, ""));
    expect(names.filter((name) => /embed_tokens|per_layer_model/.test(name))).toEqual([
      "embed_tokens.weight",
      "per_layer_model_projection.weight",
    ]);
  });

  test("--n-cpu-moe 48 takes all 48 x 128 x 3 x 2048 x 768 expert weights off the GPU", () => {
    const experts = 48 * 128 * 3 * 2048 * 768;
    expect(qwenMoe.parameters.total - withoutExperts(qwenMoe, 48).parameters.total).toBe(experts);
    expect(qwenMoe.parameters.total - withoutExperts(qwenMoe, 12).parameters.total).toBe(experts / 4);
    const [all] = serveOn("llama.cpp", cpp).devices;
    const [few] = serveOn("llama.cpp", { ...cpp, cpuExpertLayers: 48 }).devices;
    expect(all!.held.parameters.total - few!.held.parameters.total).toBe(experts);
  });

  test("--cpu-moe is --n-cpu-moe of every layer; --no-kv-offload leaves no cache, but a layer's copy, on the GPU", () => {
    const all = serveOn("llama.cpp", { ...cpp, cpuExpertLayers: 48 }).devices[0]!;
    const moe = serveOn("llama.cpp", { ...cpp, cpuExperts: true }).devices[0]!;
    expect(moe.held.parameters.total).toBe(all.held.parameters.total);
    expect(moe.terms).toEqual(all.terms);
    const host = serveOn("llama.cpp", { ...cpp, hostCache: true }).devices[0]!;
    expect(host.terms.map(({ id }) => id)).toEqual(["activations", "runtime"]);
    // 32,768 cells x 4 heads x 128 x 2 B, keys and values
    expect(host.terms[0]!.bytes).toBeGreaterThan(2 * 32_768 * 4 * 128 * 2);
  });

  test("-b 256 makes micro-batches of 256", () => {
    const options = { ...cpp, version: "b9000" };
    expect(bytesOf({ ...options, batchTokens: 256 }, "llama.cpp", "activations")).toEqual(
      bytesOf({ ...options, ubatchTokens: 256 }, "llama.cpp", "activations"),
    );
  });

  test("-ngl 0: no weights, no cache; the GPU works on copies, here of the head, with 512 rows of it", () => {
    const [device] = serveOn("llama.cpp", { ...cpp, gpuLayers: 0, version: "b9000" }).devices;
    expect(device!.held.parameters.total).toBe(0);
    expect(device!.terms.map((t) => t.id)).toEqual(["activations", "runtime"]);
    const head = 151_936 * 2048 * 2;
    const least = head + 512 * (151_936 + 2048) * 4;
    expect(device!.terms[0]!.bytes).toBeGreaterThanOrEqual(least);
    expect(device!.terms[0]!.bytes).toBeLessThan(least * 1.05);
  });

  test("-ngl 0 with micro-batches under 32 leaves the GPU alone", () => {
    const [device] = serveOn("llama.cpp", { ...cpp, gpuLayers: 0, ubatchTokens: 16 }).devices;
    expect([device!.held.parameters.total, device!.terms.length]).toEqual([0, 0]);
  });

  const big = {
    ...cpp,
    model: named("qwen3-235b-a22b"),
    storage: storageByName("q6_k"),
    contextTokens: 16_384,
  };
  const expertTensor = (128 * 1536 * 4096 * 210) / 256;

  test("experts on the CPU: one projection of all of them, 630 MiB in Q6_K, beside its layer's moment", () => {
    const [device] = serveOn("llama.cpp", { ...big, cpuExpertLayers: 94, version: "b9000" }).devices;
    expect(expertTensor).toBe(630 * MIB);
    // Eight experts' product and output, two rows of hidden and the mask in F16 live beside it; gaps do as well.
    const live = 512 * (8 * (1536 + 4096) + 2 * 4096) * 4 + 16_384 * 512 * 2;
    const bytes = device!.terms.find((t) => t.id === "activations")!.bytes;
    expect(bytes).toBeGreaterThanOrEqual(expertTensor + live);
    expect(bytes).toBeLessThan(expertTensor + live * 1.5);
  });

  test("replicas are servers of their own: 8 slots over 2 of them are 4 slots on each of 2 GPUs", () => {
    const [device] = serveOn("llama.cpp", {
      ...cpp,
      sequences: 8,
      degrees: { ...SINGLE_DEVICE, dp: 2 },
    }).devices;
    expect(device!.count).toBe(2);
    expect(device!.terms.find((t) => t.id === "kv-cache")!.bytes).toBe(4 * 3072 * MIB);
  });

  test("expert parallelism is refused, not ignored", () =>
    expect(() => serveOn("llama.cpp", { ...cpp, degrees: { tp: 2, pp: 1, ep: 2, dp: 1 } })).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    ));

  test("the first of two GPUs works for the CPU, the second does not", () => {
    const input = { ...big, cpuExpertLayers: 94, tensorSplit: [1, 1] };
    const [first, second] = bytesOf(input, "llama.cpp", "activations");
    expect(first! > expertTensor && second! < expertTensor).toBe(true);
  });

  test("a log with the experts on the CPU: 774.00 MiB on CUDA0, met to 1.1 %", () => {
    const { model, storage } = big;
    const cpu = { firstLayer: 0, layers: 0, output: false };
    const copied = copiedWeights(model, { cpu, cut: 94, storage, ubatchTokens: 512 })!;
    const bytes = computeBufferBytes(model, {
      cells: 16_384,
      ubatchTokens: 512,
      flashAttention: true,
      output: true,
      pipelineDevices: 1,
      halfMask: true,
      gatesInPlace: true,
      copied: { ...copied, cpu: null, cut: true, cache: cpp.format },
    });
    expect(Math.abs(bytes / (774 * MIB) - 1)).toBeLessThan(0.011);
  });
});

describe("transformers", () => {
  test("logits: the last position since 4.45, 8192 of them before", () => {
    const [now] = bytesOf(base, "transformers", "logits");
    const [then] = bytesOf({ ...base, version: "4.40" }, "transformers", "logits");
    expect([now, then]).toEqual([128_256 * 6, 8192 * 128_256 * 6]);
  });

  test("eager attention at 8192 tokens: 32 heads x 8192^2 x 8 B = 16 GiB of scores", () => {
    const [flash] = bytesOf(base, "transformers", "activations");
    const [eager] = bytesOf({ ...base, attention: "eager" }, "transformers", "activations");
    expect(eager! - flash!).toBe(16 * GIB);
  });

  test("latent attention is compressed since 5, expanded before: 71 times the cache", () => {
    const deep = { ...base, model: named("deepseek-v3") };
    const [now] = bytesOf(deep, "transformers", "kv-cache");
    const [then] = bytesOf({ ...deep, version: "4.57" }, "transformers", "kv-cache");
    expect([now! / 8192, then! / 8192]).toEqual([70_272, 4_997_120]);
  });
});

describe("transformers before 4.36: tuples", () => {
  const qwen: EngineInput = { ...base, model: named("qwen-7b"), version: "4.32" };

  test("8192 tokens generated from one: old and new cache, 2 x 32 x 2 x 4096 x 2 B x 8192 less the prompt's", () => {
    const input = { ...qwen, promptTokens: 1 };
    // One token: 4096 x 2 B kept, 151,936 x 2 B of logits in bf16.
    const prefill = 4096 * 2 + 151_936 * 2;
    expect(bytesOf(input, "transformers", "kv-cache")).toEqual([4 * GIB]);
    expect(bytesOf(input, "transformers", "allocator")).toEqual([4 * GIB - prefill]);
    const { terms } = serveOn("transformers", input).devices[0]!;
    const grown = terms.find((t) => t.id === "allocator")!;
    expect(grown.low).toBe(grown.bytes);
  });

  test("2048 tokens read at once: values are views of q, k and v, 32 x 2048 x (4096 + 3 x 4096) x 2 B", () => {
    const input = { ...qwen, contextTokens: 2048, promptTokens: 2048 };
    expect(bytesOf(input, "transformers", "kv-cache")).toEqual([2 * GIB]);
    expect(bytesOf(input, "transformers", "logits")).toEqual([2048 * 151_936 * 2]);
    expect(bytesOf(input, "transformers", "activations")).toEqual([2048 * 4096 * 2]);
    expect(bytesOf(input, "transformers", "allocator")).toEqual([0]);
  });

  test("a DynamicCache copies: 1 GiB of Llama's cache at 8192 tokens, and may give its second copy back", () => {
    const { terms } = serveOn("transformers", { ...base, promptTokens: 1 }).devices[0]!;
    const grown = terms.find((t) => t.id === "allocator")!;
    expect(grown.low).toBe(GIB / 32);
    expect(grown.bytes).toBeGreaterThan(0.99 * GIB);
  });

  test("a prompt of 8192: the layers' 8192 x (4 x 4096 + 3 x 14336) x 2 B are reused by the growing cache", () => {
    const layers = 8192 * (4 * 4096 + 3 * 14_336) * 2;
    const [read] = bytesOf(base, "transformers", "activations");
    const [logits] = bytesOf(base, "transformers", "logits");
    expect(read! + logits!).toBe(layers);
    expect(bytesOf(base, "transformers", "allocator")).toEqual([GIB - layers]);
  });
});

describe("transformers with bitsandbytes", () => {
  const nf4 = { ...base, storage: storageByName("nf4") };
  const cublas = 32 * MIB;

  test("a prompt unpacks one matrix at a time: 14,336 x 4096 x 2 B; a single row needs none", () => {
    expect(bytesOf(nf4, "transformers", "workspace")).toEqual([cublas + 14_336 * 4096 * 2]);
    expect(bytesOf({ ...nf4, promptTokens: 1 }, "transformers", "workspace")).toEqual([cublas]);
    expect(bytesOf(base, "transformers", "workspace")).toEqual([cublas]);
  });
});

describe("names and versions", () => {
  test.for([
    ["vllm", { engine: "vllm" }],
    ["vllm@0.11", { engine: "vllm", version: "0.11" }],
    ["HF", { engine: "transformers" }],
    ["llama-cpp@b6000", { engine: "llama.cpp", version: "b6000" }],
  ] as const)("%s", ([text, name]) => expect(parseEngine(text)).toEqual(name));

  test("an unknown engine names the known ones", () =>
    expect(() => parseEngine("vlm")).toThrow(/unknown engine "vlm": did you mean vllm\?/));
  test.each(["constructor", "toString", "__proto__"])("%s is a name of no engine", (name) =>
    expect(() => parseEngine(name)).toThrow(/unknown engine/),
  );
  test("a version is numbers", () => expect(() => parseEngine("vllm@latest")).toThrow(/vllm@0.19/));

  test("constants of the newest row that is not newer", () => {
    const at = (version: string | undefined): string => versionRow(VLLM_VERSIONS, version).version;
    expect(["0.1", "0.7.2", "0.11", "0.19", "0.19.1", "0.27", undefined].map(at)).toEqual([
      "0.6",
      "0.6.5",
      "0.9.2",
      "0.19",
      "0.19",
      "0.27",
      "0.27",
    ]);
  });
});
