import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { GGMLQuantizationType } from "@huggingface/gguf";
import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../src/errors.ts";
import { bitsPerValue, sizeOf } from "../../src/formats/block.ts";
import { BLOCK_LAYOUTS } from "../../src/formats/block-layouts.ts";
import { aliasesOf, findFormatId, formatByName } from "../../src/formats/format-names.ts";
import { formatIdOfGgml, GGML_TYPES } from "../../src/formats/ggml-types.ts";
import { FLOAT_FORMATS, INTEGER_FORMATS } from "../../src/formats/number-formats.ts";
import { STORAGE_FORMATS } from "../../src/formats/storage-formats.ts";

const sizeOfBlock = (id: string, elements: number): number => sizeOf(STORAGE_FORMATS.get(id)!, elements);

describe("bytes of blocks", () => {
  test.each([
    // OCP Microscaling v1.0 table 1: k = 32 and an 8-bit scale.
    { id: "mxfp8_e4m3", elements: 32, bytes: 33, why: "32 x 8 / 8 + 1" },
    { id: "mxfp8_e5m2", elements: 32, bytes: 33, why: "32 x 8 / 8 + 1" },
    { id: "mxfp6_e3m2", elements: 32, bytes: 25, why: "32 x 6 / 8 + 1" },
    { id: "mxfp6_e2m3", elements: 32, bytes: 25, why: "32 x 6 / 8 + 1" },
    { id: "mxfp4", elements: 32, bytes: 17, why: "32 x 4 / 8 + 1" },
    { id: "mxint8", elements: 32, bytes: 33, why: "32 x 8 / 8 + 1" },
    { id: "nvfp4", elements: 16, bytes: 13, why: "16 x 4 / 8 + 1, and 4 once for the tensor" },
    { id: "nvfp4", elements: 4096, bytes: 2308, why: "256 x 9 + 4" },
    { id: "nf4", elements: 64, bytes: 36, why: "64 x 4 / 8 + 4" },
    { id: "nf4_dq", elements: 16384, bytes: 8452, why: "16384 / 2 + 256 x 1 + 4" },
    { id: "nf4_dq", elements: 16385, bytes: 8458, why: "8193 + 257 + 2 x 4" },
    { id: "fp6_e3m2", elements: 4, bytes: 3, why: "4 x 6 / 8" },
    { id: "int4", elements: 3, bytes: 2, why: "ceil(3 / 2)" },
    { id: "tf32", elements: 5, bytes: 20, why: "5 x 4: 19 bits matter, 32 are stored" },
    { id: "q4_k", elements: 4096, bytes: 2304, why: "16 x 144" },
  ])("$elements values of $id take $bytes bytes = $why", ({ id, elements, bytes }) => {
    expect(sizeOfBlock(id, elements)).toBe(bytes);
  });

  test.each([
    ["fp16", 16],
    ["fp6_e2m3", 6],
    ["fp4_e2m1", 4],
    ["mxfp4", 4.25],
    ["mxfp6_e3m2", 6.25],
    ["nvfp4", 4.5],
    ["nf4", 4.5],
    ["nf4_dq", 4.126953125],
    ["q6_k", 6.5625],
    ["tq1_0", 1.6875],
  ] as const)("%s costs %d bits per value of a long run", (id, bits) => {
    expect(bitsPerValue(STORAGE_FORMATS.get(id)!)).toBe(bits);
  });

  test.each([...BLOCK_LAYOUTS.values()])("$id: the fields of its layout fill its bytes", (layout) => {
    const format = STORAGE_FORMATS.get(layout.id)!;
    // Whatever is stored less often than once per block is not a field of the block.
    const perBlock = format.parts.filter((part) => part.elements <= layout.blockElements);
    const bytes = perBlock.reduce(
      (sum, part) => sum + (layout.blockElements / part.elements) * part.bytes,
      0,
    );
    expect(layout.fields.reduce((sum, field) => sum + field.bytes, 0)).toBe(bytes);
    expect(layout.beside !== undefined).toBe(perBlock.length < format.parts.length);
  });

  test("every stored format is a number format of its width or has a layout", () => {
    for (const [id, format] of STORAGE_FORMATS) {
      const plain = FLOAT_FORMATS.get(id) ?? INTEGER_FORMATS.get(id);
      expect(plain !== undefined, id).toBe(!BLOCK_LAYOUTS.has(id));
      if (plain !== undefined) expect(bitsPerValue(format), id).toBe(plain.storageBits);
    }
  });
});

describe("GGML types", () => {
  test("ids and names are unique, and every type is a storage format of its size", () => {
    expect(new Set(GGML_TYPES.map((type) => type.id)).size).toBe(GGML_TYPES.length);
    expect(new Set(GGML_TYPES.map((type) => type.name)).size).toBe(GGML_TYPES.length);
    for (const type of GGML_TYPES)
      expect(sizeOfBlock(formatIdOfGgml(type.name), type.blockElements), type.name).toBe(type.blockBytes);
  });

  /** `Q4_K: calcBPW(256, 2 + 2 + QK_K / 2 + 12)` in the package, which does not export the table. */
  const quantSizes = (): readonly {
    readonly name: string;
    readonly elements: number;
    readonly bytes: number;
  }[] => {
    const text = readFileSync(createRequire(import.meta.url).resolve("@huggingface/gguf"), "utf8");
    const rows = [...text.matchAll(/GGMLQuantizationType\.(\w+)\]: calcBPW\((\d+), ([^)]+)\)/g)];
    const product = (term: string): number =>
      term.split("*").reduce((result, factor) => {
        const [first, ...divisors] = factor.trim().replaceAll("QK_K", "256").split("/").map(Number);
        return result * divisors.reduce((quotient, divisor) => quotient / divisor, first!);
      }, 1);
    return rows.map(([, name, elements, sum]) => ({
      name: name!,
      elements: Number(elements),
      bytes: sum!.split("+").reduce((bytes, term) => bytes + product(term), 0),
    }));
  };

  test("all types of GGML_QUANT_SIZES in @huggingface/gguf are here; Q8_1 is 36 bytes in C and 40 there", () => {
    const theirs = quantSizes();
    const ours = new Map(GGML_TYPES.map((type) => [type.id, type]));
    const different = theirs.filter(({ name, elements, bytes }) => {
      const type = ours.get(GGMLQuantizationType[name as keyof typeof GGMLQuantizationType]);
      return type?.name !== name || type.blockElements !== elements || type.blockBytes !== bytes;
    });
    expect(theirs.length).toBe(35);
    expect(different).toEqual([{ name: "Q8_1", elements: 32, bytes: 40 }]);
    expect(ours.get(9)).toMatchObject({ name: "Q8_1", blockBytes: 36, runtimeOnly: true });
  });

  const oracle = fileURLToPath(new URL("../../../shared/oracle/ggml_types.json", import.meta.url));
  test.skipIf(!existsSync(oracle))(
    "all types of gguf-py are here with its block and bytes, Q8_1 apart (skipped without ../shared/oracle)",
    () => {
      const { types } = JSON.parse(readFileSync(oracle, "utf8")) as {
        types: { type: string; id: number; block_size: number; type_size: number }[];
      };
      expect(types.length).toBeGreaterThanOrEqual(30);
      const rows = new Map(GGML_TYPES.map((type) => [type.id, type]));
      const different = types.filter(({ type, id, block_size, type_size }) => {
        const row = rows.get(id);
        return row?.name !== type || row.blockElements !== block_size || row.blockBytes !== type_size;
      });
      expect(different.map(({ type, type_size }) => [type, type_size])).toEqual([["Q8_1", 40]]);
    },
  );
});

describe("names", () => {
  test.each([
    ["float16", "fp16"],
    ["half", "fp16"],
    ["F16", "fp16"],
    ["torch.bfloat16", "bf16"],
    ["bfloat16", "bf16"],
    ["f32", "fp32"],
    ["float", "fp32"],
    ["double", "fp64"],
    ["fp8", "fp8_e4m3fn"],
    ["fp8_e4m3", "fp8_e4m3fn"],
    ["F8_E4M3", "fp8_e4m3fn"],
    ["e4m3", "fp8_e4m3fn"],
    ["float8_e4m3", "fp8_e4m3_ieee"],
    ["fp8-e5m2", "fp8_e5m2"],
    ["float8_e8m0fnu", "e8m0"],
    ["FP4", "fp4_e2m1"],
    ["MXFP4", "mxfp4"],
    ["nf4-dq", "nf4_dq"],
    ["NVFP4", "nvfp4"],
    ["Q4_K", "q4_k"],
    ["q4_0", "q4_0"],
    ["Q8_0", "q8_0"],
    ["IQ4_XS", "iq4_xs"],
    ["BF16", "bf16"],
    ["i8", "int8"],
  ])("%s is %s", (name, id) => {
    expect(formatByName(name).id).toBe(id);
  });

  test("every id and alias means one format, whatever the case and the separators", () => {
    for (const id of STORAGE_FORMATS.keys()) {
      for (const name of [id, ...aliasesOf(id)]) {
        expect(findFormatId(name), name).toBe(id);
        expect(findFormatId(name.toUpperCase().replaceAll("_", "-")), name).toBe(id);
      }
    }
  });

  test.each([
    ["zzzzzzzz", /lists them/],
    ["fp17", /did you mean fp16/],
    ["bf61", /bf16/],
    ["Q4_K_M", /did you mean q4_k\? Q4_K_M is a recipe/],
    ["int3", /int/],
    ["", /unknown format/],
    ["__proto__", /unknown format/],
    ["constructor", /unknown format/],
    ["x".repeat(100_000), /unknown format/],
  ])("%.20s is refused", (name, message) => {
    expect(() => formatByName(name)).toThrow(VramCalcError);
    expect(() => formatByName(name)).toThrow(message);
  });
});
