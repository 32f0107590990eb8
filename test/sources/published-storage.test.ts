import { describe, expect, test } from "vitest";
import { estimate } from "../../src/estimate/estimate.ts";
import { publishedCacheFormat } from "../../src/sources/published-storage.ts";
import { named } from "../estimate/estimate-models.ts";

describe("the cache format that a checkpoint carries scales for", () => {
  test.for([
    [
      "ModelOpt's scheme",
      { quantization_config: { kv_cache_scheme: { type: "float", num_bits: 8 } } },
      "fp8",
    ],
    ["a word", { quantization_config: { kv_cache_scheme: "FP8" } }, "fp8"],
    ["the older key", { quantization_config: { kv_cache_quant_algo: "FP8" } }, "fp8"],
    ["in the text part", { text_config: { quantization_config: { kv_cache_scheme: "fp8" } } }, "fp8"],
    ["none", { quantization_config: { quant_method: "modelopt", kv_cache_scheme: null } }, undefined],
    ["integers", { quantization_config: { kv_cache_scheme: { type: "int", num_bits: 8 } } }, undefined],
    ["no quantization", { hidden_size: 64 }, undefined],
    ["no config", undefined, undefined],
    ["a list", { quantization_config: [] }, undefined],
  ] as const)("%s", ([, config, format]) => expect(publishedCacheFormat(config)).toBe(format));

  const llama = named("llama-3.1-8b");
  const cacheOf = (options: Parameters<typeof estimate>[1]) => {
    const { request, notes } = estimate(llama, { calibratedKv: "fp8", ...options });
    return [request.kvDtype, notes.find(({ code }) => code === "calibrated-cache")?.message];
  };
  test("vLLM keeps it, others are told of it, and what is asked for goes before", () => {
    expect(cacheOf({ engine: "vllm" })).toEqual(["fp8", expect.stringContaining("which vLLM then keeps")]);
    expect(cacheOf({ engine: "vllm", kvDtype: "auto" })[0]).toBe("fp8");
    expect(cacheOf({})).toEqual(["bf16", expect.stringContaining("--kv-dtype fp8 counts one")]);
    expect(cacheOf({ engine: "vllm", kvDtype: "bf16" })).toEqual(["bf16", undefined]);
    expect(cacheOf({ weightsOnly: true })[1]).toBeUndefined();
  });
});
