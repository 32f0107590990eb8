import { describe, expect, test } from "vitest";
import { ROUNDABLE_BLOCKS, roundBlocks } from "../../src/formats/block-rounding.ts";
import vectors from "../vectors/formats-blocks.json" with { type: "json" };

const inputs: Readonly<Record<string, readonly number[]>> = vectors.inputs;

describe("against other implementations", () => {
  test.each(vectors.rows)(
    "$format reads back $what as gguf-py does, all 64 values",
    ({ format, what, read }) => {
      // JSON has no -0, which e2m1 does: zeros are compared without their sign.
      const fp32 = (x: number): number => Math.fround(x) + 0;
      expect(roundBlocks(format, inputs[what]!).values.map(fp32)).toEqual(read.map(fp32));
    },
  );
});

describe("by hand", () => {
  test.each([
    {
      id: "mxfp4",
      x: [1, 2.4, 6, -0.3],
      scale: 1,
      values: [1, 2, 6, -0.5],
      why: "2^(floor(log2 6) - 2) = 1; 2.4 -> 2, 0.3 -> 0.5",
    },
    { id: "mxfp4", x: [7, 1], scale: 1, values: [6, 1], why: "7 saturates: the scale is a power of two" },
    {
      id: "mxfp4",
      x: [0, 0],
      scale: 2 ** -127,
      values: [0, 0],
      why: "a block of zeros has the smallest scale",
    },
    { id: "mxfp8_e4m3", x: [448, 1], scale: 1, values: [448, 1], why: "2^(8 - 8)" },
    { id: "mxfp8_e5m2", x: [3, 0.1], scale: 2 ** -14, values: [3, 0.09375], why: "2^(1 - 15)" },
    {
      id: "mxfp6_e3m2",
      x: [1, 0.3],
      scale: 2 ** -4,
      values: [1, 0.3125],
      why: "2^(0 - 4); 0.3 x 16 = 4.8 -> 5",
    },
    {
      id: "mxfp6_e2m3",
      x: [1, 0.3],
      scale: 2 ** -2,
      values: [1, 0.3125],
      why: "2^(0 - 2); 0.3 x 4 = 1.2 -> 1.25",
    },
    { id: "mxint8", x: [1, 0.3], scale: 1, values: [1, 0.296875], why: "2^0; 0.3 x 64 = 19.2 -> 19" },
    {
      id: "nf4",
      x: [2, -1, 0],
      scale: 2,
      values: [2, 2 * -0.5250730514526367, 0],
      why: "absmax 2; -0.5 -> -0.525",
    },
    {
      id: "bnb_fp4",
      x: [2, -1, 0.3],
      scale: 2,
      values: [2, -1, 2 * Math.fround(1 / 6)],
      why: "absmax 2; 0.15 -> 1/6",
    },
    {
      id: "q8_0",
      x: [127, 1.4, -2.5],
      scale: 1,
      values: [127, 1, -3],
      why: "d = 1; halves go away from zero",
    },
    { id: "q4_0", x: [-8, 7.9, 1.2], scale: 1, values: [-8, 7, 1], why: "d = -8 / -8; 7.9 stops at 7" },
  ])("$id: $x becomes $values ($why)", ({ id, x, scale, values }) => {
    const rounded = roundBlocks(id, x);
    expect(rounded.values).toEqual(values);
    expect(rounded.blocks.map((block) => block.scale)).toEqual([scale]);
  });

  test("nvfp4: the largest value of the tensor is 6 x 448 x its scale, and each 16 values have an e4m3 of their own", () => {
    const x = [...Array.from({ length: 16 }, (_, i) => i / 16), ...Array.from({ length: 16 }, () => 2688)];
    const rounded = roundBlocks("nvfp4", x);
    // 2688 = 6 x 448, so the scale of the tensor is 1.
    expect(rounded.blocks.map((block) => block.scale)).toEqual([0.15625, 448]);
    expect(rounded.values.slice(16)).toEqual(Array.from({ length: 16 }, () => 2688));
    // 15/16 / 6 = 0.15625 is an e4m3, so 15/16 = 6 x 0.15625 is kept.
    expect(rounded.values[15]).toBe(0.9375);
  });

  test("70 values of nf4 are two blocks, the second of 6", () => {
    const rounded = roundBlocks(
      "nf4",
      Array.from({ length: 70 }, (_, i) => i),
    );
    expect(rounded.blocks.map((block) => block.values.length)).toEqual([64, 6]);
    expect(rounded.blocks.map((block) => block.scale)).toEqual([63, 69]);
  });
});

describe("limits", () => {
  test.each(ROUNDABLE_BLOCKS)("%s keeps zeros, and nothing at all", (id) => {
    expect(roundBlocks(id, [0, 0]).values.map((x) => x + 0)).toEqual([0, 0]);
    expect(roundBlocks(id, []).values).toEqual([]);
  });

  test("formats fitted by a search, formats of single values and values beyond fp32 are refused", () => {
    expect(() => roundBlocks("q4_k", [1])).toThrow("rounded by a rule");
    expect(() => roundBlocks("fp16", [1])).toThrow("rounded by a rule");
    expect(() => roundBlocks("nope", [1])).toThrow("unknown format");
    expect(() => roundBlocks("mxfp4", [1, Number.NaN])).toThrow("spoils its whole block");
    expect(() => roundBlocks("nf4", [1e300])).toThrow("spoils its whole block");
  });
});
