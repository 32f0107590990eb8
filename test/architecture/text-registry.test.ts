import { expect, test } from "vitest";
import { readCommonArchitecture } from "../../src/architecture/common-registry.ts";
import { COMPOSITES, DECODERS, ENCODERS, HYBRIDS } from "../../src/architecture/families/index.ts";
import { mainRegistry } from "../../src/architecture/main-registry.ts";
import { TOWER_KEYS } from "../../src/architecture/read-architecture.ts";
import { FAMILIES, readArchitecture } from "../../src/architecture/registry.ts";

const llama = {
  model_type: "llama",
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 100,
  vocab_size: 101,
};

test("a text decoder is read as all families read it", () => {
  expect(mainRegistry.reads(llama)).toBe(true);
  expect(mainRegistry.read(llama, "config.json")).toEqual(readArchitecture(llama, "config.json"));
});

test.for([
  ["a tower beside the text part", { ...llama, vision_config: {} }],
  ["the tower of a family that replaces a decoder", { ...llama, model_type: "qwen", visual: {} }],
  ["a family that is no text decoder", { ...llama, model_type: "mamba2" }],
  ["an unknown model type", { ...llama, model_type: "no-such-model" }],
  ["no model type", { architectures: ["LlamaForCausalLM"] }],
  ["a text", "llama"],
  ["null", null],
] as const)("%s is left to all families", ([, config]) => {
  expect(mainRegistry.reads(config)).toBe(false);
});

test("no other family claims the model type of a text decoder", () => {
  const text = new Set(DECODERS.flatMap((family) => family.modelTypes));
  const others = FAMILIES.filter((family) => !DECODERS.includes(family));
  expect(others.length).toBeGreaterThan(0);
  expect(others.flatMap((family) => family.modelTypes).filter((type) => text.has(type))).toEqual([]);
});

test("where one family reads instead of another, no smaller set has only the other", () => {
  const common = [...DECODERS, ...HYBRIDS, ...COMPOSITES, ...ENCODERS];
  const withTower = new Set([...HYBRIDS, ...COMPOSITES, ...ENCODERS].flatMap(({ modelTypes }) => modelTypes));
  const replacing = FAMILIES.flatMap((family) =>
    family.insteadOf === undefined ? [] : [{ family, ...family.insteadOf }],
  );
  expect(replacing.length).toBeGreaterThan(2);
  for (const { family, modelType, key } of replacing) {
    // Text decoders alone leave a config with a tower's key to the others.
    expect(TOWER_KEYS).toContain(key);
    if (withTower.has(modelType)) expect(common).toContain(family);
  }
});

test("the common families read what all families read, and leave the rest to them", () => {
  const mamba = {
    model_type: "mamba2",
    hidden_size: 64,
    num_hidden_layers: 2,
    vocab_size: 101,
    num_heads: 2,
  };
  for (const config of [llama, mamba])
    expect(readCommonArchitecture(config, "config.json")).toEqual(readArchitecture(config, "config.json"));
  expect(readCommonArchitecture({ ...llama, model_type: "no-such-model" }, "config.json")).toBe(null);
  expect(() => readCommonArchitecture({ ...llama, hidden_size: -1 }, "config.json")).toThrow(/hidden_size/);
});
