/** Options that change nothing are said, and only those: each is tried on models and engines of every kind. */
import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { estimateNoted } from "../../src/estimate/estimate-noted.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";

const named = (name: string) => catalogueArchitecture(findCatalogueEntry(name)!.entry);
const card = { totalBytes: 79 * 2 ** 30, generation: "hopper" };
const MODELS = [
  "llama-3.1-8b",
  "gemma-3-4b",
  "bge-m3",
  "qwen3-next-80b-a3b",
  "mamba-2.8b",
  "gpt-oss-20b",
  "deepseek-v3",
  "qwen2.5-vl-7b",
  "t5-base",
] as const;

/** Flags of each engine at a value that is not the default, and what they are called on the command line. */
const FLAGS: {
  readonly [engine: string]: readonly (readonly [string, NonNullable<EstimateOptions["engineOptions"]>])[];
} = {
  vllm: [
    ["gpu-memory-utilization", { gpuMemoryUtilization: 0.99 }],
    ["kv-cache-memory-bytes", { kvCacheMemoryBytes: 2 ** 33 }],
    ["num-gpu-blocks-override", { numGpuBlocks: 1000 }],
    ["enable-prefix-caching", { prefixCaching: false }],
    ["disable-hybrid-kv-cache-manager", { hybridManager: false }],
    ["num-speculative-tokens", { speculativeTokens: 3 }],
  ],
  sglang: [
    ["mem-fraction-static", { memFractionStatic: 0.5 }],
    ["disable-radix-cache", { disableRadixCache: true }],
  ],
  transformers: [["cache-implementation", { cache: "static" }]],
  "llama.cpp": [
    ["n-cpu-moe", { cpuExpertLayers: 4 }],
    ["cpu-moe", { cpuExperts: true }],
    ["swa-full", { swaFull: true }],
    ["fa", { flashAttention: false }],
    ["no-kv-offload", { hostCache: true }],
    ["mmproj", { projector: true }],
    ["num-speculative-tokens", { speculativeTokens: 3 }],
  ],
};

const noted = (result: ReturnType<typeof estimateNoted>): readonly unknown[] =>
  result.notes.filter(({ code }) => code === "idle-option").map(({ details }) => details?.option);

const sizes = ({ devices }: ReturnType<typeof estimateNoted>): unknown =>
  devices.map(({ terms, pool }) => [
    terms.map(({ id, bytes }) => [id, bytes]),
    pool?.blocks,
    pool?.filledBytes,
  ]);

describe.for(Object.keys(FLAGS))("%s: a flag is noted exactly where it moves nothing", (engine) => {
  test.for(MODELS.flatMap((name) => [[name, false] as const, [name, true] as const]))(
    "%s, with a card: %s",
    ([name, held]) => {
      const model = named(name);
      // Room for a pool whatever the model.
      const big = { totalBytes: 4 * 2 ** 40, generation: "hopper" };
      const options: EstimateOptions = { engine, batch: 2, ...(held ? { card: big } : {}) };
      const plain = sizes(estimateNoted(model, options));
      for (const [flag, engineOptions] of FLAGS[engine]!) {
        const result = estimateNoted(model, { ...options, engineOptions });
        const moved = JSON.stringify(sizes(result)) !== JSON.stringify(plain);
        expect([flag, noted(result)]).toEqual([flag, moved ? [] : [`--set ${flag}`]]);
      }
    },
  );
});

describe("options of every engine", () => {
  test.each<[string, string, EstimateOptions, readonly string[]]>([
    ["a cache format without a cache", "bge-m3", { kvDtype: "fp8" }, ["--kv-dtype"]],
    ["states have a format of their own", "mamba-2.8b", { kvDtype: "fp8" }, ["--kv-dtype"]],
    ["auto asks for nothing", "mamba-2.8b", { kvDtype: "auto" }, []],
    ["a cache format with one", "llama-3.1-8b", { kvDtype: "fp8" }, []],
    [
      "weights alone have no context",
      "llama-3.1-8b",
      { weightsOnly: true, contextTokens: 8192, batch: 2, kvDtype: "fp8" },
      ["--context", "--batch", "--kv-dtype"],
    ],
    [
      "one buffer for one sequence",
      "llama-3.1-8b",
      { engine: "ollama", engineOptions: { unified: true } },
      ["--set kv-unified"],
    ],
    [
      "a pool that is set",
      "llama-3.1-8b",
      { engine: "vllm", card, engineOptions: { kvCacheMemoryBytes: 2 ** 33, gpuMemoryUtilization: 0.5 } },
      ["--set gpu-memory-utilization"],
    ],
    ["nothing asked for", "llama-3.1-8b", { engine: "vllm" }, []],
  ])("%s", (_, name, options, flags) => {
    expect(noted(estimateNoted(named(name), options))).toEqual(flags);
  });
});
