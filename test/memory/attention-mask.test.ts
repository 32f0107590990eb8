import { describe, expect, test } from "vitest";
import { attentionMaskBytes } from "../../src/memory/attention-mask.ts";
import { batchLengths, parseLengths } from "../../src/memory/batch-lengths.ts";
import { bf16Cache } from "../engines/cache-formats.ts";
import { HAND } from "./hand-model.ts";

const base = {
  sequences: 4,
  queryTokens: 2048,
  keyTokens: 2048,
  padded: true,
  computeBytes: 2,
  queryHeads: 32,
} as const;

describe("what a mask costs", () => {
  test.for([
    ["flash: nothing, padded or not", { implementation: "flash" }, 0, 0],
    ["sdpa unpadded: nothing", { implementation: "sdpa", padded: false }, 0, 0],
    ["sdpa padded: 4 x 2048 x 2048 booleans", { implementation: "sdpa" }, 16_777_216, 0],
    [
      "eager: the mask in bf16, scores 4 x 32 x 2048^2 x (2 + 4 + 2) B",
      { implementation: "eager" },
      33_554_432,
      4_294_967_296,
    ],
    [
      "eager unpadded: the causal mask is still written out",
      { implementation: "eager", padded: false },
      33_554_432,
      4_294_967_296,
    ],
    ["a padded decode step: 4 x 1 x 2048 booleans", { implementation: "sdpa", queryTokens: 1 }, 8192, 0],
  ] as const)("%s", ([, change, mask, scores]) =>
    expect(attentionMaskBytes({ ...base, ...change })).toEqual({ mask, scores }),
  );
});

describe("--lengths", () => {
  test("512,200,1k reads as 512, 200 and 1024", () =>
    expect(parseLengths("512,200,1k")).toEqual([512, 200, 1024]));

  test.for(["", "512,,3", "0", "-5", "12.5", "x"])('"%s" is refused', (text) =>
    expect(() => parseLengths(text)).toThrow(/--lengths|token/),
  );

  test("512 + 200 + 1024 = 1736 of 3 x 1024 = 3072: 43.5 % of the padded batch is waste", () => {
    const batch = batchLengths(HAND.llama31, {
      lengths: [512, 200, 1024],
      format: bf16Cache,
      implementation: "sdpa",
      computeBytes: 2,
    });
    expect(batch).toMatchObject({
      sequences: 3,
      longestTokens: 1024,
      realTokens: 1736,
      paddedTokens: 3072,
      paddedCache: 3072 * 131_072,
      packedCache: 1736 * 131_072,
      mask: 3 * 1024 * 1024,
    });
    expect(batch.wastedShare).toBeCloseTo(1 - 1736 / 3072, 12);
  });

  test("equal lengths waste nothing and need no mask", () => {
    const batch = batchLengths(HAND.llama31, {
      lengths: [512, 512],
      format: bf16Cache,
      implementation: "sdpa",
      computeBytes: 2,
    });
    expect([batch.wastedShare, batch.mask, batch.paddedCache - batch.packedCache]).toEqual([0, 0, 0]);
  });
});
