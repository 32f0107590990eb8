import { describe, expect, test } from "vitest";
import { parseJsonc } from "../../src/check/text/jsonc.ts";
import { placeOf, placeOfKey, plainValue } from "../../src/check/text/node.ts";
import { placeAt, placesIn } from "../../src/check/text/place.ts";
import { VramCalcError } from "../../src/errors.ts";
import { cases, fc } from "../properties.ts";
import { refusalOf } from "./refusal.ts";

const parse = (text: string, relaxed = true) => parseJsonc({ file: "f.jsonc", text }, { relaxed });
const read = (text: string, relaxed = true): unknown => plainValue(parse(text, relaxed));

describe("JSON with comments", () => {
  test.for([
    ['{"a": 1, // one\n"b": [2, 3,],}', { a: 1, b: [2, 3] }],
    ["/* head */ [1, /* two */ 2]\n// tail", [1, 2]],
    ['{"a": "// not /* a comment"}', { a: "// not /* a comment" }],
    ["\ufeff{}", {}],
    ['["\\u00e9\\n\\"\\/"]', ['é\n"/']],
    ["-0.5e+3", -500],
  ] as const)("%j", ([text, value]) => {
    expect(JSON.stringify(read(text))).toBe(JSON.stringify(value));
  });

  test.for([
    ['{"a": 1 // x\n}', "1:9", /rename the file \.jsonc/],
    ["[1,]", "1:3", /rename the file \.jsonc/],
    ['{"a": 1,}', "1:8", /rename the file \.jsonc/],
  ] as const)("%j is refused in a .json file at %s", ([text, place, message]) => {
    expect(refusalOf(() => read(text, false))).toMatch(message);
    expect(refusalOf(() => read(text, false))).toContain(`line ${place.replace(":", ", column ")}: `);
    expect(() => read(text)).not.toThrow();
  });

  test.for([
    ["", "1:1", /the file is empty/],
    ["// only", "1:8", /the file is empty/],
    ["{\n  a: 1\n}", "2:3", /a key in double quotes/],
    ["{'a': 1}", "1:2", /a key in double quotes/],
    ['{"a" 1}', "1:6", /":" after the key "a"/],
    ['{"a": 1 "b": 2}', "1:9", /expected "," or "}"/],
    ['{"a": 32k}', "1:7", /"32k"; a text stands in quotes/],
    ['{"a": fp8}', "1:7", /"fp8" without quotes/],
    ['{"a": 01}', "1:7", /cannot read "01"/],
    ['{"a": NaN}', "1:7", /"NaN" without quotes/],
    ['{"a": "x\ny"}', "1:7", /no closing quote/],
    ['{"a": "\\q"}', "1:8", /escape "\\q"/],
    ["[1, /* 2]", "1:5", /never ends/],
    ["[1] 2", "1:5", /the end of the file/],
    ["[,]", "1:2", /expected a value/],
    ['{"a": 1, "a": 1}', "1:10", /given twice/],
    ['{"__proto__": 1}', "1:2", /not allowed/],
    [`${"[".repeat(5000)}`, "1:42", /40 levels/],
  ] as const)("%j is refused at %s", ([text, place, message]) => {
    expect(refusalOf(() => read(text))).toMatch(message);
    expect(refusalOf(() => read(text))).toContain(`line ${place.replace(":", ", column ")}: `);
  });

  test("any JSON reads as JSON.parse reads it, strict or relaxed", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), fc.boolean(), (value, indent, relaxed) => {
        const text = JSON.stringify(value, null, indent);
        if (text.includes("__proto__")) return;
        expect(JSON.stringify(read(text, relaxed))).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: cases(2000) },
    );
  });

  test("any text at all is read or refused in one sentence", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      '"a"',
      "1",
      "\\",
      "//",
      "/*",
      "*/",
      "\n",
      " ",
      "true",
      "\u0000",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        try {
          read(parts.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(VramCalcError);
          expect((error as VramCalcError).message).toMatch(/^f\.jsonc, line \d+, column \d+: [^\n]+$/);
        }
      }),
      { numRuns: cases(5000) },
    );
  });
});

describe("places", () => {
  const text = '{\n  "budgets": [\n    { "model": "14B",\n      "context": "8k" }\n  ]\n}';
  const node = parse(text);

  test.for([
    [["budgets", 0, "context"], { line: 4, column: 18 }],
    [["budgets", 0], { line: 3, column: 5 }],
    [["budgets", 7], { line: 2, column: 14 }],
    [["nothing"], { line: 1, column: 1 }],
  ] as const)("%j is the value at %j, or the deepest part of the path there is", ([path, place]) => {
    expect(placeAt(text, placeOf(node, path))).toEqual(place);
    expect(placesIn(text)(placeOf(node, path))).toEqual(place);
  });

  test("a key has a place of its own", () => {
    expect(placeAt(text, placeOfKey(node, ["budgets", 0], "context"))).toEqual({ line: 4, column: 7 });
    expect(placeAt(text, placeOfKey(node, ["budgets", 0], "gpu"))).toEqual({ line: 3, column: 5 });
  });
});
