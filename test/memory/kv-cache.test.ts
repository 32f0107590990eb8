import { describe, expect, test } from "vitest";
import { transformersCacheBytes } from "../../src/engines/transformers/cache.ts";
import { cacheBytes, cacheTerms } from "../../src/memory/kv-cache.ts";
import { explainTerm } from "../../src/memory/term.ts";
import { bf16Cache, fp8Cache, ggmlCache } from "../engines/cache-formats.ts";
import { grouped, HAND, handModel } from "./hand-model.ts";

const perToken = (model: typeof HAND.llama31): number =>
  cacheBytes(model, { contextTokens: 2, format: bf16Cache }).kv -
  cacheBytes(model, { contextTokens: 1, format: bf16Cache }).kv;

describe("bytes of one more token", () => {
  test.for([
    ["Llama-3.1-8B: 32 layers x 8 heads x 128 x 2 x 2 B", HAND.llama31, 131_072],
    ["Qwen2.5-7B: 28 x 4 x 128 x 4 B", HAND.qwen25, 57_344],
    ["gpt-oss-120b below its window: 36 x 8 x 64 x 4 B", HAND.gptOss120, 73_728],
    ["DeepSeek-V3: 61 x (512 + 64) x 2 B, once for 128 heads", HAND.deepseekV3, 70_272],
  ] as const)("%s", ([, model, bytes]) => expect(perToken(model)).toBe(bytes));

  test("a latent model expanded per head costs 61 x 128 x (192 + 128) x 2 = 4,997,120 B: transformers before 5", () => {
    const input = { contextTokens: 1, sequences: 1, format: bf16Cache, moment: "shape" } as const;
    expect(transformersCacheBytes(HAND.deepseekV3, { ...input, latentCache: "expanded" })).toBe(4_997_120);
    expect(transformersCacheBytes(HAND.deepseekV3, input)).toBe(70_272);
  });

  test("past the window of 128 only the 18 full layers of gpt-oss-120b grow: 36,864 B", () => {
    const at = (contextTokens: number): number =>
      cacheBytes(HAND.gptOss120, { contextTokens, format: bf16Cache }).kv;
    expect(at(129) - at(128)).toBe(36_864);
    expect(at(128)).toBe(128 * 73_728);
  });
});

describe("states and formats", () => {
  test("Qwen3.5-0.8B at 32,768: 402,653,184 B of cache, 18 x 6144 x 3 x 2 + 18,874,368 B of state", () => {
    expect(cacheBytes(HAND.qwen35Small, { contextTokens: 32_768, format: bf16Cache })).toEqual({
      kv: 402_653_184,
      state: 663_552 + 18_874_368,
    });
  });

  test("transformers keeps all 4 columns of the convolution: 884,736 B", () => {
    const input = { contextTokens: 32_768, sequences: 1, format: bf16Cache, moment: "shape" } as const;
    expect(transformersCacheBytes(HAND.qwen35Small, input)).toBe(402_653_184 + 884_736 + 18_874_368);
  });

  test("fp8 is half of bf16; q8_0 keys with q4_0 values are 4 x 34 + 4 x 18 = 208 B of 512 per head", () => {
    const at = (format: typeof bf16Cache): number =>
      cacheBytes(HAND.llama31, { contextTokens: 1000, format }).kv;
    expect(at(fp8Cache) * 2).toBe(at(bf16Cache));
    expect(at(ggmlCache("q8_0", "q4_0"))).toBe(1000 * 32 * 8 * 208);
  });

  test("a chunk of 8192 holds at most 8192 positions", () => {
    const model = handModel([[[grouped(8, 128, { chunkTokens: 8192 })], 36]]);
    expect(cacheBytes(model, { contextTokens: 100_000, format: bf16Cache }).kv).toBe(36 * 8192 * 4096);
  });

  test("cross attention holds the encoder's positions: Whisper 1500 whatever the context", () => {
    const model = handModel([
      [
        [
          {
            kind: "attention",
            queryHeads: 20,
            kvHeads: 20,
            keyDim: 64,
            valueDim: 64,
            cache: "cross",
            encoderTokens: 1500,
          },
        ],
        32,
      ],
    ]);
    expect(cacheBytes(model, { contextTokens: 7, format: bf16Cache }).kv).toBe(32 * 1500 * 20 * 64 * 4);
  });
});

describe("terms", () => {
  test("four sequences of 8192 tokens: 4 x 1,073,741,824 = 4,294,967,296 B, written out", () => {
    const [term] = cacheTerms(HAND.llama31, { contextTokens: 8192, sequences: 4, format: bf16Cache });
    expect(term?.basis).toBe("exact");
    expect(explainTerm(term!)).toBe(
      "4 sequences x 8,192 tokens x 32 layers x 8 KV heads x 512 B = 4,294,967,296 B",
    );
  });

  test("no layers of a kind, no term", () => {
    const input = { contextTokens: 8192, sequences: 4, format: bf16Cache };
    expect(cacheTerms(HAND.llama31, input).map((t) => t.id)).toEqual(["kv-cache"]);
    expect(cacheTerms(HAND.qwen35Small, input).map((t) => t.id)).toEqual(["kv-cache", "recurrent-state"]);
  });

  test("10,000 layers cost no more steps than 10: one row of cacheLayers", () => {
    const deep = handModel([[[grouped(8, 128)], 10_000]]);
    expect(cacheBytes(deep, { contextTokens: 1, format: bf16Cache }).kv).toBe(10_000 * 4096);
  });
});
