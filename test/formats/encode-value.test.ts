import { describe, expect, test } from "vitest";
import { describeAllFormats, describeFormat } from "../../src/formats/describe-format.ts";
import { encodeValue } from "../../src/formats/encode-value.ts";
import { parseFormatsArguments } from "../../src/formats/formats-arguments.ts";
import { STORAGE_FORMATS } from "../../src/formats/storage-formats.ts";

describe("a number in a format", () => {
  test("3.14159 in bf16: 0 10000000 1001001, 0x4049, 3.140625, off by -0.000965", () => {
    expect(encodeValue("bf16", "3.14159")).toMatchObject({
      format: "bf16",
      typed: "3.14159",
      nearestDouble: "3.14158999999999988261834005243144929409027099609375",
      outcome: "rounded",
      stored: { hex: "0x4049", value: "3.140625" },
      fields: { sign: "0", exponent: "10000000", fraction: "1001001", unused: "" },
      absoluteError: "-0.000965",
      below: { hex: "0x4048", value: "3.125" },
      above: { hex: "0x404a", value: "3.15625" },
    });
    expect(encodeValue("bf16", "3.14159").relativeError).toBeCloseTo(-0.000965 / Number("3.14159"), 12);
  });

  test.each([
    { format: "fp16", text: "70000", outcome: "out-of-range", hex: "0x7c00", value: "infinity" },
    { format: "fp16", text: "65519", outcome: "rounded", hex: "0x7bff", value: "65504" },
    { format: "fp16", text: "nan", outcome: "special", hex: "0x7e00", value: "NaN" },
    { format: "fp16", text: "-0", outcome: "exact", hex: "0x8000", value: "-0" },
    { format: "fp16", text: "1e-8", outcome: "underflow", hex: "0x0000", value: "0" },
    { format: "fp16", text: "-inf", outcome: "special", hex: "0xfc00", value: "-infinity" },
    { format: "fp8", text: "inf", outcome: "out-of-range", hex: "0x7f", value: "NaN" },
    { format: "fp8", text: "1000", outcome: "out-of-range", hex: "0x7f", value: "NaN" },
    { format: "fp4", text: "6.9", outcome: "rounded", hex: "0x7", value: "6" },
    { format: "fp4", text: "7", outcome: "out-of-range", hex: "0x7", value: "6" },
    { format: "int8", text: "300", outcome: "out-of-range", hex: "0x7f", value: "127" },
    {
      format: "int64",
      text: "9007199254740993",
      outcome: "exact",
      hex: "0x0020000000000001",
      value: "9007199254740993",
    },
    {
      format: "int64",
      text: "1e19",
      outcome: "out-of-range",
      hex: "0x7fffffffffffffff",
      value: "9223372036854775807",
    },
    { format: "ue4m3", text: "-1", outcome: "out-of-range", hex: "0x7f", value: "NaN" },
    { format: "e8m0", text: "1", outcome: "exact", hex: "0x7f", value: "1" },
    { format: "tf32", text: "1", outcome: "exact", hex: "0x3f800000", value: "1" },
    { format: "fp64", text: "1e400", outcome: "out-of-range", hex: "0x7ff0000000000000", value: "infinity" },
    { format: "fp64", text: "0.5", outcome: "exact", hex: "0x3fe0000000000000", value: "0.5" },
    { format: "fp16", text: "0x7bff", outcome: "code", hex: "0x7bff", value: "65504" },
    { format: "fp4", text: "0b1_01_0", outcome: "code", hex: "0xa", value: "-1" },
    { format: "tf32", text: "0x3f800000", outcome: "code", hex: "0x3f800000", value: "1" },
    // The double nearest to this is exactly half way between 1 and 1 + 2^-10; what was typed is above.
    {
      format: "fp16",
      text: "1.00048828125000000001",
      outcome: "rounded",
      hex: "0x3c01",
      value: "1.0009765625",
    },
    { format: "fp16", text: "1.00048828125", outcome: "rounded", hex: "0x3c00", value: "1" },
  ])("$format stores $text as $hex = $value ($outcome)", ({ format, text, outcome, hex, value }) => {
    expect(encodeValue(format, text)).toMatchObject({ outcome, stored: { hex, value } });
  });

  test("fp4 refuses a NaN in words, and other rules of overflow apply", () => {
    expect(encodeValue("fp4", "nan")).toMatchObject({
      outcome: "refused",
      stored: null,
      reason: "NaN does not fit fp4_e2m1, which ends at 6 and has no NaN.",
    });
    expect(encodeValue("fp8", "1000", "saturate").stored?.value).toBe("448");
    expect(encodeValue("fp16", "70000", "throw").outcome).toBe("refused");
    expect(() => encodeValue("fp8", "1000", "infinity")).toThrow("which has no infinity");
    expect(() => encodeValue("fp16", "0x12345")).toThrow("at most the 16 bits of fp16");
    expect(() => encodeValue("q4_k", "1")).toThrow("a block format rounds its values together");
  });
});

describe("descriptions", () => {
  test("every format has one, and it survives JSON unchanged", () => {
    const all = describeAllFormats();
    expect(all.map((format) => format.id)).toEqual([...STORAGE_FORMATS.keys()]);
    expect(JSON.parse(JSON.stringify(all))).toEqual(all);
  });

  test("fp16 is 1/5/10 in 2 bytes up to 65504; nvfp4 has a part per tensor; q4_k is ggml type 12", () => {
    expect(describeFormat("half")).toMatchObject({
      id: "fp16",
      kind: "float",
      signBits: 1,
      exponentBits: 5,
      fractionBits: 10,
      largest: 65504,
      lowest: -65504,
      overflowFrom: 65520,
      parts: [{ elements: 1, bytes: 2 }],
      ggmlId: 1,
    });
    expect(describeFormat("nvfp4").parts).toEqual([
      { elements: 16, bytes: 9 },
      { elements: null, bytes: 4 },
    ]);
    expect(describeFormat("q4_k")).toMatchObject({
      kind: "block",
      ggmlId: 12,
      blockBytes: 144,
      bitsPerValue: 4.5,
    });
    expect(describeFormat("nf4")).toMatchObject({ kind: "block", codeBook: { id: "nf4" } });
    expect(describeFormat("int64")).toMatchObject({
      lowest: "-9223372036854775808",
      largest: "9223372036854775807",
    });
  });
});

describe("arguments", () => {
  test.each([
    { words: [], formats: [], values: [] },
    { words: ["fp16"], formats: ["fp16"], values: [] },
    { words: ["fp16", "bf16", "3.14159"], formats: ["fp16", "bf16"], values: ["3.14159"] },
    { words: ["half", "float16", "1", "FP8", "-0"], formats: ["fp16", "fp8_e4m3fn"], values: ["1", "-0"] },
    {
      words: ["fp16", "nan", "inf", "1e-8", "0x7bff"],
      formats: ["fp16"],
      values: ["nan", "inf", "1e-8", "0x7bff"],
    },
    { words: ["0.1"], formats: ["fp32", "bf16", "fp16", "fp8_e4m3fn", "fp8_e5m2"], values: ["0.1"] },
  ])("$words: formats $formats, values $values", ({ words, formats, values }) => {
    expect(parseFormatsArguments(words)).toEqual({ formats, values });
  });

  test.each([
    ["fp17", 'unknown format or number "fp17": did you mean fp16'],
    ["3.x", 'cannot read "3.x" as a number'],
    ["0xzz", 'cannot read "0xzz" as a number'],
    ["1e99999", "exponents end at 5000"],
    ["", 'unknown format or number ""'],
  ])("%s is refused: %s", (word, message) => {
    expect(() => parseFormatsArguments(["fp16", word])).toThrow(message);
  });
});
