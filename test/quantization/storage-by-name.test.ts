import { describe, expect, test } from "vitest";
import { typicalArchitecture } from "../../src/architecture/typical.ts";
import { sliceLayers } from "../../src/parallelism/layer-range.ts";
import { tensorShare } from "../../src/parallelism/tensor-share.ts";
import { assignFormats } from "../../src/quantization/assignment.ts";
import { formatsMeantBy } from "../../src/quantization/everyday-words.ts";
import { plainStorageByName } from "../../src/quantization/storage.ts";
import { QUANTIZATION_NAMES, storageByName } from "../../src/quantization/storage-by-name.ts";
import { timeLimit } from "../time-limit.ts";
import { modelOf } from "./model-configs.ts";

const llama = modelOf("Llama-3.1-8B-Instruct");
const moe = modelOf("Qwen3-30B-A3B");
const OTHERS = 2_101_878_784;
const LINEARS = 6_979_321_856;

describe("Llama 3.1 8B asked for a method: 6,979,321,856 weights in linears, 2,101,878,784 B besides", () => {
  test.each([
    ["awq", 5_727_854_592],
    ["AWQ_4bit_g128", 5_727_854_592],
    ["gptq", 5_732_835_328],
    ["gptq-int4-g128", 5_732_835_328],
    ["nf4-dq", 5_702_295_552 + 224 * 1088],
    ["nf4", OTHERS + (LINEARS * 9) / 16 + 224 * 64],
    ["bnb-fp4", OTHERS + (LINEARS * 9) / 16 + 224 * 64],
    ["int8", OTHERS + LINEARS + 4 * 1_376_256],
    ["fp8", OTHERS + LINEARS + 4 * 224],
    ["fp8-channel", 9_083_953_152],
    ["fp8-block", OTHERS + LINEARS + LINEARS / 4096],
    ["mxfp4", OTHERS + (LINEARS * 17) / 32],
    ["nvfp4", OTHERS + (LINEARS * 9) / 16 + 224 * 8],
    ["hqq-4bit-g64", OTHERS + (LINEARS * 9) / 16],
    ["torchao-int4-g128", OTHERS + (LINEARS * 17) / 32],
    ["mlx-4bit-g64", (8_029_995_008 * 9) / 16 + 266_240 * 2],
    ["ct-w8a8", OTHERS + LINEARS + 2 * 1_376_256],
    ["exl2-4.5bpw", (LINEARS * 9) / 16 + (525_336_576 * 6) / 8 + 525_602_816 * 2],
    ["q4_k_m", 4_912_898_304],
    ["Q8_0", 8_532_934_912],
    ["q4_0", 4_653_375_744],
    ["q4_0-imatrix", 4_653_375_744 + 14_680_064],
    ["bf16", 16_060_522_496],
  ])("%s: %d B", (name, bytes) => {
    expect(storageByName(name).bytesOf(llama)).toBe(bytes);
  });
});

describe("what a method does not reach", () => {
  test("nf4 leaves the experts of a mixture in bf16, and says so", () => {
    const storage = storageByName("nf4");
    const rows = assignFormats(moe, storage).filter(({ name }) => name.includes("experts."));
    expect(rows.map(({ format }) => format)).toEqual(["bf16", "bf16", "bf16"]);
    expect(storage.notesOf?.(moe).map(({ code }) => code)).toEqual(["experts-unquantized"]);
    expect(storage.notesOf?.(llama)).toEqual([]);
  });

  test("mxfp4 reaches the experts of a mixture and nothing else", () => {
    const formats = assignFormats(moe, storageByName("mxfp4")).map((row) => [row.group, row.format]);
    for (const [group, format] of formats) expect(format).toBe(group === "experts" ? "mxfp4" : "bf16");
  });

  test("every scheme leaves norms alone", () => {
    for (const name of QUANTIZATION_NAMES)
      for (const row of assignFormats(llama, storageByName(name)))
        if (row.role === "norm") expect(["bf16", "fp16", "fp32"]).toContain(row.format);
  });
});

describe("rows", () => {
  test.each(["bf16", "awq", "q4_k_m", "fp8-block", "int4"])("%s: rows add up to the storage", (name) => {
    const storage = storageByName(name);
    const rows = assignFormats(llama, storage);
    const sum = rows.reduce((total, { bytes }) => total + bytes, 0);
    // rope_freqs of a GGUF file is no tensor of the class.
    expect(storage.bytesOf(llama) - sum).toBe(name === "q4_k_m" ? 256 : 0);
    expect(rows.reduce((n, { role, layers }) => n + (role === "mlp-down" ? layers : 0), 0)).toBe(32);
  });

  test("a storage read from a file has no assignment", () => {
    const read = { id: "bf16+f8_e4m3", basis: "exact", bytesOf: () => 1 } as const;
    expect(() => assignFormats(llama, read)).toThrow(/read from a file/);
  });
});

describe("names", () => {
  test.each(QUANTIZATION_NAMES)("%s is a storage of its own, kept between calls", (name) => {
    const storage = storageByName(name);
    expect(storageByName(name)).toBe(storage);
    expect(storage.bytesOf(llama)).toBeGreaterThan(1e9);
    expect(storage.bytesOf(llama)).toBeLessThanOrEqual(32_121_044_992);
  });

  test("no name is listed twice", () => {
    expect(new Set(QUANTIZATION_NAMES).size).toBe(QUANTIZATION_NAMES.length);
  });

  test.each([
    ["int4", OTHERS + LINEARS / 2],
    ["uint4", OTHERS + LINEARS / 2],
    ["fp4", OTHERS + LINEARS / 2],
    ["fp4_e2m1", OTHERS + LINEARS / 2],
    ["fp6", OTHERS + (LINEARS * 3) / 4],
    ["fp8_e5m2", OTHERS + LINEARS],
    ["uint8", OTHERS + LINEARS],
  ])("%s, which no method owns, is the format of the linears alone", (name, bytes) => {
    const storage = storageByName(name);
    expect(storage.bytesOf(llama)).toBe(bytes);
    expect(storage.basis).toBe("modelled");
    expect(storage.notesOf?.(llama).map(({ code }) => code)).toEqual(["elements-only"]);
  });

  test.each(["e4m3", "fp8_e4m3", "fp8_e4m3fn", "float8_e4m3fn", "torch.float8_e4m3fn"])(
    "%s is fp8",
    (name) => {
      expect(storageByName(name).id).toBe("fp8");
      expect(storageByName(name).bytesOf(llama)).toBe(OTHERS + LINEARS + 4 * 224);
    },
  );

  test.each(["e8m0", "ue8m0", "ue4m3"])("%s holds scales and is refused", (name) => {
    expect(() => storageByName(name)).toThrow(/a format of scales/);
  });

  test.each([
    ["bfloat16", "bf16"],
    ["float32", "fp32"],
    ["half", "fp16"],
  ])("plainStorageByName(%s) is %s", (name, id) => {
    expect(plainStorageByName(name)?.id).toBe(id);
  });

  test.each(["fp8", "int8", "nf4", "q4_0", "q4_k_m", "mxfp4", "nonsense"])(
    "plainStorageByName(%s) is null",
    (name) => {
      expect(plainStorageByName(name)).toBeNull();
    },
  );

  test.each([
    ["q4_k_n", /did you mean q4_k, q4_k_m or q4_k_s/],
    ["gtpq", /did you mean .*gptq/],
    ["gptq-5bit", /expected gptq of 2, 3, 4, 8 bits/],
    ["hqq-7bit", /expected hqq of/],
    ["awq-4bit-g1", /a group of 8 to 65536/],
    ["4bit", /did you mean nf4, awq or q4_k_m\?/],
    ["load_in_8bit", /did you mean fp8, int8 or q8_0\?/],
    ["1.58-bit", /did you mean iq1_m or tq1_0\?/],
    ["7bit", /unknown format "7bit"/],
    ["GGUF", /did you mean q4_k_m, q6_k or q8_0\?/],
    ["exl2", /did you mean exl2-4bpw/],
    ["exl3", /did you mean exl3-4bpw/],
    ["exl2-9bpw", /2 to 8 bits per weight/],
    ["UD-Q4_K_XL", /give the \.gguf file/],
    ["x".repeat(10_000), /unknown format/],
  ])("%s is refused in one sentence", (name, message) => {
    expect(() => storageByName(name)).toThrow(message);
  });
});

test("every format that an everyday word may mean is one", () => {
  const words = ["1", "2", "3", "4", "5", "6", "8", "gguf", "bnb", "qlora", "exl2", "exl3", "mlx", "marlin"];
  for (const word of words) {
    expect(formatsMeantBy(word).length).toBeGreaterThan(0);
    for (const name of formatsMeantBy(word)) expect(storageByName(name).bytesOf(llama)).toBeGreaterThan(0);
  }
  expect(formatsMeantBy("constructor")).toEqual([]);
});

test("q4km is q4_k_m", () => {
  expect(storageByName("q4km").id).toBe("q4_k_m");
  expect(storageByName("IQ2XXS-imatrix").id).toBe(storageByName("iq2_xxs-imatrix").id);
});

describe("a share of a model", () => {
  const tp2 = tensorShare(llama, { tp: 2, ep: 1, expertTp: 2 });

  test("AWQ over 2 ranks: half of 5,727,854,592, and half of the 65 norms that both hold", () => {
    expect(storageByName("awq").bytesOf(tp2)).toBe((5_727_854_592 + 65 * 4096 * 2) / 2);
  });

  test("FP8 per tensor over 2 ranks: every rank holds the 224 scales", () => {
    expect(storageByName("fp8").bytesOf(tp2)).toBe((OTHERS + LINEARS + 65 * 4096 * 2) / 2 + 224 * 4);
  });

  test("GPTQ over 2 ranks: column-parallel linears hold the group of every input", () => {
    // q, k, v, gate, up: 5 x 4096 inputs whole; o and down: 4096 and 14336 divided.
    const indexes = 32 * 4 * (5 * 4096 + (4096 + 14_336) / 2);
    expect(storageByName("gptq").bytesOf(tp2)).toBe((5_727_854_592 + 65 * 4096 * 2) / 2 + indexes);
  });

  test.each(["awq", "fp8-block", "q4_0", "q8_0"])(
    "%s: four stages of 8 layers add up to the whole",
    (name) => {
      const storage = storageByName(name);
      const stages = [0, 8, 16, 24].map((firstLayer) =>
        sliceLayers(llama, { firstLayer, layers: 8, input: firstLayer === 0, output: firstLayer === 24 }),
      );
      const sum = stages.reduce((total, stage) => total + storage.bytesOf(stage), 0);
      // rope_freqs lies on every stage.
      expect(sum - storage.bytesOf(llama)).toBe(name.startsWith("q") ? 3 * 256 : 0);
    },
  );
});

test("a stage of layers 16 to 31 that says so gets llama.cpp's types of those layers", () => {
  const stage = (firstLayer: number) => {
    const part = sliceLayers(llama, {
      firstLayer,
      layers: 16,
      input: firstLayer === 0,
      output: firstLayer === 16,
    });
    const stacks = part.stacks.map((stack) => ({ ...stack, slice: { first: firstLayer, of: 32 } }));
    return { ...part, stacks };
  };
  const storage = storageByName("q4_k_m");
  // rope_freqs, 256 B, lies on both.
  expect(storage.bytesOf(stage(0)) + storage.bytesOf(stage(16))).toBe(4_912_898_304 + 256);
});

describe("a bare count", () => {
  const count = typicalArchitecture(14e9);

  test("bf16 is exact: 14,000,000,000 x 2 B", () => {
    expect(storageByName("bf16").bytesOf(count)).toBe(28_000_000_000);
  });

  test.each(["awq", "q4_k_m", "nf4-dq", "fp8"])(
    "%s is assumed, and lies between its linears' cost and bf16",
    (name) => {
      const storage = storageByName(name);
      expect(storage.basisOf?.(count)).toBe("assumed");
      const bits = (8 * storage.bytesOf(count)) / 14e9;
      const reference = (8 * storage.bytesOf(llama)) / llama.parameters.total;
      // Vocabularies of 152k and 128k, hidden sizes of 5120 and 4096: within a fifth of each other.
      expect(Math.abs(bits / reference - 1)).toBeLessThan(0.2);
      expect(storage.basisOf?.(llama)).toBe("modelled");
    },
  );

  test("a count too small for an embedding costs 16 bits: there is nothing to quantize", () => {
    expect(storageByName("awq").bytesOf(typicalArchitecture(1e6))).toBe(2e6);
  });
});

test("a sum is computed once per model: 100,000 lookups in well under a second", () => {
  const storage = storageByName("q4_k_m");
  storage.bytesOf(llama);
  const start = performance.now();
  for (let i = 0; i < 100_000; i++) storage.bytesOf(llama);
  expect(performance.now() - start).toBeLessThan(timeLimit(500));
});
