import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { rotaryTableBytes } from "../../src/engines/vllm/profile.ts";
import { MEASURED, modelOf } from "./measured-rows.ts";

const llama = (more: Record<string, unknown>) =>
  readArchitecture(
    {
      model_type: "llama",
      hidden_size: 4096,
      num_hidden_layers: 2,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      intermediate_size: 14336,
      vocab_size: 128256,
      max_position_embeddings: 32768,
      ...more,
    },
    "config.json",
  );

const plain = 32768 * 128 * 2;
const gemma = {
  model_type: "gemma3_text",
  hidden_size: 2560,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  intermediate_size: 10240,
  vocab_size: 262208,
  sliding_window: 1024,
  max_position_embeddings: 131072,
};

describe("rotary tables", () => {
  test.for([
    ["no scaling: 32,768 x 128 x 2 B", {}, plain],
    ["linear 4: 4 x", { rope_scaling: { type: "linear", factor: 4 } }, 4 * plain],
    [
      "linear 4 in rope_parameters: 4 x",
      { rope_parameters: { rope_type: "linear", factor: 4, rope_theta: 1e4 } },
      4 * plain,
    ],
    ["dynamic 2: 2 x", { rope_scaling: { type: "dynamic", factor: 2 } }, 2 * plain],
    [
      "yarn 4 of 32,768: 131,072 rows",
      { rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 32768 } },
      4 * plain,
    ],
    [
      "yarn 8 of 4096: 32,768 rows",
      { rope_scaling: { rope_type: "yarn", factor: 8, original_max_position_embeddings: 4096 } },
      plain,
    ],
    [
      "llama3 stretches frequencies, not the table",
      { rope_scaling: { rope_type: "llama3", factor: 8, original_max_position_embeddings: 8192 } },
      plain,
    ],
    [
      "positions in sections: 4 x",
      { rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] } },
      4 * plain,
    ],
    ["a factor that is no number counts as none", { rope_scaling: { type: "linear", factor: "8" } }, plain],
  ] as const)("%s", ([, more, bytes]) => {
    expect(rotaryTableBytes(llama(more), 2)).toBe(bytes);
  });

  test("Gemma 3: (8 + 1) x 131,072 x 256 x 2 B, the windows' table unstretched", () => {
    const model = readArchitecture(
      { ...gemma, rope_scaling: { rope_type: "linear", factor: 8 } },
      "config.json",
    );
    expect(rotaryTableBytes(model, 2)).toBe(9 * 131072 * 256 * 2);
  });

  test("by layer type: full layers stretched, windows not", () => {
    const rope_parameters = {
      full_attention: { rope_type: "linear", factor: 8 },
      sliding_attention: { rope_type: "default" },
    };
    const model = readArchitecture({ ...gemma, rope_parameters }, "config.json");
    expect(rotaryTableBytes(model, 2)).toBe(9 * 131072 * 256 * 2);
  });

  test("a vision tower's learned positions leave the language model's table", () => {
    const model = modelOf(MEASURED.find((row) => row.config === "gemma-3-4b")!);
    if (typeof model === "string") throw new Error(model);
    expect(rotaryTableBytes(model, 2)).toBe(603_979_776);
  });
});
