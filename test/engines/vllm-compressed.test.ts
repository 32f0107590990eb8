import { describe, expect, test } from "vitest";
import type { Mixer } from "../../src/architecture/mixers/mixer.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { blockPool, blocksPerRequest } from "../../src/engines/vllm/block-pool.ts";
import { type PageOptions, pageLayout } from "../../src/engines/vllm/page-layout.ts";
import { kvFormatByName } from "../../src/formats/kv-formats.ts";
import { handModel } from "../memory/hand-model.ts";
import { bf16Cache, fp8Cache } from "./cache-formats.ts";

const GIB = 2 ** 30;

const layer = (ratio: 0 | 4 | 128): Mixer => ({
  kind: "compressed",
  queryHeads: 64,
  headDim: 512,
  windowTokens: 128,
  ratio,
  ...(ratio === 4 ? { indexer: { heads: 64, keyDim: 128 } } : {}),
});

/** Layers by their compression ratio: 0, 4 and 128; the prediction layer keeps a window only. */
function deepseekV4(windows: number, fours: number, hundreds: number): Architecture {
  const rows: [Mixer[], number][] = [
    [[layer(4)], fours],
    [[layer(128)], hundreds],
  ];
  const model = handModel(windows === 0 ? rows : [[[layer(0)], windows], ...rows]);
  const draft = { ...handModel([[[layer(0)], 1]]).stacks[0]!, role: "mtp" as const };
  return { ...model, stacks: [...model.stacks, draft] };
}

const FLASH = deepseekV4(2, 21, 20);
const PRO = deepseekV4(0, 30, 31);
const MTP = { speculativeTokens: 2 };

interface Log {
  readonly title: string;
  readonly options: Omit<PageOptions, "format">;
  readonly gib: number;
  readonly contextTokens: number;
  readonly batchedTokens: number;
  /** Blocks that a request counts for, and those that it draws. */
  readonly counted: number;
  readonly drawn: number;
  readonly blocks: number;
  readonly tokens: number;
}

/** Start-up logs of DeepSeek-V4-Flash with an fp8 cache: pool in GiB, rounded to 0.01, and in tokens. */
const LOGS: readonly Log[] = [
  {
    title: "before 0.23, with MTP: 22 x (37,440 + 8640 + 1728)",
    options: { version: "0.20", ...MTP },
    gib: 14.45,
    contextTokens: 1_048_576,
    batchedTokens: 4096,
    counted: 5593,
    drawn: 5786,
    blocks: 14_752,
    tokens: 2_765_705,
  },
  {
    title: "0.23.0, H200: 22 x 37,440 + 21 x 8640 + 20 x 1728; windows of 22 and 21 layers",
    options: { version: "0.23" },
    gib: 32.08,
    contextTokens: 131_072,
    batchedTokens: 8192,
    // 512 + 131 x (823,680 + 786,240) / 1,002,240 + 2051 x 967,680 / 1,002,240 + 1041 x 748,800 / 1,002,240
    counted: 3481,
    drawn: 512 + 2 * 131 + 2051 + 1041,
    blocks: 33_136,
    tokens: 1_247_687,
  },
  {
    title: "0.25.0, RTX PRO 6000, with MTP: the same bytes, windows of 22 and 22",
    options: { version: "0.25", ...MTP },
    gib: 10.29,
    contextTokens: 1_048_576,
    batchedTokens: 4096,
    // 4096 + 134 x 823,680 / 1,002,240 + 1027 x 967,680 / 1,002,240 + 529 x 748,800 / 1,002,240
    counted: 5593,
    drawn: 4096 + 2 * 67 + 1027 + 529,
    blocks: 10_631,
    tokens: 1_993_100,
  },
  {
    title: "0.31.1rc1, H100: 21 x 37,440 + 21 x 8640 + 20 x 1728, the widest group; two batches in flight",
    options: { version: "0.31.1" },
    gib: 47.43,
    contextTokens: 262_144,
    batchedTokens: 8192,
    counted: 1024 + 2 * 259 + 4099 + 2065,
    drawn: 1024 + 2 * 259 + 4099 + 2065,
    blocks: 50_812,
    tokens: 1_728_531,
  },
];

describe("DeepSeek V4: pool tokens from pool GiB, as vLLM's start-up log prints both", () => {
  test.for(LOGS)("$title: $tokens tokens", (log) => {
    const layout = pageLayout(FLASH, { format: fp8Cache, ...log.options })!;
    const pool = (bytes: number) => blockPool(layout, { ...log, bytes, report: "by-concurrency" });
    expect(Math.abs(pool(log.gib * GIB).tokens / log.tokens - 1)).toBeLessThan(0.001);
    // the blocks that give the log's tokens to the last one are as many GiB as it says
    const exact = pool(log.blocks * layout.bytesPerBlock);
    expect(exact.tokens).toBe(log.tokens);
    expect(exact.maxConcurrency).toBe(log.blocks / log.counted);
    expect(exact.blocksPerRequest).toBe(log.drawn);
    expect(((log.blocks * layout.bytesPerBlock) / GIB).toFixed(2)).toBe(log.gib.toFixed(2));
  });
});

describe("DeepSeek V4: bytes per block", () => {
  test("Flash: 22 x 47,808 = 1,051,776, then 1,039,680 (PR 44454: +1.16 %), then 1,002,240 B", () => {
    const bytes = (version: string) =>
      pageLayout(FLASH, { format: fp8Cache, version, ...MTP })!.bytesPerBlock;
    expect([bytes("0.22"), bytes("0.23"), bytes("0.27")]).toEqual([1_051_776, 1_039_680, 1_002_240]);
    expect(329_601 * (1_051_776 / 1_039_680)).toBeCloseTo(333_436, 0);
  });

  test("Pro, fp8_ds_mla: 31 x 37,440 + 30 x 8640 + 31 x 1728 = 1,473,408 B, as PR 48993 says", () => {
    const layout = pageLayout(PRO, { format: kvFormatByName("fp8_ds_mla"), version: "0.26" })!;
    expect(layout.bytesPerBlock).toBe(1_473_408);
  });

  test("Pro, FlashInfer's plain fp8 rows: 31 x 32,768 + 30 x 8704 + 31 x 1024 = 1,308,672 B", () => {
    const layout = (version: string) =>
      pageLayout(PRO, { format: fp8Cache, version, sparseBackend: "flashinfer" })!;
    expect(layout("0.26").bytesPerBlock).toBe(1_308_672);
    // from 0.27 on the latents' group alone: wider than the states' 30 x (32,768 + 8192) = 1,228,800 B, which are the
    // widest with MXFP4 index keys, as PR 48993 says
    expect(layout("0.27").bytesPerBlock).toBe(30 * 32_768 + 30 * 8704 + 31 * 1024);
  });

  test("Flash in bf16: rows of 1024 B, 22 x 65,536 + 21 x 8704 + 20 x 2048", () =>
    expect(pageLayout(FLASH, { format: bf16Cache, version: "0.25" })!.bytesPerBlock).toBe(
      22 * 65_536 + 21 * 8704 + 20 * 2048,
    ));
});

describe("DeepSeek V4: a request", () => {
  test("30,000 tokens by 16,384 on 0.22: 6800 blocks x 1,051,776 B, the 6.66 GiB that vLLM asks for (issue 44376)", () => {
    const layout = pageLayout(FLASH, { format: fp8Cache, version: "0.22" })!;
    const blocks = blocksPerRequest(layout, { contextTokens: 30_000, batchedTokens: 16_384 });
    expect(blocks).toBe(118 + 2 * 259 + 4099 + 2065);
    expect(((blocks * layout.bytesPerBlock) / GIB).toFixed(2)).toBe("6.66");
    // and 13,528 tokens are the most that 5.44 GiB hold
    const fits = (contextTokens: number) =>
      blocksPerRequest(layout, { contextTokens, batchedTokens: 16_384 }) * layout.bytesPerBlock;
    expect(fits(13_528) / GIB).toBeLessThan(5.445);
    expect(fits(13_529) / GIB).toBeGreaterThan(5.435);
  });

  test("its groups: full attention, two windows, compressor states of ratio 4 and 128", () => {
    const { groups } = pageLayout(FLASH, { format: fp8Cache, version: "0.25", ...MTP })!;
    expect(groups.map(({ growth, blockTokens, loggedBytes }) => [growth, blockTokens, loggedBytes])).toEqual([
      [{ kind: "full" }, 256, 21 * 37_440 + 21 * 8640 + 20 * 1728],
      [{ kind: "window", windowTokens: 128 }, 64, 22 * 37_440],
      [{ kind: "window", windowTokens: 128 }, 64, 22 * 37_440],
      // states of 32,832 B are padded to the latents' page, the indexer's are as large as its keys'
      [{ kind: "window", windowTokens: 8 }, 4, 21 * 37_440 + 21 * 8640],
      [{ kind: "window", windowTokens: 128 }, 8, 20 * 37_440],
    ]);
  });

  test("a stage with windows only is one group of them", () => {
    const layout = pageLayout(handModel([[[layer(0)], 3]]), { format: fp8Cache })!;
    expect(layout.bytesPerBlock).toBe(3 * 37_440);
    expect(layout.groups).toHaveLength(1);
  });
});
