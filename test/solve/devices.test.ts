import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../src/errors.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { fewestDevices, legalTp, servingLayouts, smallestTp } from "../../src/solve/devices.ts";
import { headroomOf } from "../../src/solve/headroom.ts";
import { cases, fc } from "../properties.ts";
import { ENGINES, EVERY_CACHE, named, onCard } from "./models.ts";

const GiB = 2 ** 30;

describe("legalTp", () => {
  test.for([
    ["llama-3.1-8b", 64, [1, 2, 4, 8, 16, 32], "divisors of 32 heads that agree with 8 KV heads"],
    ["llama-3.1-8b", 4, [1, 2, 4], "no more than asked"],
    [
      "qwen2.5-14b",
      64,
      [1, 2, 4, 8, 40],
      "40 heads and 8 KV heads: 5, 10 and 20 neither divide 8 nor are multiples of it",
    ],
  ] as const)("%s up to %i: %j, %s", ([name, most, degrees]) =>
    expect(legalTp(named(name), most)).toEqual(degrees),
  );
});

/** Every layout by hand: all pairs of whole numbers that the estimate does not refuse. */
function smallestByHand(
  name: string,
  options: EstimateOptions,
  at: { budgetBytes: number; most: number },
): number | null {
  for (let devices = 1; devices <= at.most; devices++) {
    for (let tp = 1; tp <= devices; tp++) {
      if (devices % tp !== 0 || (options.engine === "llama.cpp" && tp > 1)) continue;
      try {
        const result = estimate(named(name), { ...options, tp, pp: devices / tp });
        if (headroomOf(result, at.budgetBytes) >= 0) return devices;
      } catch (error) {
        if (!(error instanceof VramCalcError)) throw error;
      }
    }
  }
  return null;
}

describe("the answer fits and no fewer devices do", () => {
  test("by trying every pair of degrees up to 12 devices", () => {
    const small = fc.constantFrom("gpt2", "llama-3.1-8b", "gemma-2-2b", "gpt-oss-20b", "deepseek-v2-lite");
    fc.assert(
      fc.property(
        small,
        fc.constantFrom(...ENGINES),
        fc.integer({ min: GiB, max: 40 * GiB }),
        fc.integer({ min: 1, max: 16 }),
        (name, engine, budgetBytes, batch) => {
          const options: EstimateOptions = { ...onCard(engine, budgetBytes), batch, dtype: "bf16" };
          const { answer } = fewestDevices({ model: named(name), options, budgetBytes, mostDevices: 12 });
          expect(answer?.devices ?? null).toBe(smallestByHand(name, options, { budgetBytes, most: 12 }));
        },
      ),
      { numRuns: cases(60) },
    );
  });

  test("and the answer is what the estimate says, with the closest of the others over", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...EVERY_CACHE),
        fc.constantFrom(...ENGINES),
        fc.integer({ min: 4 * GiB, max: 200 * GiB }),
        (name, engine, budgetBytes) => {
          const options = onCard(engine, budgetBytes);
          const { answer, closest } = fewestDevices({
            model: named(name),
            options,
            budgetBytes,
            mostDevices: 64,
          });
          for (const layout of [answer, closest]) {
            if (layout === null) continue;
            const { tp, pp, ep, dp } = layout;
            const result = estimate(named(name), { ...options, tp, pp, ep, dp });
            expect([layout.bytes, layout.headroom]).toEqual([
              result.total.bytes,
              headroomOf(result, budgetBytes),
            ]);
            expect(layout.devices).toBe(tp * pp * dp);
          }
          if (answer !== null) expect(answer.headroom).toBeGreaterThanOrEqual(0);
          if (closest !== null) expect(closest.headroom).toBeLessThan(0);
        },
      ),
      { numRuns: cases(60) },
    );
  });

  test("Llama 3.1 70B in 16 bits takes 2 x 80 GiB under vLLM: 141 GB of weights", () => {
    const budgetBytes = 79 * GiB;
    const found = fewestDevices({
      model: named("llama-3.1-70b"),
      options: onCard("vllm", budgetBytes),
      budgetBytes,
    });
    expect(found.answer).toMatchObject({ devices: 2, tp: 2, pp: 1 });
    expect(found.closest).toBe(null);
  });

  test("a degree that is given is kept: tp 4 needs pp 2 for 8 cards, and a bound of 7 leaves none", () => {
    const budgetBytes = 24 * GiB;
    const input = { model: named("llama-3.1-70b"), options: { tp: 4 }, budgetBytes };
    expect(fewestDevices(input).answer).toMatchObject({ devices: 8, tp: 4, pp: 2 });
    expect(fewestDevices({ ...input, mostDevices: 7 }).answer).toBe(null);
  });
});

describe("smallestTp", () => {
  test("the answer fits and no smaller legal degree does", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("llama-3.1-8b", "llama-3.1-70b", "qwen2.5-14b", "gpt-oss-20b"),
        fc.constantFrom("generic", "vllm", "sglang", "transformers"),
        fc.integer({ min: 8 * GiB, max: 120 * GiB }),
        (name, engine, budgetBytes) => {
          const options = onCard(engine, budgetBytes);
          const { answer } = smallestTp({ model: named(name), options, budgetBytes });
          const holds = (tp: number) =>
            headroomOf(estimate(named(name), { ...options, tp }), budgetBytes) >= 0;
          for (const tp of legalTp(named(name), 4096)) {
            if (answer !== null && tp >= answer.tp) break;
            expect(holds(tp)).toBe(false);
          }
          if (answer !== null) expect(holds(answer.tp)).toBe(true);
        },
      ),
      { numRuns: cases(60) },
    );
  });

  test("llama.cpp has none", () =>
    expect(() =>
      smallestTp({ model: named("gpt2"), options: { engine: "llama.cpp" }, budgetBytes: 1e9 }),
    ).toThrow(/gpus/));
});

test("layouts come by devices, then tensor degrees within one server of 8, then the shortest pipeline", () => {
  const order = servingLayouts(named("llama-3.1-8b"), {}, 16).map(({ tp, pp }) => [tp * pp, tp, pp]);
  expect(order.slice(0, 6)).toEqual([
    [1, 1, 1],
    [2, 2, 1],
    [2, 1, 2],
    [3, 1, 3],
    [4, 4, 1],
    [4, 2, 2],
  ]);
  expect(order.filter(([devices]) => devices === 16).map(([, tp]) => tp)).toEqual([8, 4, 2, 1, 16]);
});
