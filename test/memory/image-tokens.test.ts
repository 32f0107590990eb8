import { describe, expect, test } from "vitest";
import { imageShape } from "../../src/memory/image-tokens.ts";
import { imageWork } from "../../src/memory/image-work.ts";
import { parseImages } from "../../src/memory/images-request.ts";
import { named, VISION } from "../estimate/estimate-models.ts";

describe("--images", () => {
  test.for([
    ["1", { count: 1 }],
    ["2@1280x720", { count: 2, width: 1280, height: 720 }],
    [" 3@64X32 ", { count: 3, width: 64, height: 32 }],
  ] as const)("reads %s", ([text, request]) => {
    expect(parseImages(text)).toEqual(request);
  });

  test.for(["", "0", "x", "2@", "2@1280", "2@0x5", "2@70000x5", "70000", "-1", "1e3", "2@1280x720x3"])(
    'refuses "%s" in one sentence that shows a right one',
    (text) => {
      expect(() => parseImages(text)).toThrow(/--images got .*2@1280x720\.$/);
    },
  );
});

describe("tokens of an image", () => {
  test.for([
    ["qwen2.5-vl-3b", 1280, 720, 46 * 26, 46 * 26 * 4, "1280 / 28 = 45.7, 720 / 28 = 25.7: 46 x 26"],
    ["qwen2.5-vl-3b", 28, 28, 1, 4, "one cell"],
    ["qwen2.5-vl-3b", 5, 5, 1, 4, "never less than one cell"],
    ["qwen3-vl-2b", 1024, 1024, 32 * 32, 64 * 64, "1024 / 32 = 32"],
    ["gemma-3-4b", 1280, 720, 256, 64 * 64, "resized to 896: 64 x 64 patches pooled to 256"],
    ["llava-1.5-7b", 1280, 720, 24 * 24, 24 * 24, "resized to 336: 24 x 24"],
    ["mistral-small-3.1-24b", 1540, 1540, 55 * 56, 110 * 110, "55 rows of 55 and a break each"],
    ["mistral-small-3.1-24b", 3080, 1540, 28 * 56, 28 * 55 * 4, "the longest side is 1540: 28 rows of 55"],
  ] as const)("%s at %i x %i: %i of %i patches (%s)", ([name, width, height, tokens, patches]) => {
    expect(imageShape(VISION[name]!, { count: 1, width, height })).toMatchObject({ tokens, patches });
  });

  test("a native tower shrinks what exceeds 16,384 tokens", () => {
    const { tokens } = imageShape(VISION["qwen2.5-vl-3b"]!, { count: 1, width: 20_000, height: 10_000 });
    expect(tokens).toBeLessThanOrEqual(16_384);
    expect(tokens).toBeGreaterThan(16_000);
  });

  test("never fewer tokens for a larger image", () => {
    for (const model of Object.values(VISION)) {
      let before = 0;
      for (const side of [1, 14, 100, 336, 500, 896, 1000, 1540]) {
        const { tokens } = imageShape(model, { count: 1, width: side, height: side });
        expect(tokens).toBeGreaterThanOrEqual(before);
        before = tokens;
      }
    }
  });

  test("a size that was not given is said where it decides", () => {
    expect(imageShape(VISION["qwen2.5-vl-3b"]!, { count: 1 }).assumedSize).toBe(true);
    expect(imageShape(VISION["gemma-3-4b"]!, { count: 1 }).assumedSize).toBe(false);
  });

  test("a model without a tower is refused in one sentence", () => {
    expect(() => imageShape(named("llama-3.1-8b"), { count: 1 })).toThrow(
      "--images got a llama model, expected a model with a vision tower.",
    );
  });
});

describe("work of the tower", () => {
  const model = VISION["qwen2.5-vl-3b"]!;
  const shape = imageShape(model, { count: 1, width: 1280, height: 720 });
  const input = { shape, together: 2, kept: 2, computeBytes: 2, laterBytes: 0, ownBuffer: false };
  // Widest moment per patch: 4 x 1280 of the stream and 3 x 3420 of the gated MLP.
  const tower = 2 * 4784 * (4 * 1280 + 3 * 3420) * 2;
  const embeddings = 2 * 1196 * 2048 * 2;

  test("2 x 4784 patches x (4 x 1280 + 3 x 3420) x 2 B beside 2 x 1196 x 2048 x 2 B of embeddings", () => {
    expect(imageWork(model, input)).toMatchObject({
      id: "activations",
      label: "images",
      bytes: embeddings + tower,
      low: embeddings,
      high: embeddings + tower,
    });
  });

  test("only what exceeds the layers' moment after it is more", () => {
    expect(imageWork(model, { ...input, laterBytes: tower - 1000 })!.bytes).toBe(embeddings + 1000);
    expect(imageWork(model, { ...input, laterBytes: 2 * tower })!.bytes).toBe(embeddings);
    expect(imageWork(model, { ...input, laterBytes: 2 * tower, ownBuffer: true })!.bytes).toBe(
      embeddings + tower,
    );
  });

  test("nothing on a device without the tower", () => {
    const text = { ...model, stacks: model.stacks.filter((s) => s.role !== "vision"), tensors: [] };
    expect(imageWork(text, input)).toBeNull();
  });
});
