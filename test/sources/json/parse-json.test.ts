import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { parseJson } from "../../../src/sources/json/parse-json.ts";
import { cases, fc } from "../../properties.ts";
import { timeLimit } from "../../time-limit.ts";

test("reads what JSON.stringify writes, indented or not", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      if (text.includes('"__proto__"')) return;
      expect(parseJson(text, "f")).toEqual(JSON.parse(text));
    }),
  );
});

test("refuses whatever JSON.parse refuses, and the reverse", () => {
  const alphabet = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "a",
    "u00e9",
    "0",
    "1",
    "-",
    ".",
    "e",
    "+",
    " ",
    "\n",
    "true",
    "null",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...alphabet), { maxLength: 9 }), (parts) => {
      const text = parts.join("");
      const own = attempt(() => parseJson(text, "f"));
      const theirs = attempt(() => JSON.parse(text));
      // A repeated key is the one thing in which we are stricter.
      if (own.error?.message.includes("each key once")) return;
      expect([text, own.error === undefined, own.value]).toEqual([
        text,
        theirs.error === undefined,
        theirs.value,
      ]);
    }),
    { numRuns: cases(8000) },
  );
});

function attempt(work: () => unknown): { readonly value?: unknown; readonly error?: Error } {
  try {
    return { value: work() };
  } catch (error) {
    return { error: error as Error };
  }
}

describe("what Python writes", () => {
  test.for([
    ["[NaN, Infinity, -Infinity]", [Number.NaN, Infinity, -Infinity]],
    ['\uFEFF{"a": 1}', { a: 1 }],
    ['{"a": 1, "a": 1}', { a: 1 }],
    ["1e400", Infinity],
    ["123456789012345678901234567890", 1.2345678901234568e29],
  ] as const)("%s", ([text, expected]) => {
    expect(parseJson(text, "f")).toEqual(expected);
  });
});

describe("one sentence with line and column", () => {
  test.for([
    ["", "line 1, column 1: found an empty file, expected JSON."],
    [" \n ", "line 2, column 2: found an empty file, expected JSON."],
    ["{", "line 1, column 2: found the end of the file, expected a key in double quotes."],
    ['{"a": 1\n "b": 2}', 'line 2, column 2: found """, expected "," or "}".'],
    ['{"a": 1,\n}', 'line 2, column 1: found "}", expected a key in double quotes.'],
    ["{'a': 1}", `line 1, column 2: found "'", expected a key in double quotes.`],
    ['{"a" 1}', 'line 1, column 6: found "1", expected ":".'],
    ['{"hidden_size": 40x6}', 'line 1, column 17: found "40x", expected a value.'],
    ['{"a": True}', 'line 1, column 7: found "True", expected a value.'],
    ['{"a": undefined}', 'line 1, column 7: found "undefined", expected a value.'],
    ["[01]", 'line 1, column 2: found "01", expected a value.'],
    ["[1.]", 'line 1, column 2: found "1.", expected a value.'],
    ["[.5]", 'line 1, column 2: found ".", expected a value.'],
    ["[1,]", 'line 1, column 4: found "]", expected a value.'],
    ["{} {}", 'line 1, column 4: found "{", expected the end of the file.'],
    ['"a', "line 1, column 1: found an open string, expected a closing quote before the end of the file."],
    ['"a\\', 'line 1, column 3: found "\\", expected an escape such as \\n, \\" or \\u00e9.'],
    ['"\\u12g4"', 'line 1, column 2: found "\\", expected an escape such as \\n, \\" or \\u00e9.'],
    [
      '"a\nb"',
      "line 1, column 3: found the control character U+000A, expected control characters in strings to be escaped.",
    ],
    ['{"a":1,"a":2}', 'line 1, column 8: found the key "a" with two values, expected each key once.'],
    ['{"__proto__":{}}', 'line 1, column 2: found "__proto__", expected a key other than that.'],
    ['{"\\u005f_proto__":{}}', 'line 1, column 2: found "__proto__", expected a key other than that.'],
    ["<!DOCTYPE html>", 'line 1, column 1: found "<", expected a value.'],
  ] as const)("%j", ([text, says]) => {
    const error = attempt(() => parseJson(text, "config.json")).error;
    expect(error).toBeInstanceOf(VramCalcError);
    expect(error!.message).toBe(`config.json, ${says}`);
  });
});

describe("hostile text", () => {
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  test("200 levels are read, 202 and a million are refused", () => {
    expect(parseJson(deep(200), "f")).toHaveLength(1);
    for (const depth of [202, 1_000_000])
      expect(() => parseJson(deep(depth), "f")).toThrow(/found more levels of nesting, expected at most 200/);
    expect(() => parseJson('{"a":'.repeat(1_000_000), "f")).toThrow(/at most 200/);
  });

  test("10 MB of text in under two seconds: numbers, strings, escapes, keys, an open string", () => {
    const mega = 10_000_000;
    const texts = [
      `[${"1,".repeat(mega / 2)}1]`,
      `["${"a".repeat(mega)}"]`,
      `["${"\\n".repeat(mega / 2)}"]`,
      `{${Array.from({ length: mega / 14 }, (_, i) => `"k${i}":1`).join()}}`,
      `"${"a".repeat(mega)}`,
      `${"9".repeat(mega)}x`,
      `${" ".repeat(mega)}!`,
      `${"\n".repeat(mega)}!`,
    ];
    for (const text of texts) {
      const started = performance.now();
      attempt(() => parseJson(text, "f"));
      expect(performance.now() - started).toBeLessThan(timeLimit(2000));
    }
  });

  test("nothing of the text reaches the prototype of other objects", () => {
    parseJson('{"constructor": {"prototype": {"polluted": 1}}, "toString": 2}', "f");
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
