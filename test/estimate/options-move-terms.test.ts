/** Every option of `estimate`, and the terms that it moves: all others keep their bytes. */
import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/architecture/model.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import type { EstimateResult } from "../../src/estimate/serve.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { named, VISION } from "./estimate-models.ts";

interface Row {
  readonly model: Architecture;
  readonly before?: EstimateOptions;
  readonly change: EstimateOptions;
  readonly moves: readonly string[];
}

const llama = named("llama-3.1-8b");
const mixtral = named("mixtral-8x7b");
const deepseek = named("deepseek-v3");
const gemma = named("gemma-3-4b");
const qwenVl = VISION["qwen2.5-vl-3b"]!;
const draft = { id: "qwen2.5-0.5b", model: named("qwen2.5-0.5b") };
const card = { totalBytes: 79 * 2 ** 30, generation: "hopper" };
const vllm: EstimateOptions = { engine: "vllm", card };
const OWN = ["weights", "kv-cache", "activations", "logits", "runtime"];

/** A row for each option: a new one does not compile until it says what it moves. */
const ROWS: { readonly [option in keyof Required<EstimateOptions>]: readonly Row[] } = {
  dtype: [
    { model: llama, change: { dtype: "q4_k_m" }, moves: ["weights"] },
    { model: llama, before: vllm, change: { dtype: "fp8" }, moves: ["weights", "pool"] },
  ],
  stored: [{ model: llama, change: { stored: storageByName("nf4") }, moves: ["weights"] }],
  kvDtype: [
    { model: llama, change: { kvDtype: "q8_0/q4_0" }, moves: ["kv-cache"] },
    { model: llama, before: vllm, change: { kvDtype: "fp8" }, moves: ["kv-cache", "pool"] },
  ],
  calibratedKv: [
    { model: llama, before: vllm, change: { calibratedKv: "fp8" }, moves: ["kv-cache", "pool"] },
  ],
  contextTokens: [
    { model: llama, change: { contextTokens: 65_536 }, moves: ["kv-cache"] },
    { model: llama, change: { contextTokens: 1024 }, moves: ["kv-cache", "activations"] },
    { model: llama, before: vllm, change: { contextTokens: 65_536 }, moves: ["kv-cache", "pool"] },
  ],
  batch: [
    { model: llama, change: { batch: 8 }, moves: ["kv-cache", "logits"] },
    { model: llama, before: vllm, change: { batch: 8 }, moves: ["kv-cache"] },
  ],
  weightsOnly: [{ model: llama, change: { weightsOnly: true }, moves: OWN.filter((id) => id !== "weights") }],
  engine: [
    {
      model: llama,
      change: { engine: "vllm" },
      moves: ["activations", "logits", "runtime", "workspace"],
    },
    {
      model: llama,
      change: { engine: "llama.cpp" },
      // The input embedding stays in the host's memory.
      moves: ["weights", "activations", "logits", "runtime"],
    },
  ],
  attention: [
    { model: llama, change: { attention: "flash" }, moves: [] },
    { model: llama, change: { attention: "sdpa" }, moves: [] },
    { model: llama, change: { attention: "eager" }, moves: ["workspace"] },
    {
      model: llama,
      before: { engine: "transformers" },
      change: { attention: "eager" },
      // The cache grows after the scores are gone: what it then takes beyond them is less.
      moves: ["activations", "workspace", "allocator"],
    },
  ],
  padded: [
    { model: llama, before: { batch: 3 }, change: { padded: true }, moves: ["workspace"] },
    { model: llama, before: { batch: 3, attention: "flash" }, change: { padded: true }, moves: [] },
    {
      model: llama,
      before: { batch: 3, engine: "transformers" },
      change: { padded: true },
      moves: ["workspace"],
    },
  ],
  devices: [
    { model: llama, change: { devices: 1 }, moves: [] },
    {
      model: llama,
      before: { tp: 4 },
      // The degrees that eight cards are given when nobody says: tp 8.
      change: { devices: 8 },
      moves: [],
    },
  ],
  // Logits are gathered.
  tp: [
    {
      model: llama,
      change: { tp: 2 },
      moves: ["weights", "kv-cache", "activations", "communication"],
    },
  ],
  pp: [{ model: llama, change: { pp: 2 }, moves: ["weights", "kv-cache", "communication"] }],
  ep: [
    {
      model: mixtral,
      before: { tp: 2 },
      change: { ep: 2 },
      // Whole experts on fewer ranks: the same bytes, but a rank may have to work on more of an expert at once.
      moves: ["activations"],
    },
  ],
  dp: [{ model: llama, before: { batch: 8 }, change: { dp: 2 }, moves: ["kv-cache", "logits"] }],
  card: [
    { model: llama, change: { card }, moves: [] },
    { model: llama, before: { engine: "transformers" }, change: { card }, moves: ["workspace", "runtime"] },
  ],
  engineOptions: [
    { model: llama, before: vllm, change: { engineOptions: { gpuMemoryUtilization: 0.5 } }, moves: ["pool"] },
    {
      model: llama,
      before: vllm,
      change: { engineOptions: { enforceEager: true } },
      moves: ["pool", "workspace"],
    },
    { model: llama, before: vllm, change: { engineOptions: { maxNumSeqs: 512 } }, moves: ["logits", "pool"] },
  ],
  lora: [
    { model: llama, change: { lora: { rank: 16, count: 2, targets: "all-linear" } }, moves: ["adapters"] },
  ],
  draft: [
    { model: llama, change: { draft }, moves: ["draft weights", "draft kv-cache"] },
    { model: llama, before: vllm, change: { draft }, moves: ["draft weights", "draft kv-cache", "pool"] },
    {
      model: llama,
      before: { engine: "llama.cpp" },
      change: { draft },
      moves: ["draft weights", "draft kv-cache"],
    },
    {
      model: llama,
      before: { engine: "transformers" },
      change: { draft },
      moves: ["draft weights", "draft kv-cache"],
    },
    { model: llama, before: { weightsOnly: true }, change: { draft }, moves: ["draft weights"] },
  ],
  mtp: [
    { model: deepseek, change: { mtp: 1 }, moves: ["mtp weights", "mtp kv-cache"] },
    {
      model: deepseek,
      before: { engine: "sglang" },
      change: { mtp: 1 },
      moves: ["mtp weights", "mtp kv-cache"],
    },
    // vLLM pages them with the model's own layers.
    {
      model: deepseek,
      before: { ...vllm, tp: 16, dtype: "fp8" },
      change: { mtp: 1 },
      moves: ["mtp weights", "kv-cache", "pool"],
    },
    { model: deepseek, before: { weightsOnly: true }, change: { mtp: 1 }, moves: ["mtp weights"] },
  ],
  projectorFile: [
    {
      model: llama,
      before: { engine: "llama.cpp" },
      change: { projectorFile: { id: "mmproj.gguf", bytes: 1e9 } },
      moves: ["images weights"],
    },
    {
      // The file takes the place of the config's own tower.
      model: qwenVl,
      before: { engine: "llama.cpp", images: { count: 1 } },
      change: { projectorFile: { id: "mmproj.gguf", bytes: 1e9 } },
      moves: ["weights", "images weights"],
    },
  ],
  images: [
    { model: qwenVl, change: { images: { count: 1 } }, moves: ["kv-cache", "images activations"] },
    { model: gemma, change: { images: { count: 2 } }, moves: ["kv-cache", "images activations"] },
    {
      model: qwenVl,
      before: { engine: "llama.cpp" },
      change: { images: { count: 1 } },
      // The tower is a file of its own there: images load it; their tokens lengthen the mask in the compute buffer.
      moves: ["weights", "kv-cache", "activations", "images activations"],
    },
    { model: qwenVl, before: { weightsOnly: true }, change: { images: { count: 1 } }, moves: [] },
  ],
};

/** The most that any device holds of each term. */
function bytesOf({ devices }: EstimateResult): Map<string, number> {
  const bytes = new Map<string, number>();
  const put = (name: string, value: number): void => {
    bytes.set(name, Math.max(bytes.get(name) ?? 0, value));
  };
  for (const { terms, pool } of devices) {
    for (const { id, label, bytes: each } of terms) put(label === undefined ? id : `${label} ${id}`, each);
    if (pool !== undefined) put("pool", pool.maxConcurrency);
  }
  return bytes;
}

function moved(before: EstimateResult, after: EstimateResult): string[] {
  const [a, b] = [bytesOf(before), bytesOf(after)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
}

describe.for(Object.entries(ROWS))("%s", ([, rows]) => {
  test.for(rows.map((row) => [JSON.stringify([row.before ?? {}, Object.keys(row.change)]), row] as const))(
    "%s moves what it says and nothing else",
    ([, { model, before = {}, change, moves }]) => {
      const after = estimate(model, { ...before, ...change });
      expect(moved(estimate(model, before), after).sort()).toEqual([...moves].sort());
    },
  );
});

describe("the request says what took effect", () => {
  test.for([
    ["draft", llama, { draft }, { draft: "qwen2.5-0.5b", draftDtype: "bf16" }],
    ["mtp", deepseek, { mtp: 2 }, { mtp: 2 }],
    [
      "images",
      qwenVl,
      { images: { count: 2, width: 1280, height: 720 }, contextTokens: 1000 },
      { images: 2, imageSize: "1280x720", imageTokens: 1196, context: 1000 + 2 * 1196 },
    ],
  ] as const)("%s", ([, model, options, said]) => {
    expect(estimate(model, options).request).toMatchObject(said);
  });
});
