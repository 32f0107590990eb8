import { expect, test } from "vitest";
import { readCommonArchitecture } from "../../src/architecture/common-registry.ts";
import { DECODERS } from "../../src/architecture/families/decoders.ts";
import { mainRegistry } from "../../src/architecture/main-registry.ts";
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
