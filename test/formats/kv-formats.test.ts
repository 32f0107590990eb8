import { describe, expect, test } from "vitest";
import { KV_FORMATS, kvFormatByName } from "../../src/formats/kv-formats.ts";

describe("bytes of one key and one value vector", () => {
  test.each([
    { id: "fp32", dim: 128, key: 512, value: 512, why: "128 x 4" },
    { id: "fp16", dim: 128, key: 256, value: 256, why: "128 x 2" },
    { id: "bf16", dim: 80, key: 160, value: 160, why: "80 x 2" },
    { id: "fp8", dim: 128, key: 128, value: 128, why: "128 x 1" },
    { id: "q8_0", dim: 128, key: 136, value: 136, why: "4 x 34" },
    { id: "q5_1", dim: 128, key: 96, value: 96, why: "4 x 24" },
    { id: "q5_0", dim: 128, key: 88, value: 88, why: "4 x 22" },
    { id: "q4_1", dim: 128, key: 80, value: 80, why: "4 x 20" },
    { id: "q4_0", dim: 128, key: 72, value: 72, why: "4 x 18" },
    { id: "iq4_nl", dim: 128, key: 72, value: 72, why: "4 x 18" },
    { id: "int8_per_token_head", dim: 128, key: 132, value: 132, why: "128 + 4" },
    { id: "fp8_per_token_head", dim: 64, key: 68, value: 68, why: "64 + 4" },
    { id: "int4_per_token_head", dim: 128, key: 68, value: 68, why: "128 / 2 + 4" },
    { id: "nvfp4", dim: 128, key: 72, value: 72, why: "128 / 2 + 128 / 16" },
    { id: "fp8_ds_mla", dim: 512, key: 584, value: 584, why: "448 + 7 + 1 + 64 x 2" },
    { id: "fp8_ds_mla", dim: 576, key: 656, value: 656, why: "512 + 4 x 4 + 64 x 2" },
    { id: "fp8_ds_mla", dim: 128, key: 132, value: 132, why: "128 + 4" },
    { id: "turboquant_k8v4", dim: 128, key: 128, value: 68, why: "128; 64 + 4" },
    { id: "turboquant_4bit_nc", dim: 128, key: 66, value: 68, why: "64 + 2; 64 + 4" },
    { id: "turboquant_k3v4_nc", dim: 128, key: 50, value: 68, why: "48 + 2; 64 + 4" },
    { id: "turboquant_3bit_nc", dim: 128, key: 50, value: 52, why: "48 + 2; 48 + 4" },
    { id: "turboquant_k3v4_nc", dim: 72, key: 29, value: 41, why: "27 + 2; 36 + 4 + 1 to make 70 even" },
    { id: "exllamav2_fp8", dim: 128, key: 128, value: 128, why: "128 x 1" },
    { id: "exllamav2_q4", dim: 128, key: 72, value: 72, why: "4 x (16 + 2)" },
    { id: "exllamav2_q6", dim: 128, key: 136, value: 72, why: "keys 4 x (32 + 2), values 4 x (16 + 2)" },
    { id: "exllamav2_q8", dim: 128, key: 136, value: 136, why: "4 x (32 + 2)" },
    { id: "exllamav3_4bit", dim: 128, key: 72, value: 72, why: "4 x (4 x 4 + 2)" },
    { id: "exllamav3_6bit", dim: 128, key: 104, value: 104, why: "4 x (6 x 4 + 2)" },
    { id: "quanto_int4", dim: 128, key: 72, value: 72, why: "2 x (32 + 4)" },
    { id: "quanto_int2", dim: 128, key: 40, value: 40, why: "2 x (16 + 4)" },
    { id: "hqq_int1", dim: 128, key: 24, value: 24, why: "2 x (8 + 4)" },
    { id: "hqq_int8", dim: 128, key: 136, value: 136, why: "2 x (64 + 4)" },
    { id: "mlx_8bit", dim: 128, key: 136, value: 136, why: "2 x (64 + 4)" },
    { id: "mlx_4bit", dim: 128, key: 72, value: 72, why: "2 x (32 + 4)" },
    { id: "q8_0", dim: 80, key: 102, value: 102, why: "ceil(80 / 32) = 3 blocks x 34" },
  ])("$id, $dim wide: key $key, value $value ($why)", ({ id, dim, key, value }) => {
    const format = KV_FORMATS.get(id)!;
    expect([format.keyBytesPerVector(dim), format.valueBytesPerVector(dim)]).toEqual([key, value]);
  });

  test("every format gives whole bytes, and a wider head never costs less", () => {
    for (const format of KV_FORMATS.values()) {
      let last = 0;
      for (let dim = 16; dim <= 576; dim += 8) {
        const bytes = format.keyBytesPerVector(dim) + format.valueBytesPerVector(dim);
        expect(Number.isSafeInteger(bytes)).toBe(true);
        expect(bytes).toBeGreaterThanOrEqual(last);
        last = bytes;
      }
    }
  });
});

describe("names", () => {
  test.each([
    ["f16", "fp16"],
    ["bfloat16", "bf16"],
    ["fp8_e4m3", "fp8"],
    ["FP8-E5M2", "fp8"],
    ["Q8_0", "q8_0"],
    ["fp4_e2m1", "nvfp4"],
    ["exl2_q4", "exllamav2_q4"],
    ["q8_0/q8_0", "q8_0"],
    ["q8_0/q4_0", "q8_0/q4_0"],
  ])("%s is %s", (name, id) => {
    expect(kvFormatByName(name).id).toBe(id);
  });

  test("q8_0/q4_0 stores keys in 136 bytes and values in 72 at 128 wide", () => {
    const mixed = kvFormatByName("q8_0/q4_0");
    expect([mixed.keyBytesPerVector(128), mixed.valueBytesPerVector(128)]).toEqual([136, 72]);
  });

  test.each([
    ["int8", /int8_per_token_head/],
    ["q4_k", /did you mean/],
    ["fp16/fp16/fp16", /unknown/],
    ["/", /unknown/],
  ])("%s is refused", (name, message) => {
    expect(() => kvFormatByName(name)).toThrow(message);
  });
});
