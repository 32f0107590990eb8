import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import { train } from "../../src/estimate/train.ts";
import { trainReliefs } from "../../src/estimate/train-reliefs.ts";
import { longestContext } from "../../src/solve/inverse.ts";

const tower = (changes: Readonly<Record<string, unknown>> = {}) =>
  readArchitecture(
    {
      model_type: "clip_vision_model",
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      image_size: 32,
      patch_size: 8,
      ...changes,
    },
    "tower",
  );

describe("a model of images or sound alone", () => {
  test.each(["full", "lora", "freeze"] as const)("is not trained as one of text, %s", (method) => {
    const refusal =
      /^train got a clip_vision_model model, which has no layers that read text, expected a language model/;
    expect(() => train(tower(), { method })).toThrow(refusal);
    expect(() => trainReliefs(tower(), { method })).toThrow(refusal);
  });

  test("is not served by llama.cpp", () => {
    expect(() => estimate(tower(), { engine: "llama.cpp" })).toThrow(/--mmproj adds a projector/);
  });

  test("reads as many positions as an image has patches, and one for the class", () => {
    // 32 / 8 = 4 patches a side.
    expect(tower().maxContextTokens).toBe(4 * 4 + 1);
    expect(tower({ image_size: [32, 64] }).maxContextTokens).toBe(4 * 8 + 1);
    const { request, notes } = estimate(tower(), {});
    expect(request.context).toBe(17);
    expect(notes.map(({ code }) => code)).toContain("no-text");
  });

  test("a search for the longest input ends at one image", () => {
    expect(longestContext({ model: tower(), options: {}, budgetBytes: 80e9 })).toBe(17);
  });
});
