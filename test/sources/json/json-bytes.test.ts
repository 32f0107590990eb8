import { expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import {
  endJson,
  enterArray,
  enterObject,
  nextElement,
  nextKey,
  openJson,
  readCount,
  readString,
  skipValue,
} from "../../../src/sources/json/json-bytes.ts";
import { fc } from "../../properties.ts";

const open = (text: string) => openJson("f", new TextEncoder().encode(text));

test("strings come back as JSON.stringify wrote them, whatever was guessed", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      (text, guess) => {
        for (const tried of [undefined, guess, text]) {
          const json = open(` ${JSON.stringify(text)} `);
          expect(readString(json, tried)).toBe(text);
          endJson(json);
        }
      },
    ),
  );
});

test("short strings of one hash stay apart: Aa and BB, 31 x 65 + 97 = 31 x 66 + 66", () => {
  // "A!" has the hash of "": 31 x 65 + 33 = 8 x 256.
  for (const text of ["Aa", "BB", "Aa", "AaAa", "BBBB", "AaBB", "", "A!", ""])
    expect(readString(open(`"${text}"`))).toBe(text);
});

test("counts are whole numbers from 0 to 2^53 - 1", () => {
  fc.assert(fc.property(fc.maxSafeNat(), (n) => readCount(open(`${n},`)) === n));
  for (const text of ["-1", "1.0", "1e3", "01", "+1", '"1"', "", "NaN", "9007199254740992", "1E3"])
    expect(() => readCount(open(text))).toThrow(VramCalcError);
});

test("objects and arrays, member by member; a skipped value is its text", () => {
  const json = open('{ "a" : [1, 2] , "b":{"x":["}",{}]}, "c": -1.5e3 }');
  enterObject(json);
  expect(nextKey(json, 0)).toBe("a");
  enterArray(json);
  const items: number[] = [];
  while (nextElement(json, items.length)) items.push(readCount(json));
  expect(items).toEqual([1, 2]);
  expect(nextKey(json, 1)).toBe("b");
  expect(skipValue(json)).toBe('{"x":["}",{}]}');
  expect(nextKey(json, 2)).toBe("c");
  expect(skipValue(json).trim()).toBe("-1.5e3");
  expect(nextKey(json, 3)).toBeNull();
  endJson(json);
});

test("a place is line and column in a text and an offset in a binary file", () => {
  const at = (base?: number) => {
    const json = openJson("f", new TextEncoder().encode('{\n "é": x'), base);
    enterObject(json);
    nextKey(json, 0);
    try {
      return readCount(json);
    } catch (error) {
      return (error as VramCalcError<"malformed-file">).details.where;
    }
  };
  expect(at()).toBe("line 2, column 7");
  // 8 bytes before the JSON, 9 in it: é takes two.
  expect(at(8)).toBe("byte 17");
});

test("bytes that are not UTF-8 are refused before anything is read", () => {
  expect(() => openJson("f", new Uint8Array([0x22, 0xff, 0x22]))).toThrow(/not text, expected JSON in UTF-8/);
});
