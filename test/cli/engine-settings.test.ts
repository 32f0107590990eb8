import { describe, expect, test } from "vitest";
import { parseSettings } from "../../src/cli/engine-settings.ts";

describe("--set", () => {
  test("flags of transformers and SGLang by their names there", () =>
    expect(
      parseSettings(
        "prompt-tokens=1,attn-implementation=eager,cache-implementation=static,chunked-prefill-size=4096",
      ),
    ).toEqual({ promptTokens: 1, attention: "eager", cache: "static", chunkedPrefillTokens: 4096 }));

  test("flags of llama.cpp in its own words: all layers, flash attention by itself, a split with commas", () => {
    expect(parseSettings("ngl=all,fa=auto,ts=3,1,ub=1024")).toEqual({
      gpuLayers: 999,
      flashAttention: true,
      tensorSplit: [3, 1],
      ubatchTokens: 1024,
    });
    expect(parseSettings("cpu-moe,nkvo,b=256")).toEqual({
      cpuExperts: true,
      hostCache: true,
      batchTokens: 256,
    });
  });

  test("an importance matrix is named with the file type", () =>
    expect(() => parseSettings("imatrix=on")).toThrow(/--dtype q4_k_m-imatrix, an option of its own here/));

  test("a word that a flag does not take is answered with those it takes", () =>
    expect(() => parseSettings("attn-implementation=xformers")).toThrow(
      /--set attn-implementation got "xformers", expected flash, sdpa, eager/,
    ));
});
