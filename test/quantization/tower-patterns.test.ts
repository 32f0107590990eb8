import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { assignFormats } from "../../src/quantization/assignment.ts";
import { storageFromConfig } from "../../src/quantization/storage-from-config.ts";
import towers from "../vectors/parameters-classes-towers.json" with { type: "json" };

type Config = Readonly<Record<string, unknown>>;

const configOf = (modelType: string): Config =>
  towers.rows.find(({ config }) => config.model_type === modelType)!.config;

const compressed = (ignore: readonly string[]) => ({
  quant_method: "compressed-tensors",
  format: "pack-quantized",
  ignore,
  config_groups: {
    g: { targets: ["Linear"], weights: { num_bits: 4, type: "int", strategy: "channel" } },
  },
});
const modelopt = (ignore: readonly string[]) => ({ quant_method: "modelopt", quant_algo: "FP8", ignore });

/** Groups of the tensors that the block quantizes. */
function quantizedGroups(config: Config, quantization_config: unknown): Set<string> {
  const model: Architecture = readArchitecture(config, "config.json");
  const storage = storageFromConfig({ ...config, quantization_config }, "config.json")!;
  const plain = model.dtype ?? "bf16";
  return new Set(
    assignFormats(model, storage)
      .filter(({ format }) => format !== plain)
      .map(({ group }) => group),
  );
}

/** What versions of a class and its quantizers call the tower and the projector. */
const CASES: readonly (readonly [modelType: string, ...parts: readonly string[]])[] = [
  ["gemma3", "vision_tower", "multi_modal_projector"],
  ["gemma4", "vision_tower"],
  ["mistral3", "vision_tower", "multi_modal_projector"],
  ["llava", "vision_tower", "multi_modal_projector"],
  ["mllama", "vision_model", "multi_modal_projector"],
  ["qwen2_audio", "audio_tower", "multi_modal_projector"],
  ["qwen2_5_vl", "visual"],
  ["qwen3_vl", "visual"],
  ["qwen3_5", "visual"],
  ["glm4v", "visual"],
  ["smolvlm", "vision_model"],
];

describe("patterns of either spelling keep the tower and the projector as they are", () => {
  test.each(CASES)("%s: %s", (modelType, ...parts) => {
    const config = configOf(modelType);
    for (const prefix of ["", "model."]) {
      const globs = parts.map((part) => `${prefix}${part}*`);
      const expressions = parts.map((part) => `re:${prefix}${part}.*`);
      for (const block of [modelopt(globs), compressed(expressions)]) {
        const groups = quantizedGroups(config, block);
        expect(groups).toContain("mlp");
        expect(groups).not.toContain(parts[0] === "audio_tower" ? "audio" : "vision");
        if (parts.length > 1) expect(groups).not.toContain("projector");
      }
    }
  });

  test.each(["qwen3_vl", "qwen2_5_vl"])(
    "%s: a pattern of the language model leaves the tower alone",
    (type) => {
      const groups = quantizedGroups(configOf(type), compressed(["re:model.language_model.*"]));
      expect(groups).toContain("vision");
      expect(groups).not.toContain("mlp");
    },
  );
});

const GEMMA3_4B = {
  architectures: ["Gemma3ForConditionalGeneration"],
  model_type: "gemma3",
  torch_dtype: "bfloat16",
  text_config: {
    model_type: "gemma3_text",
    hidden_size: 2560,
    intermediate_size: 10240,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    num_hidden_layers: 34,
    vocab_size: 262208,
    sliding_window: 1024,
  },
  vision_config: {
    model_type: "siglip_vision_model",
    hidden_size: 1152,
    image_size: 896,
    intermediate_size: 4304,
    num_attention_heads: 16,
    num_hidden_layers: 27,
    patch_size: 14,
    vision_use_head: false,
  },
};

/** Summed over the linears of the class (transformers 5.18, meta device): n/2 + n/16 + 8 B in the text layers, 2n elsewhere. */
test("Gemma 3 4B, NVFP4 but for its tower: 3,987,737,168 B", () => {
  const ignore = ["lm_head", "model.vision_tower*", "model.multi_modal_projector*"];
  const quantization_config = { quant_method: "modelopt", quant_algo: "NVFP4", ignore };
  const storage = storageFromConfig({ ...GEMMA3_4B, quantization_config }, "config.json")!;
  expect(storage.bytesOf(readArchitecture(GEMMA3_4B, "config.json"))).toBe(3_987_737_168);
});
