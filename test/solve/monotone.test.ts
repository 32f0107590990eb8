/** What bisection rests on: more tokens, sequences or samples never need less, on any engine. */
import { describe, expect, test } from "vitest";
import { estimate } from "../../src/estimate/estimate.ts";
import { train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { headroomOf } from "../../src/solve/headroom.ts";
import { cases, fc } from "../properties.ts";
import { ENGINES, EVERY_CACHE, named, onCard } from "./models.ts";

const CARD = 80 * 2 ** 30;
const engine = fc.constantFrom(...ENGINES);
const model = fc.constantFrom(...EVERY_CACHE);
/** Steps of one and steps of any size: blocks, windows and padding break at single tokens. */
const pair = (max: number) =>
  fc
    .tuple(
      fc.integer({ min: 1, max }),
      fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 }), fc.nat(max)),
    )
    .map(([low, step]): readonly [number, number] => [low, low + step]);

describe("serving", () => {
  const headroom = (name: string, on: string, options: object): number =>
    headroomOf(estimate(named(name), { ...onCard(on, CARD), ...options }), CARD);

  test("a longer context never leaves more room", () => {
    fc.assert(
      fc.property(
        model,
        engine,
        pair(200_000),
        fc.integer({ min: 1, max: 9 }),
        (name, on, [low, high], batch) => {
          expect(headroom(name, on, { contextTokens: high, batch })).toBeLessThanOrEqual(
            headroom(name, on, { contextTokens: low, batch }),
          );
        },
      ),
      { numRuns: cases(1500) },
    );
  });

  test("one token more never leaves more room, at every token up to 1200", () => {
    for (const name of EVERY_CACHE)
      for (const on of ENGINES) {
        let last = Number.POSITIVE_INFINITY;
        for (let contextTokens = 1; contextTokens <= 1200; contextTokens++) {
          const now = headroom(name, on, { contextTokens });
          if (now > last) expect(`${name} on ${on} at ${contextTokens}: ${now - last} B more`).toBe("");
          last = now;
        }
      }
  });

  test("more sequences never leave more room", () => {
    fc.assert(
      fc.property(
        model,
        engine,
        pair(2000),
        fc.integer({ min: 1, max: 40_000 }),
        fc.integer({ min: 1, max: 4 }),
        (name, on, [low, high], contextTokens, dp) => {
          expect(headroom(name, on, { batch: high, contextTokens, dp })).toBeLessThanOrEqual(
            headroom(name, on, { batch: low, contextTokens, dp }),
          );
        },
      ),
      { numRuns: cases(1000) },
    );
  });

  test("more layers on the GPU never need less of one device of llama.cpp", () => {
    fc.assert(
      fc.property(model, fc.nat(60), (name, gpuLayers) => {
        const at = (n: number) => headroom(name, "llama.cpp", { engineOptions: { gpuLayers: n } });
        expect(at(gpuLayers + 1)).toBeLessThanOrEqual(at(gpuLayers));
      }),
    );
  });
});

describe("training", () => {
  const trained = fc.constantFrom("gpt2", "llama-3.2-1b", "gemma-2-2b", "deepseek-v2-lite", "qwen3-30b-a3b");
  const request: fc.Arbitrary<TrainRequest> = fc.record({
    method: fc.constantFrom("full" as const, "lora" as const, "qlora" as const),
    precision: fc.constantFrom("bf16" as const, "amp-bf16" as const),
    checkpointing: fc.constantFrom("none" as const, "full" as const, "selective" as const, 4),
    attention: fc.constantFrom("sdpa" as const, "eager" as const),
    loss: fc.constantFrom("hf" as const, "chunked" as const, "fused" as const),
    framework: fc.constantFrom("hf" as const, "torchtune" as const, "litgpt" as const, "megatron" as const),
  });
  const bytes = (name: string, asked: TrainRequest): number => train(named(name), asked).total.bytes;
  /**
   * What is allocated only grows. The allocator's cache need not: blocks of a larger batch may fit into segments that a
   * smaller one leaves open, by a few segments in hundreds of gigabytes.
   */
  const expectNoLess = (name: string, more: TrainRequest, less: TrainRequest): void => {
    const [high, low] = [more, less].map((asked) => train(named(name), asked));
    expect(high!.totals.allocated.bytes).toBeGreaterThanOrEqual(low!.totals.allocated.bytes);
    expect(high!.total.bytes).toBeGreaterThanOrEqual(0.999 * low!.total.bytes);
  };

  test("a longer sequence never needs less", () => {
    fc.assert(
      fc.property(trained, request, pair(9000), (name, asked, [low, high]) => {
        expectNoLess(name, { ...asked, seqTokens: high }, { ...asked, seqTokens: low });
      }),
      { numRuns: cases(300) },
    );
  });

  test("a larger micro-batch never needs less", () => {
    fc.assert(
      fc.property(trained, request, pair(60), (name, asked, [low, high]) => {
        const at = (microBatch: number): TrainRequest => ({ ...asked, seqTokens: 512, microBatch });
        expectNoLess(name, at(high), at(low));
      }),
      { numRuns: cases(300) },
    );
  });

  test("from two ranks on, more ranks never hold more each", () => {
    const sharding = fc.constantFrom("ddp", "zero1", "zero2", "zero3", "fsdp", "fsdp2", "simple-fsdp");
    fc.assert(
      fc.property(
        trained,
        request,
        sharding,
        fc.integer({ min: 2, max: 500 }),
        fc.integer({ min: 1, max: 500 }),
        fc.constantFrom(1, 2),
        (name, asked, how, low, step, pp) => {
          const at = (dp: number): number =>
            bytes(name, { ...asked, parallel: { dp, pp, sharding: how as "fsdp2" } });
          expect(at(low + step)).toBeLessThanOrEqual(at(low));
        },
      ),
      { numRuns: cases(300) },
    );
  });
});
