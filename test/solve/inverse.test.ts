import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import { formatsThatFit, largestBatch, largestThatFits, longestContext } from "../../src/solve/inverse.ts";

const model = readArchitecture(
  {
    model_type: "llama",
    hidden_size: 4096,
    num_hidden_layers: 32,
    vocab_size: 128256,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    max_position_embeddings: 131072,
    torch_dtype: "bfloat16",
  },
  "llama-3.1-8b",
);

describe("largestThatFits", () => {
  test.for([
    [1000, 33, 33],
    [20, 33, 20],
    [1000, 0, 0],
    [1, 1, 1],
    [1_000_000, 999_999, 999_999],
  ] as const)("limit %i, threshold %i gives %i", ([limit, threshold, answer]) =>
    expect(largestThatFits({ limit, fits: (n) => n <= threshold })).toBe(answer),
  );
});

describe("the answer fits and the next one does not", () => {
  const total = (options: object): number => estimate(model, options).total.bytes;

  test("longest context", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16e9, max: 60e9 }),
        fc.integer({ min: 1, max: 8 }),
        (budgetBytes, batch) => {
          const answer = longestContext({ model, options: { batch }, budgetBytes });
          if (answer > 0) expect(total({ batch, contextTokens: answer })).toBeLessThanOrEqual(budgetBytes);
          if (answer < 131072)
            expect(total({ batch, contextTokens: answer + 1 })).toBeGreaterThan(budgetBytes);
        },
      ),
    );
  });

  test("largest batch", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16e9, max: 200e9 }),
        fc.integer({ min: 1, max: 131072 }),
        (budgetBytes, contextTokens) => {
          const answer = largestBatch({ model, options: { contextTokens }, budgetBytes });
          if (answer > 0) expect(total({ contextTokens, batch: answer })).toBeLessThanOrEqual(budgetBytes);
          expect(total({ contextTokens, batch: answer + 1 })).toBeGreaterThan(budgetBytes);
        },
      ),
    );
  });

  test("formats, largest first", () => {
    const answers = formatsThatFit({ model, options: {}, budgetBytes: 12e9 }, ["q4_0", "bf16", "q8_0"]);
    expect(answers.map(({ dtype, fits }) => [dtype, fits])).toEqual([
      ["bf16", false],
      ["q8_0", true],
      ["q4_0", true],
    ]);
  });
});
