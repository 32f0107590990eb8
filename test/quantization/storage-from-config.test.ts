import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { VramCalcError } from "../../src/errors.ts";
import { assignFormats } from "../../src/quantization/assignment.ts";
import type { WeightStorage } from "../../src/quantization/storage.ts";
import { storageFromConfig } from "../../src/quantization/storage-from-config.ts";
import vectors from "../vectors/quantization-checkpoints.json" with { type: "json" };
import { configOf, modelOf } from "./model-configs.ts";
import { configNames, HAVE_CONFIGS, sharedConfig } from "./shared-configs.ts";

const llama8b = "Llama-3.1-8B-Instruct";

function stored(config: unknown): WeightStorage {
  const storage = storageFromConfig(config, "config.json");
  if (storage === null) throw new Error("the config is not quantized");
  return storage;
}

const bytesWith = (model: string, quantization_config: unknown): number =>
  stored(configOf(model, { quantization_config })).bytesOf(modelOf(model));

const refusal = (quantization_config: unknown, more = {}): string => {
  try {
    storageFromConfig(configOf(llama8b, { quantization_config, ...more }), "config.json")?.bytesOf(
      modelOf(llama8b),
    );
  } catch (error) {
    if (error instanceof VramCalcError) return error.message;
    throw error;
  }
  return "(read)";
};

describe("published checkpoints from their config", () => {
  test.each(vectors.totals.rows)("$model: $bytes B, MTP layers included", ({ model, bytes }) => {
    expect(stored(configOf(model)).fileBytesOf?.(modelOf(model))).toBe(bytes);
  });

  test.each(vectors.blockScales.rows)("$model: $scales block scales of 4 B", ({ model, scales }) => {
    let found = 0;
    for (const row of assignFormats(modelOf(model), stored(configOf(model)))) {
      if (row.format !== "fp8-block") continue;
      found += (row.bytes - row.layers * row.copies * row.shape[0]! * row.shape[1]!) / 4;
    }
    expect(found).toBe(scales);
  });

  test.each(vectors.gptq.rows)("$model GPTQ $bits bits, group $group: $gigabytes GB", (row) => {
    const config = { quant_method: "gptq", bits: row.bits, group_size: row.group, desc_act: true };
    expect((bytesWith(row.model, config) / 1e9).toFixed(2)).toBe(row.gigabytes.toFixed(2));
  });

  test.skipIf(!HAVE_CONFIGS).each(vectors.elements.rows)(
    "$config stores $elements elements, scales and MTP included (skipped without ../shared)",
    ({ config, elements }) => {
      const json = sharedConfig(config);
      const scaleBytes = /V4/.test(config) ? 1 : 4;
      let found = 0;
      for (const row of assignFormats(readArchitecture(json, config), stored(json))) {
        const values = row.shape.reduce((product, n) => product * n, row.layers * row.copies);
        if (row.format === "mxfp4") found += row.bytes;
        else if (row.format === "fp8-block") found += values + (row.bytes - values) / scaleBytes;
        else found += values;
      }
      expect(found).toBe(elements);
    },
  );
});

describe("Llama 3.1 8B: 6,979,321,856 weights in linears, 1,050,939,392 others x 2 B = 2,101,878,784 B", () => {
  const fp8 = (strategy: string) => ({
    quant_method: "compressed-tensors",
    format: "float-quantized",
    ignore: ["lm_head"],
    config_groups: {
      group_0: { targets: ["Linear"], weights: { num_bits: 8, type: "float", strategy, symmetric: true } },
    },
  });
  test.each([
    [
      "AWQ g128: + 3,489,660,928 codes + 27,262,976 zeros + 109,051,904 scales",
      { quant_method: "awq", bits: 4, group_size: 128, zero_point: true, version: "gemm" },
      5_727_854_592,
    ],
    [
      "GPTQ g128 of GPTQModel: AWQ's + 4 B x 1,245,184 inputs",
      { quant_method: "gptq", bits: 4, group_size: 128, meta: { quantizer: ["gptqmodel:1.4.0"] } },
      5_732_835_328,
    ],
    [
      "GPTQ g128 of AutoGPTQ: + 2 B x 1,376,256 outputs for biases of zero",
      { quant_method: "gptq", bits: 4, group_size: 128 },
      5_732_835_328 + 2_752_512,
    ],
    [
      "NF4 with double quantization: + 3,489,660,928 + 109,051,904 + 1,703,936 + 224 x 1088",
      {
        quant_method: "bitsandbytes",
        load_in_4bit: true,
        bnb_4bit_quant_type: "nf4",
        bnb_4bit_use_double_quant: true,
      },
      5_702_295_552 + 224 * 1088,
    ],
    [
      "LLM.int8: + 6,979,321,856 + 4 x 1,376,256",
      { load_in_8bit: true },
      2_101_878_784 + 6_979_321_856 + 5_505_024,
    ],
    ["FP8 per channel: + 6,979,321,856 + 2 x 1,376,256 scales", fp8("channel"), 9_083_953_152],
    ["FP8 per tensor: + 6,979,321,856 + 2 x 224 scales", fp8("tensor"), 9_081_200_640 + 448],
    [
      "W4A16 g128: + 3,489,660,928 + 2 B x 54,525,952 + 224 shapes of 16 B",
      {
        quant_method: "compressed-tensors",
        format: "pack-quantized",
        ignore: ["lm_head"],
        config_groups: {
          g: {
            targets: ["Linear"],
            weights: { num_bits: 4, type: "int", strategy: "group", group_size: 128 },
          },
        },
      },
      2_101_878_784 + 3_489_660_928 + 109_051_904 + 3584,
    ],
    [
      "FP8 in blocks: + 6,979,321,856 + 4 x 425,984 scales",
      { quant_method: "fp8", weight_block_size: [128, 128] },
      9_081_200_640 + 1_703_936,
    ],
    [
      "FP8 of AutoFP8, static: + 6,979,321,856 + 224 x 8",
      { quant_method: "fp8", activation_scheme: "static", ignored_layers: ["lm_head"] },
      9_081_200_640 + 1792,
    ],
    [
      "fbgemm FP8: + 6,979,321,856 + 4 x 1,376,256",
      { quant_method: "fbgemm_fp8", modules_to_not_convert: ["lm_head"] },
      9_081_200_640 + 5_505_024,
    ],
    [
      "ModelOpt NVFP4: + 3,489,660,928 + 436,207,616 + 224 x 8",
      { quant_method: "modelopt", quant_algo: "NVFP4", exclude_modules: ["lm_head"] },
      2_101_878_784 + 3_489_660_928 + 436_207_616 + 1792,
    ],
    [
      "HQQ 4 bits g64: + 3,489,660,928 + 4 B x 109,051,904",
      { quant_method: "hqq", quant_config: { weight_quant_params: { nbits: 4, group_size: 64 } } },
      2_101_878_784 + 3_489_660_928 + 436_207_616,
    ],
    [
      "torchao int4 g128: + 3,489,660,928 + 4 B x 54,525,952",
      {
        quant_method: "torchao",
        quant_type: { default: { _type: "Int4WeightOnlyConfig", _data: { group_size: 128 } } },
      },
      2_101_878_784 + 3_489_660_928 + 218_103_808,
    ],
    [
      "auto-round g128 without reordering: as AWQ",
      {
        quant_method: "auto-round",
        bits: 4,
        group_size: 128,
        sym: true,
        packing_format: "auto_round:auto_gptq",
      },
      5_727_854_592,
    ],
    [
      "EXL2 4.0 bpw, head 6 bits: 3,489,660,928 + 525,336,576 x 6/8 + 525,602,816 x 2",
      { quant_method: "exl2", bits: 4.0, head_bits: 6 },
      3_489_660_928 + 394_002_432 + 1_051_205_632,
    ],
    [
      "quanto int8: + 6,979,321,856 + 2 x 1,376,256",
      { quant_method: "quanto", weights: "int8" },
      9_081_200_640 + 2_752_512,
    ],
  ] as const)("%s", (_title, config, bytes) => {
    expect(bytesWith(llama8b, config)).toBe(bytes);
  });

  test("MLX 4 bits g64, embedding and head too: 8,029,995,008 x (1/2 + 4/64) + 266,240 x 2", () => {
    const config = configOf(llama8b, { quantization: { bits: 4, group_size: 64 } });
    expect(stored(config).bytesOf(modelOf(llama8b))).toBe((8_029_995_008 * 9) / 16 + 266_240 * 2);
  });
});

describe("what stays unquantized", () => {
  const formatsOf = (model: string, quantization_config: unknown, more = {}) => {
    const config = configOf(model, { quantization_config, ...more });
    return assignFormats(modelOf(model), stored(config));
  };
  const formatOf = (rows: ReturnType<typeof formatsOf>, name: string) =>
    rows.filter((row) => row.name.includes(name)).map(({ format, layers }) => [format, layers]);

  test("embedding, head, norms and router keep bf16 under FP8", () => {
    const rows = formatsOf("Qwen3-30B-A3B", { quant_method: "fp8", weight_block_size: [128, 128] });
    for (const name of ["embed_tokens", "lm_head", "layernorm", "mlp.gate.weight"])
      expect(new Set(formatOf(rows, name).map(([format]) => format))).toEqual(new Set(["bf16"]));
    expect(formatOf(rows, "experts.up_proj")).toEqual([["fp8-block", 48]]);
  });

  test.each([
    ["a layer by name, whole segments: layer 1 is not layer 10", ["model.layers.1"], 31],
    ["a layer with its trailing dot", ["model.layers.1."], 31],
    ["an end of the name", ["down_proj"], 0],
    ["a pattern over some layers", ["model.layers.[0-7].mlp"], 24],
  ])("transformers list: %s", (_title, modules_to_not_convert, layers) => {
    const rows = formatsOf(llama8b, {
      quant_method: "fp8",
      weight_block_size: [128, 128],
      modules_to_not_convert,
    });
    const quantized = formatOf(rows, "down_proj").find(([format]) => format === "fp8-block");
    expect(quantized?.[1] ?? 0).toBe(layers);
  });

  test("compressed-tensors: exact names and re: patterns, and nothing else", () => {
    const config = (ignore: readonly string[]) => ({
      quant_method: "compressed-tensors",
      ignore,
      config_groups: {
        g: { targets: ["Linear"], weights: { num_bits: 8, type: "float", strategy: "channel" } },
      },
    });
    expect(formatOf(formatsOf(llama8b, config(["down_proj"])), "down_proj")).toEqual([["fp8-channel", 32]]);
    expect(formatOf(formatsOf(llama8b, config(["re:.*down_proj$"])), "down_proj")).toEqual([["bf16", 32]]);
    expect(formatOf(formatsOf(llama8b, config([])), "lm_head")).toEqual([["fp8-channel", 1]]);
    expect(formatOf(formatsOf(llama8b, config(["model.layers.3.mlp.down_proj"])), "down_proj")).toEqual([
      ["fp8-channel", 31],
      ["bf16", 1],
    ]);
  });

  test("ModelOpt: shell patterns over the whole name", () => {
    const config = {
      quant_method: "modelopt",
      quant_algo: "FP8",
      exclude_modules: ["lm_head", "model.layers.1*"],
    };
    // 1 and 10 to 19.
    expect(formatOf(formatsOf(llama8b, config), "down_proj")).toEqual([
      ["fp8-tensor", 21],
      ["bf16", 11],
    ]);
  });

  test("AWQ: a part of the name", () => {
    const config = { quant_method: "awq", bits: 4, group_size: 128, modules_to_not_convert: ["self_attn"] };
    const rows = formatsOf(llama8b, config);
    expect(formatOf(rows, "q_proj")).toEqual([["bf16", 32]]);
    expect(formatOf(rows, "up_proj")).toEqual([["awq-4bit-g128", 32]]);
  });

  test("GPTQ dynamic: the first pattern that matches skips or overrides", () => {
    const dynamic = { "-:.*\\.0\\..*": {}, "+:.*\\.1\\..*down.*": { bits: 8, group_size: 32 } };
    const rows = formatsOf(llama8b, { quant_method: "gptq", bits: 4, group_size: 128, dynamic });
    expect(formatOf(rows, "down_proj")).toEqual([
      ["bf16", 1],
      ["gptq-8bit-g32", 1],
      ["gptq-4bit-g128", 30],
    ]);
  });

  test("auto-round extra_config: 16 bits mean none", () => {
    const extra_config = { "model.layers.5.mlp.down_proj": { bits: 16 } };
    const rows = formatsOf(llama8b, { quant_method: "auto-round", bits: 4, group_size: 128, extra_config });
    expect(formatOf(rows, "down_proj")).toEqual([
      ["auto-round-4bit-g128", 31],
      ["bf16", 1],
    ]);
  });

  test("bitsandbytes: experts are quantized in files of transformers 4 and not in those of 5", () => {
    const config = { load_in_4bit: true, bnb_4bit_quant_type: "nf4" };
    const of = (transformers_version: string) =>
      formatOf(formatsOf("Qwen3-30B-A3B", config, { transformers_version }), "experts.up_proj");
    expect(of("4.51.0")).toEqual([["nf4", 48]]);
    expect(of("5.1.0")).toEqual([["bf16", 48]]);
  });

  test("MLX: an entry of the block overrides a module, false leaves it out", () => {
    const quantization = {
      bits: 4,
      group_size: 64,
      "model.layers.0.mlp.down_proj": { bits: 8, group_size: 64 },
      lm_head: false,
    };
    const rows = assignFormats(modelOf(llama8b), stored(configOf(llama8b, { quantization })));
    expect(formatOf(rows, "down_proj")).toEqual([
      ["mlx-8bit-g64", 1],
      ["mlx-4bit-g64", 31],
    ]);
    expect(formatOf(rows, "lm_head")).toEqual([["bf16", 1]]);
  });
});

describe("where the block may stand", () => {
  const model = modelOf(llama8b);
  test.each([
    ["text_config.quantization_config", { text_config: { quantization_config: { quant_method: "awq" } } }],
    ["compression_config", { compression_config: { quant_method: "awq" } }],
    ["quant_config.json", { zero_point: true, q_group_size: 128, w_bit: 4, version: "GEMM" }],
    ["quant_config.json with transformers keys", { quant_method: "awq", bits: 4, group_size: 128 }],
  ])("%s", (_title, json) => {
    expect(stored(json).bytesOf(model)).toBe(5_727_854_592);
  });

  test("quantize_config.json of AutoGPTQ", () => {
    const json = { bits: 4, group_size: 128, damp_percent: 0.01, desc_act: true, sym: true };
    expect(stored(json).id).toBe("gptq-4bit-g128");
  });

  test("hf_quant_config.json of ModelOpt", () => {
    const json = {
      producer: { name: "modelopt" },
      quantization: { quant_algo: "FP8", kv_cache_quant_algo: "FP8", exclude_modules: ["lm_head"] },
    };
    expect(stored(json).bytesOf(model)).toBe(9_081_200_640 + 224 * 8);
  });

  test.each([
    ["no block", {}],
    ["an empty block", { quantization_config: {} }],
    ["neither 4 nor 8 bits", { quantization_config: { load_in_4bit: false, load_in_8bit: false } }],
  ])("%s: not quantized", (_title, more) => {
    expect(storageFromConfig(configOf(llama8b, more), "config.json")).toBeNull();
  });
});

describe("refusals are one sentence that names the key", () => {
  test.each([
    [
      { quant_method: "aqlm" },
      /quantization_config\.quant_method" is "aqlm", expected a method that is sized here/,
    ],
    [{ quant_method: "gguf" }, /give the \.gguf file/],
    [{ quant_method: "gptq" }, /"quantization_config\.bits" is missing, expected a whole number/],
    [{ quant_method: "gptq", bits: 9 }, /quantization_config\.bits" is 9/],
    [{ quant_method: "awq", bits: 5 }, /quantization_config\.bits" is 5/],
    [
      { quant_method: "modelopt", quant_algo: "FP2" },
      /quant_algo" is "FP2", expected an algorithm of ModelOpt/,
    ],
    [{ quant_method: "fp8", weight_block_size: [0, 128] }, /weight_block_size/],
    [{ quant_method: "fp8", modules_to_not_convert: 7 }, /a list of module names/],
    [{ quant_method: "fp8", modules_to_not_convert: ["(a)\\1"] }, /without back references/],
    [{ quant_method: "torchao", quant_type: "fpx" }, /quant_type/],
    [{ bits: "four" }, /quantization_config/],
  ])("%j", (config, message) => {
    expect(refusal(config)).toMatch(message);
    expect(refusal(config)).not.toContain("\n");
  });
});

describe("every published quantized config", () => {
  const quantized = configNames.filter((name) =>
    /"(quantization_config|compression_config|quantization)"/.test(JSON.stringify(sharedConfig(name))),
  );

  test.skipIf(!HAVE_CONFIGS)("there are at least 25 of them (skipped without ../shared)", () => {
    expect(quantized.length).toBeGreaterThanOrEqual(25);
  });

  test.skipIf(!HAVE_CONFIGS).each(quantized)("%s is read, and costs 4 to 9 bits per weight", (name) => {
    const json = sharedConfig(name);
    const storage = stored(json);
    expect(storage.id.length).toBeLessThan(60);
    // One class of these has no family: its config is read all the same.
    if (name === "nvidia__LocateAnything-3B") return;
    const model = readArchitecture(json, name);
    const bits = (8 * storage.bytesOf(model)) / model.parameters.total;
    expect(bits).toBeGreaterThan(4);
    expect(bits).toBeLessThan(9);
  });
});
