import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { plainValue } from "../../src/check/text/node.ts";
import { parseYaml } from "../../src/check/text/yaml.ts";
import { plainScalar } from "../../src/check/text/yaml-scalar.ts";
import { VramCalcError } from "../../src/errors.ts";
import { cases, fc } from "../properties.ts";
import { timeLimit } from "../time-limit.ts";
import { refusalOf } from "./refusal.ts";

interface Vector {
  readonly text: string;
  readonly value: unknown;
}
const { rows } = JSON.parse(
  readFileSync(new URL("../vectors/yaml-subset.json", import.meta.url), "utf8"),
) as { readonly rows: readonly Vector[] };

const read = (text: string): unknown => plainValue(parseYaml({ file: "f.yaml", text }));
const refusal = (text: string): string => refusalOf(() => read(text));

describe("the YAML subset", () => {
  test.for(rows)("$text is read as PyYAML reads it", ({ text, value }) => {
    expect(JSON.stringify(read(text))).toBe(JSON.stringify(value));
  });

  test.for([
    ["a: &x 1", "1:4", /an anchor/],
    ["a: *x", "1:4", /an alias/],
    ["a: !!str 1", "1:4", /a tag/],
    ["a: |\n  text", "1:4", /block text/],
    ["a: >-\n  text", "1:4", /folded text/],
    ["%YAML 1.1\n---\na: 1", "1:1", /a directive/],
    ["a: 1\n---\nb: 2", "2:1", /one document/],
    ["a: 1\n...", "2:1", /one document/],
    ["a:\n\tb: 1", "2:1", /a tab in the indentation/],
    ["\ta: 1", "1:1", /a tab in the indentation/],
    ["---\n a: 1\n\tb: 1", "3:1", /a tab in the indentation/],
    ["-\ta: 1", "1:2", /a tab after the dash/],
    ["a: 1\nb: 2\na: 3", "3:1", /"a" is given twice/],
    ["a: {b: 1, b: 2}", "1:11", /"b" is given twice/],
    ["a: b: c", "1:4", /second ": "/],
    ["a: - b", "1:4", /a list begins on the line below/],
    ["a: one\n  two", "2:3", /indented deeper/],
    ["a:\n  b: 1\n c: 2", "3:2", /indented by 1, expected 0/],
    ["a: [1, 2", "1:9", /the end of the file, expected "," or "\]"/],
    ["a: [1,, 2]", "1:7", /expected a value/],
    ["a: [b: c]", "1:5", /"b:" in a list/],
    ["a: {b}", "1:5", /a key and a value/],
    ['a: "open', "1:4", /no closing quote/],
    ["a: 'open\nb: 'x'", "1:4", /no closing quote/],
    ['a: "\\x41"', "1:5", /the escape "\\x"/],
    ["? a\n: b", "1:1", /found "\?"/],
    ["<<: {a: 1}", "1:1", /"<<" is not text/],
    ["1: a", "1:1", /"1" is not text/],
    ['a: "x" y', "1:8", /expected the end of the line/],
    ["- a\nb: 1", "2:1", /expected the end of the file/],
    ["a: 1\n- b", "2:1", /found "-"/],
    ["a: \u0007", "1:4", /U\+0007/],
    ["", "1:1", /the file is empty/],
    ["# only\n", "2:1", /the file is empty/],
    ["__proto__: 1", "1:1", /not allowed/],
    [`${"[".repeat(60)}${"]".repeat(60)}`, "1:42", /40 levels/],
    [`${"- ".repeat(60)}x`, "1:83", /40 levels/],
  ] as const)("%j is refused at %s", ([text, place, message]) => {
    expect(refusal(text)).toMatch(message);
    expect(refusal(text)).toContain(`line ${place.replace(":", ", column ")}: `);
  });

  test.for([
    ..."y Y n N yes Yes no NO on Off = 012 -017 00 0x1F 0o17 0b11 1e3 1E-3 .5e3 1_000 12:30 1:2:3 .inf -.Inf .NaN".split(
      " ",
    ),
    "2024-01-01",
  ])("%s means two things in YAML 1.1 and 1.2, so it needs quotes", (text) => {
    expect(plainScalar(text)).toBeUndefined();
    expect(refusal(`a: ${text}`)).toMatch(/put it in quotes/);
    expect(read(`a: "${text}"`)).toEqual({ a: text });
  });

  test.for(["14B", "32k", "5%", "24GiB", "2xl40s", "q4_k_m", "org/name@v1", "fp8", "yes-man", "1.2.3", "v1"])(
    "%s needs no quotes",
    (text) => {
      expect(plainScalar(text)).toBe(text);
    },
  );

  test("any JSON value written in block style, with comments and blank lines, reads as that value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(3), (value, step) => {
        if (hasExponent(value) || hasProto(value)) return;
        const text = `# top\n${block(value, 0, step + 1)}\n# end\n`;
        expect(JSON.stringify(read(text))).toBe(JSON.stringify(value));
      }),
      { numRuns: cases(1200) },
    );
  });

  test("any JSON text without exponents is YAML", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 1, 2), (value, indent) => {
        if (hasExponent(value) || hasProto(value)) return;
        expect(JSON.stringify(read(JSON.stringify(value, null, indent)))).toBe(JSON.stringify(value));
      }),
      { numRuns: cases(1200) },
    );
  });

  test.for([
    ["a list on one line", `[${"a, ".repeat(500_000)}]`],
    ["nested brackets closed at once", `[${"[a], ".repeat(300_000)}]`],
    ["lines of a list", "- a\n".repeat(400_000)],
    ["blank lines", `a: 1\n${"\n".repeat(2_000_000)}b: 2`],
    ["a key of a megabyte", `${"k".repeat(2 ** 20)}: 1`],
  ] as const)("%s: megabytes take seconds at most, so time grows with the text alone", ([, text]) => {
    const start = performance.now();
    read(text);
    expect(performance.now() - start).toBeLessThan(timeLimit(5000));
  });

  test("any text at all is read or refused in one sentence", () => {
    const pieces = fc.constantFrom(
      "a",
      ": ",
      ":",
      "- ",
      "\n",
      "  ",
      "[",
      "]",
      "{",
      "}",
      ",",
      "'",
      '"',
      "#",
      " #",
      "1",
      "\t",
      "\r",
      "\\",
      "&",
      "~",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        try {
          read(parts.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(VramCalcError);
          expect((error as VramCalcError).message).toMatch(/^f\.yaml, line \d+, column \d+: [^\n]+$/);
        }
      }),
      { numRuns: cases(2500) },
    );
  });
});

const hasExponent = (value: unknown): boolean =>
  /[\d.]e[-+]\d/.test(JSON.stringify(value).replace(/"(?:[^"\\]|\\.)*"/g, ""));
const hasProto = (value: unknown): boolean => JSON.stringify(value).includes("__proto__");

/** A value as block YAML: strings in quotes, nesting by indentation, a comment here and there. */
function block(value: unknown, indent: number, step: number): string {
  const pad = " ".repeat(indent);
  if (Array.isArray(value) && value.length > 0)
    return value.map((item) => `${pad}-${nested(item, indent, step)}`).join("\n\n");
  if (value !== null && typeof value === "object" && Object.keys(value).length > 0)
    return Object.entries(value)
      .map(([key, item]) => `${pad}${JSON.stringify(key)}:${nested(item, indent, step)}`)
      .join(`\n${pad}# between\n`);
  return `${pad}${JSON.stringify(value)}`;
}

function nested(value: unknown, indent: number, step: number): string {
  const deep = value !== null && typeof value === "object" && Object.keys(value).length > 0;
  return deep ? ` # below\n${block(value, indent + step, step)}` : ` ${JSON.stringify(value)}`;
}
