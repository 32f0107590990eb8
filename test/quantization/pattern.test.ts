import { describe, expect, test } from "vitest";
import { compilePattern } from "../../src/architecture/module-pattern.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { canonicalName } from "../../src/quantization/module-names.ts";
import { storageFromConfig } from "../../src/quantization/storage-from-config.ts";
import { timeLimit } from "../time-limit.ts";
import { CONFIGS } from "./model-configs.ts";

const TEXTS = [
  "lm_head",
  "model.layers.0.self_attn.q_proj",
  "model.layers.10.mlp.experts.7.down_proj",
  "model.layers.59.mlp.shared_experts.gate_proj",
  "vision_tower.encoder.layers.3.mlp.fc1",
  "",
];

describe("patterns match as JavaScript's own engine does from the start of the text", () => {
  test.each([
    ".*self_attn.*",
    ".*mlp\\.(gate|up|gate_up|down)_proj.*",
    "model.layers.*.self_attn",
    "model\\.layers\\.[0-9]\\.",
    "model\\.layers\\.(?:[1-9][0-9]|0)\\.self_attn",
    ".*experts\\.\\d+\\..*",
    "^model\\.layers\\.\\d{1,2}\\.mlp",
    ".*_proj$",
    "(?!.*vision).*mlp",
    "(?=.*experts)model",
    "lm_head|.*fc1",
    "[^v].*",
    "model.*?down",
    ".*\\bmlp\\b.*",
    "(model|vision_tower)(\\.\\w+)+",
    "x*",
    "",
    "a{0}model",
    "[]a]?lm",
  ])("%s", (source) => {
    const matcher = compilePattern(source);
    const oracle = new RegExp(`^(?:${source.replace("[]a]", "[\\]a]")})`);
    expect(TEXTS.map((text) => matcher?.(text, { steps: 1e6 }))).toEqual(
      TEXTS.map((text) => oracle.test(text)),
    );
  });

  test.each([
    "(a",
    "a)",
    "[a",
    "*a",
    "(a)\\1",
    "(?<=a)b",
    "a**",
    "(?=(?=a))",
    "x".repeat(1001),
    "((((a{99}){99}){99}){99})",
  ])("%s is not read", (source) => {
    expect(compilePattern(source)).toBeNull();
  });
});

describe("hostile lists end soon", () => {
  const config = (ignore: readonly string[], layers = 32) => ({
    ...CONFIGS["Llama-3-8B"],
    num_hidden_layers: layers,
    quantization_config: {
      quant_method: "compressed-tensors",
      ignore,
      config_groups: {
        g: { targets: ["Linear"], weights: { num_bits: 8, type: "float", strategy: "channel" } },
      },
    },
  });
  const run = (json: Record<string, unknown>): number => {
    const start = performance.now();
    try {
      storageFromConfig(json, "config.json")?.bytesOf(readArchitecture(json, "config.json"));
    } catch (error) {
      expect((error as Error).message).toMatch(/config\.json/);
    }
    return performance.now() - start;
  };

  test.each([
    ["a pattern that backtracks without end", ["re:(a+)+$", "re:(.*)*x", "re:(.*.*.*.*.*)y"]],
    ["ten thousand patterns", Array.from({ length: 10_000 }, (_, i) => `re:.*x${i}`)],
    ["a hundred thousand names", Array.from({ length: 100_000 }, (_, i) => `model.layers.${i}.mlp.up_proj`)],
    ["nested repeats of nothing", ["re:((((){999}){999}){999}){999}"]],
  ])("%s", (_title, ignore) => {
    expect(run(config(ignore))).toBeLessThan(timeLimit(5000));
  });

  test("a thousand GPTQ rules over a thousand layers", () => {
    const dynamic = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`-:.*x.*${i}`, {}]));
    const quantization_config = { quant_method: "gptq", bits: 4, group_size: 128, dynamic };
    expect(run({ ...config([], 1000), quantization_config })).toBeLessThan(timeLimit(5000));
  });

  test("a hundred thousand layers", () => {
    expect(run(config(["lm_head", "re:.*down_proj$"], 100_000))).toBeLessThan(timeLimit(10_000));
  });
});

describe("one spelling for a module", () => {
  test.each([
    ["language_model.model.layers.3.block_sparse_moe.experts.0.w1", "layers.3.mlp.experts.gate_proj"],
    ["model.language_model.layers.3.self_attn.q_proj", "layers.3.self_attn.q_proj"],
    ["model.layers.3.feed_forward.shared_expert.up_proj", "layers.3.mlp.shared_expert.up_proj"],
    ["layers.3.ffn.experts", "layers.3.mlp.experts"],
    ["vision_model.model.layers.0.mlp.fc1", "vision_model.model.layers.0.mlp.fc1"],
    ["lm_head", "lm_head"],
    ["model", "model"],
  ])("%s is %s", (name, expected) => {
    expect(canonicalName(name)).toBe(expected);
  });

  test("an expert beyond the first is spoken for by the first", () => {
    expect(canonicalName("model.layers.3.mlp.experts.17.up_proj")).toBeNull();
  });
});
