import { describe, expect, test } from "vitest";
import { describeAllFormats, describeFormat } from "../../src/formats/describe-format.ts";
import { parseFormatsArguments } from "../../src/formats/formats-arguments.ts";
import { STORAGE_FORMATS } from "../../src/formats/storage-formats.ts";
import { formatDetail, formatsData, formatsTable, formatsText } from "../../src/report/formats.ts";

const report = (line: string, columns: number): string =>
  formatsText(parseFormatsArguments(line === "" ? [] : line.split(" ")), { columns });
const golden = (name: string): string => `../golden/formats-${name}.txt`;
const lineWith = (text: string, id: string): string =>
  text.split("\n").find((line) => line.startsWith(`${id} `) || line === id) ?? "";

describe("the table", () => {
  test.each([
    [
      "fp16",
      /1\/5\/10 +16 +2 +\[-65504, 65504\] +6\.1 x 10\^-5 +5\.96 x 10\^-8 +9\.77 x 10\^-4 +half precision/,
    ],
    ["bf16", /1\/8\/7 +16 +2 +±3\.39 x 10\^38/],
    ["fp32", /1\/8\/23 +32 +4 +±3\.4 x 10\^38/],
    ["tf32", /1\/8\/10 +32 +4 +±3\.4 x 10\^38/],
    ["fp8_e4m3fn", /1\/4\/3 +8 +1 +\[-448, 448\] +0\.015625 +1\.95 x 10\^-3 +0\.125/],
    ["fp4_e2m1", /1\/2\/1 +4 +0\.5 +\[-6, 6\] +1 +0\.5 +0\.5/],
    ["int8", /8 +1 +\[-128, 127\]/],
    ["q4_k", /256 +144 +4\.5 +4-bit integer +6-bit \+ min per 32 +12/],
    ["mxfp4", /32 +17 +4\.25 +fp4_e2m1 +e8m0 +39/],
    ["nf4_dq", /64 +33\+ +4\.127/],
  ])("150 columns: the row of %s reads %s", (id, row) => {
    expect(lineWith(report("", 150), id)).toMatch(row);
  });

  test("80 columns: limits are powers of two, which are shorter", () => {
    expect(lineWith(report("", 80), "fp16")).toMatch(
      /1\/5\/10 +2 +\[-65504, 65504\] +2\^-14 +2\^-24 +2\^-10/,
    );
  });

  test("40 columns: what does not fit side by side is stacked", () => {
    expect(report("", 40)).toContain(
      "fp16\n  1/5/10, 16 bits, 2 bytes\n  [-65504, 65504]\n  normal from 2^-14",
    );
  });

  test.each([40, 60, 80, 100, 120, 150])(
    "%d columns: no line is wider, and no format is missing",
    (columns) => {
      const text = report("", columns);
      expect(text.split("\n").filter((line) => line.length > columns)).toEqual([]);
      for (const id of STORAGE_FORMATS.keys()) expect(lineWith(text, id), id).not.toBe("");
    },
  );

  test.each([150, 80, 40])("%d columns, as a whole", async (columns) => {
    await expect(report("", columns)).toMatchFileSnapshot(golden(`table-${columns}`));
  });

  test("sections without formats are left out", () => {
    const text = formatsTable([describeFormat("int8")], { columns: 80 });
    expect(text).toBe("Integers\nformat  bits  bytes  range\nint8       8      1  [-128, 127]");
  });
});

describe("one format in full", () => {
  test.each([
    "stored 1..30, less the bias 15: -14..15; 0 is for zero and subnormals, 31 for infinity and NaN",
    "stored 0..1023, over 1024, after a leading 1: 1 to 1 + 1023/1024",
    "(-1)^0 x 2^(30-15) x (1 + 1023/1024) = 65504",
    "(-1)^1 x 2^(30-15) x (1 + 1023/1024) = -65504",
    "2^(1-15) x (1 + 0/1024) = 2^-14 = 0.00006103515625",
    "2^-14 x 1/1024 = 2^-24 = 0.000000059604644775390625",
    "from 65520 on: becomes infinity by convention",
    "63,488 finite (63,487 different numbers), 2 infinities, 2,046 NaN",
    "│s│eeeee│ffffffffff│",
  ])("fp16 says: %s", (sentence) => {
    expect(report("fp16", 120)).toContain(sentence);
  });

  test.each([
    ["fp8_e4m3fn", "no infinity; NaN is all ones after the sign, 0x7f"],
    ["fp8_e4m3fn", "above 464: becomes NaN by convention"],
    ["fp8_e4m3fnuz", "no infinity; NaN is 0x80, which would have been -0"],
    ["fp4_e2m1", "0 0.5 1 1.5 2 3 4 6, and their negatives"],
    ["e8m0", "2^(254-127) = 170141183460469231731687303715884105728"],
    ["tf32", "32 bits, 19 of them used, 4 bytes"],
    ["int8", "-2^7 = -128"],
    ["q4_k", "256 values in 2 + 2 + 12 + 128 = 144 bytes"],
    ["q4_k", "144 x 8 / 256 = 4.5"],
    ["nf4_dq", "1 x 8 / 2 + 1 x 8 / 64 + 4 x 8 / 16384 = 4.127"],
    ["nf4", "0001  -0.6961928009986877"],
    ["nvfp4", "one fp32 scale per tensor"],
  ])("%s says: %s", (id, sentence) => {
    expect(report(id, 120)).toContain(sentence);
  });

  test.each([40, 80, 120])("%d columns: every format can be explained, and no line is wider", (columns) => {
    for (const format of describeAllFormats()) {
      const text = formatDetail(format, { columns });
      expect(
        text.split("\n").filter((line) => line.length > columns),
        format.id,
      ).toEqual([]);
      expect(text, format.id).not.toMatch(/NaN\/|undefined|Infinity|\be[+-]\d/);
    }
  });

  test.each([
    ["fp16", 80],
    ["fp16", 40],
    ["fp8_e4m3fn", 80],
    ["e8m0", 80],
    ["int4", 80],
    ["nf4", 80],
    ["q6_k", 80],
  ])("%s at %d columns, as a whole", async (id, columns) => {
    await expect(report(id, columns)).toMatchFileSnapshot(golden(`${id}-${columns}`));
  });
});

describe("numbers", () => {
  test("bf16 3.14159: fields, hex, the stored value, both errors and both neighbours", () => {
    const text = report("bf16 3.14159", 100);
    for (const part of [
      "0 10000000 1001001",
      "0x4049",
      "(-1)^0 x 2^(128-127) x (1 + 73/128)",
      "-0.000965\n",
      "-0.0307 %",
      "3.125 (0x4048)",
      "3.15625 (0x404a)",
      "3.14159 is no double: the nearest is 3.14158999999999988261834005243144929409027099609375",
    ])
      expect(text).toContain(part);
  });

  test("a number that is a double needs no such remark", () => {
    expect(report("bf16 0.5", 100)).not.toContain("no double");
  });

  test.each([
    ["fp16 70000", "out of range: becomes infinity"],
    ["fp16 1e-8", "too small: rounds to zero"],
    ["fp16 nan", "NaN"],
    ["fp4 nan", "NaN does not fit fp4_e2m1, which ends at 6 and has no NaN."],
    ["fp16 fp4 nan", "refused"],
    ["fp8 1e9", "out of range: becomes NaN"],
    ["fp16 0x7bff", "65504"],
    ["fp32 0.1", "0.100000001490116119384765625"],
    ["fp64 0.1", "0.1000000000000000055511151231257827021181583404541015625"],
    ["mxfp4 1 2.4 6", "block of 3, scale 1"],
  ])("%s says: %s", (line, part) => {
    expect(report(line, 100)).toContain(part);
  });

  test("several formats stand side by side", () => {
    expect(report("fp16 bf16 fp8 3.14159", 100)).toMatch(
      /fp16 +0 10000 1001001000 +0x4248 +3\.140625 +-0\.000965 +-0\.0307 %\nbf16 .*\nfp8_e4m3fn +0 1000 101 +0x45 +3\.25 +0\.10841 +3\.45 %$/,
    );
  });

  test.each([40, 80])("%d columns: no line is wider, whatever the number", (columns) => {
    for (const line of [
      "fp16 bf16 fp8 3.14159",
      "fp64 5e-324",
      "fp64 1e308",
      "fp32 0.1",
      "0.1",
      "fp4 nan",
      "mxfp4 nf4 q8_0 nvfp4 0.1 1000 -3",
    ])
      expect(
        report(line, columns)
          .split("\n")
          .filter((text) => text.length > columns),
        line,
      ).toEqual([]);
  });

  test.each([
    ["compare-80", "fp16 bf16 fp8 3.14159", 80],
    ["compare-40", "fp16 bf16 fp8 3.14159", 40],
    ["value-80", "bf16 3.14159 70000 nan -0 inf", 80],
    ["block-80", "nvfp4 0.1 0.5 -3", 80],
  ])("%s, as a whole", async (name, line, columns) => {
    await expect(report(line, columns)).toMatchFileSnapshot(golden(name));
  });
});

test("colour only paints: without it the text is the same", () => {
  const paint = (_: string, text: string): string => `\u001b[1m${text}\u001b[0m`;
  for (const line of ["", "fp16", "nf4", "bf16 3.14159", "0.1", "mxfp4 1 2"]) {
    const request = parseFormatsArguments(line === "" ? [] : line.split(" "));
    for (const columns of [40, 100]) {
      const painted = formatsText(request, { columns, paint });
      expect(painted).toContain("\u001b[1m");
      expect(painted.replaceAll(/\u001b\[[01]m/g, "")).toBe(formatsText(request, { columns }));
    }
  }
});

describe("data for scripts", () => {
  test.each(["", "fp16", "fp16 bf16 1e9 nan", "mxfp4 fp8 1 2 3"])('"%s" survives JSON unchanged', (line) => {
    const data = formatsData(parseFormatsArguments(line === "" ? [] : line.split(" ")));
    expect(data.schema).toBe("vram-calc/formats@1");
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  });

  test("values come value by value, block formats take all values together", () => {
    const data = formatsData(parseFormatsArguments("fp16 mxfp4 bf16 1 2.4".split(" ")));
    expect(data.values.map((value) => [value.typed, value.format])).toEqual([
      ["1", "fp16"],
      ["1", "bf16"],
      ["2.4", "fp16"],
      ["2.4", "bf16"],
    ]);
    // 2^(floor(log2 2.4) - 2) = 0.5; 2.4 / 0.5 = 4.8 -> 4
    expect(data.blocks.map((block) => block.values)).toEqual([[1, 2]]);
  });
});
