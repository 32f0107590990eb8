import { describe, expect, test } from "vitest";
import type { Mixer } from "../../src/architecture/mixers/mixer.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { blockPool, blocksPerRequest } from "../../src/engines/vllm/block-pool.ts";
import { type PageOptions, pageLayout } from "../../src/engines/vllm/page-layout.ts";
import { kvFormatByName } from "../../src/formats/kv-formats.ts";
import { grouped, HAND, handModel } from "../memory/hand-model.ts";
import { bf16Cache, fp8Cache } from "./cache-formats.ts";

const GIB = 2 ** 30;
const int8PerHead = {
  id: "int8_per_token_head",
  keyBytesPerVector: (dim: number) => dim + 4,
  valueBytesPerVector: (dim: number) => dim + 4,
};
const nvfp4 = {
  id: "nvfp4",
  keyBytesPerVector: (dim: number) => dim / 2 + dim / 16,
  valueBytesPerVector: (dim: number) => dim / 2 + dim / 16,
};

/** Qwen3.6-35B-A3B and Qwen3.5-27B on one rank of `tp`: heads and channels divided, as a share would be. */
function qwen35(tp: number, size: "35b-a3b" | "27b", mtp = false): Architecture {
  const big = size === "27b";
  const full = grouped((big ? 4 : 2) / tp, 256);
  const delta: Mixer = {
    kind: "recurrent",
    variant: "gated-delta",
    convChannels: (big ? 10_240 : 8192) / tp,
    convKernel: 4,
    stateElements: ((big ? 48 : 32) * 128 * 128) / tp,
    heads: (big ? 48 : 32) / tp,
    innerDim: 4096 / tp,
    stateFormat: "fp32",
  };
  const model = handModel([
    [[delta], big ? 48 : 30],
    [[full], big ? 16 : 10],
  ]);
  if (!mtp) return model;
  const draft = { ...handModel([[[full], 1]]).stacks[0]!, role: "mtp" as const };
  return { ...model, stacks: [...model.stacks, draft] };
}

interface Log {
  readonly title: string;
  readonly model: Architecture;
  readonly options: PageOptions;
  readonly gib: number;
  readonly contextTokens: number;
  readonly report: "per-group" | "by-concurrency";
  readonly tokens: number;
}

/** What start-up logs print: the pool in GiB, rounded to 0.01, and in tokens. */
const LOGS: readonly Log[] = [
  {
    title: "Llama-3.1-8B, 0.19.0: 58.11 GiB / (32 x 4096 B)",
    model: HAND.llama31,
    options: { format: bf16Cache },
    gib: 58.11,
    contextTokens: 8192,
    report: "per-group",
    tokens: 476_016,
  },
  {
    title: "the same with fp8 cache: twice as many",
    model: HAND.llama31,
    options: { format: fp8Cache },
    gib: 58.11,
    contextTokens: 8192,
    report: "per-group",
    tokens: 952_032,
  },
  {
    title: "gpt-oss-20b, 0.19.0: 12 full and 12 window layers share blocks of 12 pages",
    model: handModel([
      [[grouped(8, 64, { windowTokens: 128 })], 12],
      [[grouped(8, 64)], 12],
    ]),
    options: { format: bf16Cache },
    gib: 58.47,
    contextTokens: 8192,
    report: "per-group",
    tokens: 1_277_184,
  },
  {
    title: "gemma-3-27b, 0.19.0: 10 full and 52 window layers make 1 + 6 groups of 10, so 70 layers are paid",
    model: handModel([
      [[grouped(16, 128, { windowTokens: 1024 })], 52],
      [[grouped(16, 128)], 10],
    ]),
    options: { format: bf16Cache },
    gib: 19.53,
    contextTokens: 8192,
    report: "per-group",
    tokens: 36_560,
  },
  {
    title: "Kimi-K2-Thinking on 8 GPUs: latent attention is whole on every rank, 61 x 1152 B",
    model: HAND.deepseekV3,
    options: { format: bf16Cache },
    gib: 46.8,
    contextTokens: 8192,
    report: "per-group",
    tokens: 715_072,
  },
  {
    title: "Qwen3.6-35B-A3B on 2 GPUs, fp8 cache: blocks of 2096 tokens hold a delta-net state",
    model: qwen35(2, "35b-a3b"),
    options: { format: fp8Cache },
    gib: 17.02,
    contextTokens: 262_144,
    report: "by-concurrency",
    tokens: 3_382_054,
  },
  {
    title: "the same with 16.58 GiB",
    model: qwen35(2, "35b-a3b"),
    options: { format: fp8Cache },
    gib: 16.58,
    contextTokens: 262_144,
    report: "by-concurrency",
    tokens: 3_292_687,
  },
  {
    title: "Qwen3.6-35B-A3B, nvfp4 cache, a fixed 2 GiB: 100 blocks of 3728 tokens, 24 a request",
    model: qwen35(1, "35b-a3b"),
    options: { format: nvfp4 },
    gib: 2,
    contextTokens: 65_536,
    report: "by-concurrency",
    tokens: 273_066,
  },
  {
    title:
      "Qwen3.6-27B on 2 GPUs, int8 per head, with MTP: 425 blocks of 17 layers, 184 a request (4 speculative tokens, the count that the pool implies)",
    model: qwen35(2, "27b", true),
    options: { format: int8PerHead, speculativeTokens: 4 },
    gib: 11.1,
    contextTokens: 262_144,
    report: "by-concurrency",
    tokens: 605_495,
  },
];

describe("pool tokens from pool GiB, as vLLM's start-up log prints both", () => {
  test.for(LOGS)("$title: $tokens tokens within 0.1 %", (log) => {
    const layout = pageLayout(log.model, log.options)!;
    const { tokens } = blockPool(layout, {
      bytes: log.gib * GIB,
      contextTokens: log.contextTokens,
      batchedTokens: 8192,
      report: log.report,
    });
    expect(Math.abs(tokens / log.tokens - 1)).toBeLessThan(0.001);
  });
});

describe("layouts", () => {
  test("Qwen3.5-27B in bf16: 784-token blocks, 3,211,264 B pages for states of 3,207,168 B, groups of 16", () => {
    const layout = pageLayout(qwen35(1, "27b"), { format: bf16Cache })!;
    expect(layout.groups.map((group) => [group.growth.kind, group.groups, group.blockTokens])).toEqual([
      ["full", 1, 784],
      ["state", 3, 784],
    ]);
    expect(layout.bytesPerBlock).toBe(16 * 3_211_264);
  });

  test("a sparse indexer lies beside its latent: 61 x (1152 + 132) = 78,324 B per token", () => {
    const sparse = HAND.deepseekV3.stacks[0]!.kinds[0]!.mixers[0]!;
    if (sparse.kind !== "latent") throw new Error("latent expected");
    const model = handModel([[[{ ...sparse, indexer: { heads: 64, keyDim: 128 } }], 61]]);
    expect(pageLayout(model, { format: bf16Cache })!.bytesPerBlock).toBe(64 * 78_324);
    // 61 x (656 + 132): the latents with four fp32 scales and bf16 rotary values
    expect(pageLayout(model, { format: kvFormatByName("fp8_ds_mla") })!.bytesPerBlock).toBe(64 * 48_068);
  });

  test("12 window and 13 full layers are padded to two groups of 13, not 12 + 12 + 1", () => {
    const model = handModel([
      [[grouped(8, 64, { windowTokens: 128 })], 12],
      [[grouped(8, 64)], 13],
    ]);
    const layout = pageLayout(model, { format: bf16Cache })!;
    expect(layout.bytesPerBlock).toBe(13 * 16 * 2048);
    expect(layout.groups.map((group) => group.groups)).toEqual([1, 1]);
  });

  test("without the hybrid manager every layer of gpt-oss-20b is full: one group of 24", () => {
    const model = handModel([
      [[grouped(8, 64, { windowTokens: 128 })], 12],
      [[grouped(8, 64)], 12],
    ]);
    const layout = pageLayout(model, { format: bf16Cache, hybridManager: false })!;
    expect(layout).toEqual({
      bytesPerBlock: 24 * 16 * 2048,
      groups: [{ growth: { kind: "full" }, groups: 1, blockTokens: 16 }],
    });
  });

  test("one request of 8192 tokens in gpt-oss-20b: 512 full blocks + 513 of the window while it is read", () => {
    const model = handModel([
      [[grouped(8, 64, { windowTokens: 128 })], 12],
      [[grouped(8, 64)], 12],
    ]);
    const layout = pageLayout(model, { format: bf16Cache })!;
    expect(blocksPerRequest(layout, { contextTokens: 8192, batchedTokens: 8192 })).toBe(512 + 513);
    expect(blocksPerRequest(layout, { contextTokens: 8192, batchedTokens: 2048 })).toBe(512 + 137);
  });

  test("an encoder keeps no cache", () =>
    expect(
      pageLayout(
        handModel([
          [
            [
              {
                kind: "attention",
                queryHeads: 12,
                kvHeads: 12,
                keyDim: 64,
                valueDim: 64,
                cache: "none",
              },
            ],
            12,
          ],
        ]),
        { format: bf16Cache },
      ),
    ).toBeNull());
});
