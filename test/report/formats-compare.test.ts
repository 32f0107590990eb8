import { describe, expect, test } from "vitest";
import { formatsText } from "../../src/report/formats.ts";

const compared = (formats: readonly string[], columns = 100): string =>
  formatsText({ formats, values: [] }, { columns });
const row = (text: string, label: string): readonly string[] =>
  text
    .split("\n")
    .find((line) => line.startsWith(label))!
    .slice(label.length)
    .trim()
    .split(/ {2,}/);

describe("several formats at once", () => {
  test("stand side by side: 1/5/10 against 1/8/7", () => {
    const text = compared(["fp16", "bf16"]);
    expect(row(text, "bits ")).toEqual(["s eeeee ffffffffff", "s eeeeeeee fffffff"]);
    expect(row(text, "largest")).toEqual(["65504", "3.39 x 10^38"]);
    expect(row(text, "bias")).toEqual(["15", "127"]);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  test("a fact that one of them has not is a dash", () => {
    const text = compared(["fp16", "mxfp4", "int8"]);
    expect(row(text, "bytes a block")).toEqual(["-", "17", "-"]);
    expect(row(text, "lowest")).toEqual(["-65504", "-", "-128"]);
  });

  test("where they do not fit they are explained one below the other", () => {
    const text = compared(["fp16", "bf16", "fp8", "fp32"], 40);
    expect(text).toContain("stored 1..30");
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  });
});
