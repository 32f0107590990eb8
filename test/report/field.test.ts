import { describe, expect, test } from "vitest";
import { fieldOf, fieldText } from "../../src/report/field.ts";
import { refusalOf } from "../check/refusal.ts";

const RESULT = {
  total: { bytes: 28 },
  model: { id: "14B", revision: null },
  devices: [
    {
      id: "all",
      terms: [
        { id: "weights", bytes: 20 },
        { id: "kv-cache", bytes: 8 },
      ],
    },
  ],
  notes: [{ code: "read-count", message: "m" }],
};

describe("a field by its path", () => {
  test.for([
    ["total.bytes", "28"],
    ["total", '{"bytes":28}'],
    ["model.id", "14B"],
    ["model.revision", "null"],
    ["devices.0.terms.1.bytes", "8"],
    ["devices.all.terms.kv-cache.bytes", "8"],
    ["notes.read-count.message", "m"],
  ])("%s is %s", ([path, text]) => {
    expect(fieldText(fieldOf(RESULT, path!))).toBe(text);
  });

  test.for([
    ["", /unknown field ""/],
    ["totl", /unknown field "totl": did you mean total\?.*there is total, model, devices, notes/],
    ["total.byte", /unknown field of total "byte": did you mean bytes\?/],
    ["total.bytes.x", /unknown field of total\.bytes "x".*has no fields/],
    ["devices.9", /there is all/],
    ["devices.all.terms.kv-cach", /did you mean kv-cache\?/],
    ["__proto__", /unknown field/],
    ["constructor.name", /unknown field/],
    ["total.", /unknown field of total ""/],
  ] as const)("%j is refused with what there is", ([path, message]) => {
    expect(refusalOf(() => fieldOf(RESULT, path))).toMatch(message);
  });
});
