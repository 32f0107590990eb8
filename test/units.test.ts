import { describe, expect, test } from "vitest";
import { VramCalcError } from "../src/errors.ts";
import {
  distinguishingDigits,
  formatBytes,
  formatCount,
  groupDigits,
  looksLikeCount,
  parseBytes,
  parseCount,
  parseTokens,
} from "../src/units.ts";

const messageOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof VramCalcError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
};

describe("parseCount", () => {
  test.for([
    ["14B", 14_000_000_000],
    ["14b", 14_000_000_000],
    ["7.24B", 7_240_000_000],
    ["350M", 350_000_000],
    ["1.5T", 1_500_000_000_000],
    ["14_000_000_000", 14_000_000_000],
    ["14,000,000,000", 14_000_000_000],
    ["14e9", 14_000_000_000],
    ["1.1B", 1_100_000_000],
    [".5B", 500_000_000],
    ["270K", 270_000],
  ] as const)("%s is %i parameters", ([text, count]) => expect(parseCount(text)).toBe(count));

  test.for([
    ["14", /add the unit: 14B .*14M/],
    ["-3B", /not negative/],
    ["NaN", /write 14B/],
    ["8x7B", /experts share .*46\.7B.*mixtral-8x7b/],
    ["", /write 14B/],
    ["0B", /at least one/],
    ["1.5", /whole number/],
    ["14BB", /write 14B/],
    ["1e400", /2\^53/],
    ["9008T", /2\^53/],
  ] as const)('"%s" is refused with a hint', ([text, hint]) =>
    expect(messageOf(() => parseCount(text))).toMatch(hint),
  );

  test.for(["14B", "14", "-3B", "8x7B", "1e9", "7.24b"])("%s looks like a count", (text) =>
    expect(looksLikeCount(text)).toBe(true),
  );
  test.for(["qwen2.5-14b", "NaN", "./14B", "gpt2", "-", ".", ".."])("%s does not look like a count", (text) =>
    expect(looksLikeCount(text)).toBe(false),
  );
});

describe("parseBytes", () => {
  test.for([
    ["24GB", 24e9],
    ["24G", 24e9],
    ["24GiB", 24 * 2 ** 30],
    ["24Gi", 24 * 2 ** 30],
    ["0.5 GiB", 2 ** 29],
    ["512MiB", 2 ** 29],
    ["1000B", 1000],
    ["2000000", 2_000_000],
    ["80gb", 80e9],
  ] as const)("%s is %i bytes", ([text, bytes]) => expect(parseBytes(text)).toBe(bytes));
  test("a small bare number asks for its unit", () =>
    expect(messageOf(() => parseBytes("24"))).toContain("24GB (10^9), 24GiB"));
  test.for(["24GX", "-1GB", "much", "1e30GB"])('"%s" is refused', (text) =>
    expect(messageOf(() => parseBytes(text))).toMatch(/^bad-quantity: cannot read/),
  );
});

describe("parseTokens", () => {
  test.for([
    ["32k", 32_768],
    ["4096", 4096],
    ["1m", 1_048_576],
    ["0.5k", 512],
    ["128K", 131_072],
  ] as const)("%s is %i tokens, k being 1024", ([text, tokens]) => expect(parseTokens(text)).toBe(tokens));
  test.for(["1.3", "-1", "k", "1e99"])('"%s" is refused', (text) =>
    expect(messageOf(() => parseTokens(text))).toMatch(/^bad-quantity/),
  );
});

describe("a comma groups thousands and is no decimal point", () => {
  test.for([
    [() => parseBytes("24,5GB"), /write 24\.5GB: a comma groups thousands/],
    [() => parseCount("1,4B"), /write 1\.4B/],
    [() => parseTokens("1,5k"), /write 1\.5k/],
    [() => parseBytes("12,34,5GB"), /cannot read/],
    [() => parseBytes("1__0GB"), /cannot read/],
  ] as const)("refused: %s", ([read, message]) => expect(messageOf(read)).toMatch(message));
  test("in groups of three it is read", () => {
    expect(parseCount("14,000,000,000")).toBe(14e9);
    expect(parseBytes("24_000_000_000")).toBe(24e9);
    expect(parseTokens("32,768")).toBe(32_768);
    expect(parseBytes("24GIB")).toBe(24 * 2 ** 30);
  });
});

describe("printing", () => {
  test("28,000,000,000 B = 28.00 GB = 26.08 GiB", () => {
    expect(groupDigits(28e9)).toBe("28,000,000,000");
    expect(formatBytes(28e9, { unit: "GB" })).toBe("28.00 GB");
    expect(formatBytes(28e9, { unit: "GiB" })).toBe("26.08 GiB");
    expect(formatBytes(28e9, { unit: "B" })).toBe("28,000,000,000 B");
  });
  test.for([
    [23_999_000_000, 24_000_000_000, 3],
    [23_999_999_999, 24_000_000_000, 9],
    [23_000_000_000, 24_000_000_000, 2],
    [24_000_000_000, 24_000_000_000, 2],
  ] as const)("%i and %i GB differ from %i digits on", ([a, b, digits]) =>
    expect(distinguishingDigits(a, b, "GB")).toBe(digits),
  );
  test.for([
    [7_241_732_096, "7.24B"],
    [14e9, "14B"],
    [350e6, "350M"],
    [1.5e12, "1.5T"],
    [999, "999"],
  ] as const)("%i reads %s", ([count, text]) => expect(formatCount(count)).toBe(text));
});
