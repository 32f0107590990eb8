import { describe, expect, test } from "vitest";
import { checkBudget } from "../../src/budget.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import { holdingCards } from "../../src/solve/common-cards.ts";
import { headroomOf } from "../../src/solve/headroom.ts";
import { named } from "../estimate/estimate-models.ts";

const needs = (bytes: number, poolSpareBytes?: number, startBytes?: number) => ({
  total: { bytes, low: bytes, high: bytes },
  ...(poolSpareBytes === undefined ? {} : { poolSpareBytes }),
  ...(startBytes === undefined ? {} : { startBytes }),
});

describe("headroomOf", () => {
  test.for([
    ["a device: 100 - 60 = 40", needs(60), 40],
    ["over: 100 - 130 = -30", needs(130), -30],
    ["the pool is tighter", needs(60, 5), 5],
    ["the pool is over though the card is not", needs(60, -10), -10],
    ["the card is tighter: 100 - 99 = 1", needs(99, 40), 1],
    ["an engine that starts with 95 of it", needs(60, 5, 95), 5],
    ["an engine that would start with 103 of it", needs(60, 5, 103), -3],
    ["the pool lacks more than the start", needs(60, -10, 103), -10],
  ] as const)("%s", ([, need, headroom]) => {
    expect(headroomOf(need, 100)).toBe(headroom);
    expect(checkBudget(need, { bytes: 100 })).toMatchObject({ headroom, fits: headroom >= 0 });
  });
});

describe("a pool against the request", () => {
  const model = named("llama-3.1-8b");
  const on = (totalGiB: number, more: Parameters<typeof estimate>[1] = {}) =>
    estimate(model, {
      engine: "vllm",
      card: { totalBytes: totalGiB * 2 ** 30, generation: "ada" },
      contextTokens: 8192,
      ...more,
    });

  test("spare = (blocks - sequences x blocks of one) x bytes of a block, the tightest device's", () => {
    const { devices, poolSpareBytes } = on(48, { batch: 5 });
    const { pool } = devices[0]!;
    expect(pool!.blocksPerRequest).toBe(512);
    expect(poolSpareBytes).toBe((pool!.blocks - 5 * 512) * 2_097_152);
    expect(pool!.spareBytes).toBe(poolSpareBytes);
  });

  test("replicas share the sequences: 5 over 2 are 3 on one", () => {
    const { devices, poolSpareBytes } = on(48, { batch: 5, dp: 2 });
    expect(poolSpareBytes).toBe((devices[0]!.pool!.blocks - 3 * 512) * 2_097_152);
  });

  test("the engine fills the card to its share whatever the request: only graphs and the context lie outside", () => {
    const [one, five] = [on(48), on(48, { batch: 5 })].map(({ devices }) => devices[0]!.pool!.filledBytes);
    expect(one).toBe(five);
    expect(one! / (48 * 2 ** 30)).toBeGreaterThan(0.9);
    expect(one! / (48 * 2 ** 30)).toBeLessThan(0.96);
  });

  test("half of a 24 GiB card is no room for a 15 GiB model, although the card is", () => {
    const half = on(24, { engineOptions: { gpuMemoryUtilization: 0.5 } });
    expect(half.total.bytes).toBeLessThan(24 * 2 ** 30);
    expect(checkBudget(half, { bytes: 24 * 2 ** 30 })).toMatchObject({ fits: false, tight: "pool" });
  });

  test("adapters served beside the base come out of the pool, byte for byte to a block", () => {
    const lora = { rank: 64, count: 32, targets: "all-linear" } as const;
    const [plain, with32] = [on(80), on(80, { lora })];
    const adapters = with32.devices[0]!.terms.find(({ id }) => id === "adapters")!.bytes;
    expect(adapters).toBe(32 * 4 * 41_943_040 * 2);
    const blocks = plain.devices[0]!.pool!.blocks - with32.devices[0]!.pool!.blocks;
    expect(Math.abs(blocks * 2_097_152 - adapters)).toBeLessThanOrEqual(2_097_152);
  });
});

describe("the common cards that hold a model", () => {
  const cards = [
    { id: "small", name: "S", usableBytes: 30 },
    { id: "middle", name: "M", usableBytes: 40 },
    { id: "large", name: "L", usableBytes: 80 },
  ] as const;
  const ids = (list: readonly { readonly id: string }[]): readonly string[] => list.map(({ id }) => id);

  test("surely by the careful edge, tightly by the expected total", () => {
    const { sure, tight, largest } = holdingCards(cards, () => ({ total: { bytes: 35, low: 30, high: 45 } }));
    expect([ids(sure), ids(tight), largest.id]).toEqual([["large"], ["middle"], "large"]);
  });

  test("a pool of each card's own: 141.1 GB of weights leave none in 0.92 of an H200", () => {
    const model = named("llama-3.3-70b");
    const on = (gib: number) => ({ totalBytes: gib * 2 ** 30, generation: "hopper" });
    const pools = [139.8, 178.35].map((gib) => ({ id: String(gib), name: "", usableBytes: gib * 2 ** 30 }));
    const { sure } = holdingCards([pools[0]!, pools[1]!], ({ id }) =>
      estimate(model, { engine: "vllm", contextTokens: 4096, card: on(Number(id)) }),
    );
    expect(ids(sure)).toEqual(["178.35"]);
  });
});
