import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { VLLM_VERSIONS } from "../../src/engines/vllm/versions.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { batchLimit, contextLimit, fits, largestBatch, longestContext } from "../../src/solve/inverse.ts";
import { cases, fc } from "../properties.ts";
import { ENGINES, EVERY_CACHE, named, onCard } from "./models.ts";

const GiB = 2 ** 30;
const model = fc.constantFrom(...EVERY_CACHE);
const engine = fc.constantFrom(...ENGINES);
const budget = fc.integer({ min: 2 * GiB, max: 400 * GiB });

describe("the answer fits and the next one does not", () => {
  test("longest context, for every engine and kind of cache", () => {
    fc.assert(
      fc.property(
        model,
        engine,
        budget,
        fc.integer({ min: 1, max: 64 }),
        fc.constantFrom("bf16", "fp8"),
        (name, on, budgetBytes, batch, dtype) => {
          const options: EstimateOptions = { ...onCard(on, budgetBytes), batch, dtype };
          const input = { model: named(name), options, budgetBytes };
          const answer = longestContext(input);
          const holds = (contextTokens: number) => fits({ ...input, options: { ...options, contextTokens } });
          if (answer > 0) expect(holds(answer)).toBe(true);
          if (answer < contextLimit(input.model)) expect(holds(answer + 1)).toBe(false);
        },
      ),
      { numRuns: cases(600) },
    );
  });

  test("largest batch, for every engine and kind of cache", () => {
    fc.assert(
      fc.property(
        model,
        engine,
        budget,
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 3 }),
        (name, on, budgetBytes, contextTokens, dp) => {
          const options: EstimateOptions = { ...onCard(on, budgetBytes), contextTokens, dp };
          const input = { model: named(name), options, budgetBytes };
          const answer = largestBatch(input);
          const holds = (batch: number) => fits({ ...input, options: { ...options, batch } });
          if (answer > 0) expect(holds(answer)).toBe(true);
          if (answer < batchLimit(options)) expect(holds(answer + 1)).toBe(false);
        },
      ),
      { numRuns: cases(600) },
    );
  });

  test("ends at the positions that the model declares: 131,072 of Llama 3.1 on 80 GiB", () =>
    expect(
      longestContext({ model: named("llama-3.1-8b"), options: { dtype: "q4_k_m" }, budgetBytes: 80 * GiB }),
    ).toBe(131_072));

  test("is 0 when the weights alone are over: 16.06 GB on 16 GB", () => {
    const input = { model: named("llama-3.1-8b"), options: {}, budgetBytes: 16e9 };
    expect([longestContext(input), largestBatch(input)]).toEqual([0, 0]);
  });
});

describe("sequences that an engine runs at once", () => {
  test.for([
    [
      "vllm on 80 GiB of Hopper: 1024",
      { engine: "vllm", card: { totalBytes: 80 * GiB, generation: "hopper" } },
      1024,
    ],
    ["vllm on 24 GiB: 256", { engine: "vllm@0.19", card: { totalBytes: 24 * GiB } }, 256],
    [
      "vllm with max-num-seqs 16 on 2 replicas: 32",
      { engine: "vllm", dp: 2, engineOptions: { maxNumSeqs: 16 } },
      32,
    ],
    ["no limit elsewhere", { engine: "llama.cpp" }, 2 ** 20],
  ] as const)("%s", ([, options, limit]) => expect(batchLimit(options)).toBe(limit));
});

interface Measured {
  readonly id: string;
  readonly config?: string;
  readonly engine: string;
  readonly version?: string;
  readonly card?: string;
  readonly flags: {
    readonly tp?: number;
    readonly pp?: number;
    readonly contextTokens?: number;
    readonly gpuMemoryUtilization?: number;
  };
  readonly measured: { readonly kvTokens?: number };
}

describe("the largest batch against the pools that vLLM printed", () => {
  const vectors = (file: string): unknown =>
    JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), "utf8"));
  const { models: configs } = vectors("serving-models.json") as { models: Record<string, object> };
  const { rows } = vectors("serving-measured.json") as { rows: readonly Measured[] };
  // Full attention in 16 bits on one H100: a sequence of n tokens takes n of the pool's.
  const plain = rows.filter(
    (row) =>
      /^llmd-019-(llama-3.1-8b|qwen2.5-7b)-instruct-(bf16-tp1-pp1|len)/.test(row.id) &&
      row.measured.kvTokens !== undefined,
  );
  const modelOf = (row: Measured): Architecture => readArchitecture(configs[row.config!]!, row.config!);

  test("there are such readings", () => {
    expect(plain.length).toBeGreaterThanOrEqual(5);
    expect(VLLM_VERSIONS.some(({ version }) => version.startsWith("0.19"))).toBe(true);
  });

  test.for(plain.map((row) => [row.id, row] as const))("%s: sequences = tokens / context", ([, row]) => {
    const { contextTokens, gpuMemoryUtilization } = row.flags;
    const budgetBytes = 81_079 * 2 ** 20;
    const answer = largestBatch({
      model: modelOf(row),
      budgetBytes,
      options: {
        engine: "vllm@0.19",
        contextTokens: contextTokens!,
        card: { totalBytes: budgetBytes, generation: "hopper" },
        engineOptions: { gpuMemoryUtilization: gpuMemoryUtilization! },
      },
    });
    const printed = Math.floor(row.measured.kvTokens! / contextTokens!);
    // One sequence, or 2 % where there are hundreds.
    expect(Math.abs(answer - printed)).toBeLessThanOrEqual(Math.max(1, printed * 0.02));
  });
});
