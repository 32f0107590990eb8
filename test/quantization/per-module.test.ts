import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../src/errors.ts";
import { storageFromConfig } from "../../src/quantization/storage-from-config.ts";
import { configOf, modelOf } from "./model-configs.ts";

const llama = "Llama-3.1-8B-Instruct";
const moe = "Qwen3-30B-A3B";

const bytesWith = (model: string, quantization_config: unknown): number =>
  storageFromConfig(configOf(model, { quantization_config }), "config.json")!.bytesOf(modelOf(model));

const refusal = (more: Readonly<Record<string, unknown>>): string => {
  try {
    storageFromConfig(configOf(llama, more), "config.json");
  } catch (error) {
    if (error instanceof VramCalcError) return error.message;
    throw error;
  }
  return "(read)";
};

const MXFP4 = { weight: { dtype: "fp4", qscheme: "per_group", group_size: 32 } };
const FP8 = { weight: { dtype: "fp8_e4m3", qscheme: "per_channel", ch_axis: 0 } };
const quark = (global_quant_config: object, layer_quant_config: object, exclude = ["lm_head"]) => ({
  quant_method: "quark",
  global_quant_config,
  layer_quant_config,
  exclude,
});

describe("Quark: the first pattern of layer_quant_config that fits, else the global one", () => {
  // Attention: 1,342,177,280 weights of 327,680 rows; the other linears: 5,637,144,576; everything else 2,101,878,784 B.
  test("Llama 3.1 8B, MXFP4 with attention in FP8: 5,637,144,576 x 17/32 + 1,342,177,280 + 4 x 327,680", () => {
    const bytes = 2_101_878_784 + (5_637_144_576 * 17) / 32 + 1_342_177_280 + 4 * 327_680;
    expect(bytesWith(llama, quark(MXFP4, { "*self_attn*": FP8 }))).toBe(bytes);
    const inverse = quark(FP8, { "*mlp*": MXFP4, "*": { weight: { dtype: "int8" } } });
    // The first pattern goes before the second, which goes before the global one: int8 with one scale of 4 B each.
    expect(bytesWith(llama, inverse)).toBe(bytes - 4 * 327_680 + 4 * 4 * 32);
  });

  test("a weight of null stays: 2 x 1,342,177,280", () => {
    const bytes = 2_101_878_784 + (5_637_144_576 * 17) / 32 + 2 * 1_342_177_280;
    expect(bytesWith(llama, quark(MXFP4, { "*self_attn*": { weight: null } }))).toBe(bytes);
  });

  // 48 x 128 x 3 x 768 x 2048 weights of experts.
  test("Qwen3 30B-A3B with nothing but experts: 28,991,029,248 x 17/32 and 16 bits for 1,541,093,376 others", () => {
    const bytes = (28_991_029_248 * 17) / 32 + 2 * 1_541_093_376;
    expect(bytesWith(moe, quark({}, { "*mlp.experts*": MXFP4 }))).toBe(bytes);
  });

  test.each([
    ["layer_type_quant_config", { ...quark(MXFP4, {}), layer_type_quant_config: { Linear: FP8 } }],
    ["global_quant_config", quark({}, {})],
  ])("%s that cannot be honoured is refused", (key, quantization_config) => {
    expect(refusal({ quantization_config })).toContain(`quantization_config.${key}`);
  });
});

/** Llama 3.1 8B in 16 bits: 16,060,522,496 B. */
describe("HQQ: tags are quantized, each with its own bits, and nothing else", () => {
  const params = (nbits: number, group_size: number) => ({ weight_quant_params: { nbits, group_size } });

  test("q and k in 2 bits, groups of 64: 671,088,640 weights at 2/8 + 4/64 B", () => {
    const quant_config = { "self_attn.q_proj": params(2, 64), "self_attn.k_proj": params(2, 64) };
    const bytes = 16_060_522_496 - 2 * 671_088_640 + 671_088_640 * (2 / 8 + 4 / 64);
    expect(bytesWith(llama, { quant_method: "hqq", quant_config })).toBe(bytes);
  });

  test("q in 4 bits, down in 8 bits, v null: 536,870,912 at 4/8 + 4/64 and 1,879,048,192 at 1 + 4/32", () => {
    const quant_config = {
      "self_attn.q_proj": params(4, 64),
      "self_attn.v_proj": null,
      "mlp.down_proj": params(8, 32),
    };
    const bytes =
      16_060_522_496 - 2 * (536_870_912 + 1_879_048_192) + 536_870_912 * 0.5625 + 1_879_048_192 * 1.125;
    expect(bytesWith(llama, { quant_method: "hqq", quant_config })).toBe(bytes);
  });

  test("a tag on the skip list stays", () => {
    const block = { quant_method: "hqq", quant_config: { "self_attn.q_proj": params(4, 64) } };
    expect(bytesWith(llama, { ...block, skip_modules: ["self_attn.q_proj"] })).toBe(16_060_522_496);
  });
});

describe("what cannot be sized from a config is refused, naming its key", () => {
  const group = { weights: { num_bits: 4, type: "int", strategy: "group", group_size: 128 } };
  test.each([
    ["aqlm", { aqlm: { num_codebooks: 1, nbits_per_codebook: 16 } }],
    ["quip_params", { quip_params: { codebook: "E8P12" } }],
    [
      "quantization_config.format",
      {
        quantization_config: {
          quant_method: "compressed-tensors",
          format: "marlin-24",
          config_groups: { g: group },
        },
      },
    ],
    [
      "quantization_config.config_groups.g.format",
      {
        quantization_config: {
          quant_method: "compressed-tensors",
          format: "mixed-precision",
          config_groups: { g: { ...group, format: "marlin-24" } },
        },
      },
    ],
  ])("%s", (key, more) => {
    expect(refusal(more)).toContain(`"${key}"`);
    expect(refusal(more)).toContain("headers");
  });
});
