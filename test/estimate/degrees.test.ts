import { describe, expect, test } from "vitest";
import { estimate } from "../../src/estimate/estimate.ts";
import { servedAdapters } from "../../src/estimate/served-adapters.ts";
import { degreesOver } from "../../src/parallelism/layout-over-devices.ts";
import { deviceShares } from "../../src/parallelism/share.ts";
import { named } from "./estimate-models.ts";

const llama = named("llama-3.1-8b");

describe("a number of cards without a word on how", () => {
  test.each([
    [2, { tp: 2, pp: 1 }],
    [3, { tp: 1, pp: 3 }],
    [6, { tp: 2, pp: 3 }],
    [8, { tp: 8, pp: 1 }],
    [16, { tp: 8, pp: 2 }],
  ])("%i cards of a model with 32 heads and 32 layers: %o", (cards, degrees) => {
    expect(degreesOver(llama, cards)).toMatchObject({ ...degrees, ep: 1, dp: 1 });
    expect(estimate(llama, { devices: cards }).request).toMatchObject(degrees);
  });

  test("1,000 cards: 8 x 125 is more stages than layers, so it is refused by the name of --gpu", () => {
    expect(() => degreesOver(llama, 1000)).toThrow(/--gpu got 1000 cards/);
  });

  test("llama.cpp takes any number of cards as a split by layers", () => {
    const result = estimate(llama, { engine: "llama.cpp", devices: 3 });
    expect(result.request).toMatchObject({ tp: 1, pp: 3 });
    expect(result.devices).toHaveLength(3);
    expect(estimate(llama, { engine: "llama.cpp", tp: 3 }).devices).toHaveLength(3);
  });

  test("degrees that need more cards than there are, and cards that stay empty", () => {
    expect(() => estimate(llama, { devices: 2, tp: 4 })).toThrow(
      /2 cards for tp 4 x pp 1 x dp 1 = 4 devices/,
    );
    const idle = estimate(llama, { devices: 6, tp: 2 });
    expect(idle.notes).toContainEqual(
      expect.objectContaining({ code: "idle-devices", details: { used: 2, devices: 6 } }),
    );
  });
});

describe("adapters served under tensor parallelism", () => {
  const lora = { rank: 16, count: 8, targets: "all-linear" } as const;
  const over = (tp: number): number =>
    servedAdapters(llama, { lora })!.term(deviceShares(llama, { tp, pp: 1, ep: 1, dp: 1 })[0]!.share).bytes;

  // A of q, k, v, gate, up and B of o and down lie whole on each rank; the other factors are divided by 8.
  const replicated = 5 * 4096 + 4096 + 4096;
  const divided = (4096 + 1024 + 1024 + 14_336 + 14_336 + 4096 + 14_336) / 8;

  test("8 adapters of rank 16 over tp 8: 8 x 32 layers x 16 x (28,672 + 6,656) x 2 B = 289,406,976 B", () => {
    expect(8 * 32 * 16 * (replicated + divided) * 2).toBe(289_406_976);
    expect(over(8)).toBe(289_406_976);
    expect(over(1)).toBe(8 * 41_943_040 * 2);
  });

  test("stages divide them with the layers", () => {
    const stages = estimate(llama, { lora, pp: 2 }).devices;
    const sum = stages.reduce(
      (bytes, { terms }) => bytes + terms.find(({ id }) => id === "adapters")!.bytes,
      0,
    );
    expect(sum).toBe(over(1));
  });
});
