import { describe, expect, test } from "vitest";
import { estimate } from "../../src/estimate/estimate.ts";
import { type Advice, advise } from "../../src/solve/advice.ts";
import { headroomOf } from "../../src/solve/headroom.ts";
import { cases, fc } from "../properties.ts";
import { ENGINES, EVERY_CACHE, named, onCard } from "./models.ts";

const GiB = 2 ** 30;
const changes = (advice: readonly Advice[]): string[] => advice.map(({ change }) => change);

test("every piece is what the estimate says of its options, frees memory, and is the only one of its kind", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...EVERY_CACHE),
      fc.constantFrom(...ENGINES),
      fc.integer({ min: 2 * GiB, max: 100 * GiB }),
      fc.integer({ min: 1, max: 32 }),
      fc.integer({ min: 1, max: 30_000 }),
      (name, engine, budgetBytes, batch, contextTokens) => {
        const options = { ...onCard(engine, budgetBytes), batch, contextTokens };
        const now = estimate(named(name), options);
        const advice = advise(named(name), options, budgetBytes);
        for (const item of advice) {
          const after = estimate(named(name), item.options);
          expect(item.bytes).toBe(after.total.bytes);
          expect(item.frees).toBe(now.total.bytes - after.total.bytes);
          expect(item.frees).toBeGreaterThan(0);
          expect(item.fits).toBe(headroomOf(after, budgetBytes) >= 0);
        }
        expect(new Set(changes(advice)).size).toBe(advice.length);
        const fitting = advice.map(({ fits }) => fits);
        expect(fitting).toEqual(fitting.toSorted((a, b) => Number(b) - Number(a)));
      },
    ),
    { numRuns: cases(60) },
  );
});

describe("what is offered", () => {
  test("14B at 32k on 24 GiB: the cache in 8 bits first, then a shorter context, before other weights and cards", () => {
    const advice = advise(named("qwen2.5-14b"), { contextTokens: 32_768, dtype: "q8_0" }, 23.52 * GiB);
    expect(changes(advice.filter(({ fits }) => fits)).slice(0, 3)).toEqual(["kv-dtype", "context", "dtype"]);
  });

  test("the smallest step is taken: 8 bits before 4 for the cache, Q6_K before Q5_K for the weights", () => {
    const model = named("llama-3.1-8b");
    const advice = advise(model, { engine: "llama.cpp", dtype: "q8_0", contextTokens: 16_384 }, 9.5 * GiB);
    expect(advice.find(({ change }) => change === "dtype")?.text).toBe("--dtype q6_k");
  });

  test("vLLM: an fp8 cache and formats that it reads, no layers on the CPU", () => {
    const advice = advise(named("llama-3.1-70b"), onCard("vllm", 40 * GiB), 40 * GiB);
    expect(advice.find(({ change }) => change === "kv-dtype")?.text).toBe("--kv-dtype fp8");
    // 141.1 GB over 4 are 32.9 GiB of the 36 that nine tenths of a card are.
    expect(advice.find(({ change }) => change === "gpus")?.text).toBe("--tp 4 (4 devices)");
    for (const { text } of advice) expect(text).not.toMatch(/q\d_|ngl|n-cpu-moe/);
  });

  test("llama.cpp: fewer layers on the GPU, and experts on the CPU where there are any", () => {
    const budget = 20 * GiB;
    const dense = advise(named("llama-3.1-8b"), { engine: "llama.cpp", dtype: "bf16" }, 12 * GiB);
    expect(changes(dense)).toContain("gpu-layers");
    expect(changes(dense)).not.toContain("cpu-experts");
    const moe = advise(named("qwen3-30b-a3b"), { engine: "llama.cpp", dtype: "q8_0" }, budget);
    expect(changes(moe)).toEqual(expect.arrayContaining(["cpu-experts", "gpu-layers"]));
    for (const { change, options } of moe) {
      if (change !== "cpu-experts" && change !== "gpu-layers") continue;
      const name = change === "cpu-experts" ? "cpuExpertLayers" : "gpuLayers";
      const count = options.engineOptions![name] as number;
      const gentler = { ...options, engineOptions: { [name]: count + (change === "gpu-layers" ? 1 : -1) } };
      expect(headroomOf(estimate(named("qwen3-30b-a3b"), gentler), budget)).toBeLessThan(0);
    }
  });

  test("formats below 4 bits come last, and only when none above is enough", () => {
    const advice = advise(named("llama-3.1-70b"), {}, 24 * GiB);
    const fitting = advice.filter(({ fits }) => fits);
    expect(fitting.at(-1)!.change).toBe("harsh-dtype");
    expect(changes(advise(named("llama-3.1-70b"), {}, 48 * GiB))).not.toContain("harsh-dtype");
  });

  test("a kind that the question is about is left out", () =>
    expect(changes(advise(named("llama-3.1-70b"), {}, 24 * GiB, ["gpus", "harsh-dtype"]))).not.toEqual(
      expect.arrayContaining(["gpus"]),
    ));

  test("nothing for what one token and one sequence in the smallest format cannot free", () =>
    expect(advise(named("llama-3.1-8b"), {}, 1).every(({ fits }) => !fits)).toBe(true));
});
