import { describe, expect, test } from "vitest";
import { parseSettings } from "../../src/cli/engine-settings.ts";
import { invoke } from "./invoke.ts";

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

  test("the pools of SGLang by its flags", () =>
    expect(
      parseSettings(
        "max-running-requests=64,page-size=64,max-total-tokens=4096,disable-cuda-graph,swa-full-tokens-ratio=0.5,chunked-prefill-size=-1",
      ),
    ).toEqual({
      maxRunningRequests: 64,
      pageTokens: 64,
      maxTotalTokens: 4096,
      disableCudaGraph: true,
      swaFullTokensRatio: 0.5,
      chunkedPrefillTokens: -1,
    }));

  test.each([
    "page-size=0",
    "block-size=0",
    "max-running-requests=0",
    "max-total-tokens=-5",
    "page-size=1.5",
  ])("%s is no number of them", (text) =>
    expect(() => parseSettings(text)).toThrow(/expected a whole number from 1: /),
  );

  test("what has an option of its own is answered with it, as it was typed", async () => {
    const told = async (setting: string): Promise<string> =>
      (await invoke(["qwen3-8b", "--engine", "sglang", "--set", setting])).stderr;
    expect(await told("kv-cache-dtype=fp8")).toContain('"kv-cache-dtype", expected --kv-dtype fp8');
    expect(await told("enable-dp-attention")).toContain("expected --dp ranks --ep ranks (attention in each");
    expect(await told("ub=512")).toContain("--set got ub for sglang, expected --engine llama.cpp with it");
  });

  test("an importance matrix is named with the file type", () =>
    expect(() => parseSettings("imatrix=on")).toThrow(/--dtype q4_k_m-imatrix, an option of its own here/));

  test("a word that a flag does not take is answered with those it takes", () =>
    expect(() => parseSettings("attn-implementation=xformers")).toThrow(
      /--set attn-implementation got "xformers", expected flash, sdpa, eager/,
    ));
});
