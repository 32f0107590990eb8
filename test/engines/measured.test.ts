/** Readings that must be met exactly or to the rounding of the log; the scores live in test/bench. */
import { describe, expect, test } from "vitest";
import { llamaCppCacheBytes } from "../../src/engines/llama-cpp/cache.ts";
import { serveOn } from "../../src/engines/registry.ts";
import { blockPool } from "../../src/engines/vllm/block-pool.ts";
import { pageLayout } from "../../src/engines/vllm/page-layout.ts";
import { formatByName } from "../../src/formats/format-names.ts";
import { SINGLE_DEVICE } from "../../src/parallelism/degrees.ts";
import { deviceShares } from "../../src/parallelism/share.ts";
import { uniformStorage } from "../../src/quantization/storage.ts";
import { cacheFormatOf, MEASURED, type MeasuredRow, modelOf } from "./measured-rows.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

const study = MEASURED.filter((row) => row.id.startsWith("llmd-019") && row.flags.pp === 1);
const printed = MEASURED.filter(
  (row) => row.engine === "llama.cpp" && row.measured.cacheMiB !== undefined && row.config !== undefined,
);

const architectureOf = (row: MeasuredRow) => {
  const model = modelOf(row);
  if (typeof model === "string") throw new Error(model);
  return model;
};

test("both sets of readings are there", () => expect([study.length, printed.length]).toEqual([35, 66]));

describe("vLLM 0.19: GiB of the pool and its tokens in one log", () => {
  test.for(study)("$id: $measured.kvGiB GiB are $measured.kvTokens tokens within 0.1 %", (row) => {
    const { tp = 1, cache, contextTokens = 8192 } = row.flags;
    const [device] = deviceShares(architectureOf(row), { ...SINGLE_DEVICE, tp });
    const format = cacheFormatOf(row.storage === "float32" ? "fp32" : cache);
    const pool = blockPool(pageLayout(device!.share, { format })!, {
      bytes: row.measured.kvGiB! * GIB,
      contextTokens,
      batchedTokens: 8192,
      report: "per-group",
    });
    expect(Math.abs(pool.tokens / row.measured.kvTokens! - 1)).toBeLessThan(0.001);
  });
});

describe("llama.cpp: the KV lines of a load log", () => {
  test.for(printed)("$id: $measured.cacheMiB", (row) => {
    const { kvTypes = {}, contextTokens = 0, keyRow } = row.flags;
    // A split that only one fork had: rotary keys beside the latent.
    if ("K^R" in kvTypes) return;
    const keys = kvTypes.K ?? kvTypes["c^KV"]!;
    const transposed = "kv^T" in kvTypes || keyRow === 576;
    const { kv } = llamaCppCacheBytes(architectureOf(row), {
      contextTokens,
      slots: 1,
      swaFull: true,
      padTokens: 32,
      latentCache: transposed ? "latent-and-values" : "c^KV" in kvTypes ? "latent" : "expanded",
      format: {
        id: keys,
        keyBytesPerVector: cacheFormatOf(keys).keyBytesPerVector,
        valueBytesPerVector: cacheFormatOf(kvTypes.V ?? kvTypes["kv^T"] ?? keys).valueBytesPerVector,
      },
    });
    const sum = Object.values(row.measured.cacheMiB!).reduce((total, mib) => total + mib, 0);
    expect(Math.abs(kv / MIB - sum)).toBeLessThanOrEqual(0.011);
  });
});

describe("vLLM 0.19: the pool from model, card and flags alone", () => {
  test.for([
    ["llmd-019-llama-3.1-8b-instruct-bf16-tp1-pp1", 476_016],
    ["llmd-019-llama-3.1-8b-instruct-bf16-tp4-pp1", 2_209_792],
    ["llmd-019-gemma-2-27b-it-bf16-tp1-pp1", 58_672],
    ["llmd-019-phi-4-bf16-tp1-pp1", 241_568],
  ] as const)("%s: %i tokens within 1 %%", ([id, tokens]) => {
    const row = MEASURED.find((each) => each.id === id)!;
    const { devices } = serveOn("vllm", {
      model: architectureOf(row),
      storage: uniformStorage(formatByName("bf16")),
      format: cacheFormatOf("bf16"),
      contextTokens: 8192,
      sequences: 1,
      computeBytes: 2,
      degrees: { ...SINGLE_DEVICE, tp: row.flags.tp ?? 1 },
      card: { totalBytes: 79.19 * GIB, generation: "hopper" },
      version: "0.19",
      gpuMemoryUtilization: 0.95,
    });
    expect(Math.abs(devices[0]!.pool!.tokens / tokens - 1)).toBeLessThan(0.01);
  });
});
