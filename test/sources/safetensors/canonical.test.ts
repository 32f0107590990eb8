/** The quick readers of the usual header and weight map against those that read any, member by member. */
import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { openJson } from "../../../src/sources/json/json-bytes.ts";
import { SAFETENSORS_DTYPE_BITS, type SafetensorsDtype } from "../../../src/sources/safetensors/dtypes.ts";
import { anyHeader, canonicalHeader } from "../../../src/sources/safetensors/header-json.ts";
import { firstMissing, type ListedNames } from "../../../src/sources/safetensors/name-lists.ts";
import { nameAt } from "../../../src/sources/safetensors/name-spans.ts";
import { readNamedHeader } from "../../../src/sources/safetensors/safetensors-header.ts";
import { anyWeightMap, canonicalWeightMap } from "../../../src/sources/safetensors/weight-index.ts";
import { cases, fc } from "../../properties.ts";
import { buildSafetensors } from "./safetensors-builder.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What a reader gives or says. */
function outcome<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof VramCalcError)) throw error;
    return error.message;
  }
}

const name = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "model.layers.0.mlp.experts.1.down_proj.weight",
    "__metadata__",
    "",
    "lm_head.weight",
  ),
  fc
    .tuple(fc.nat(12), fc.nat(30))
    .map(([layer, expert]) => `model.layers.${layer}.mlp.experts.${expert}.up_proj.weight`),
  fc.string({ maxLength: 12 }),
);
const dtype = fc.constantFrom(...(Object.keys(SAFETENSORS_DTYPE_BITS) as SafetensorsDtype[]));
const tensor = fc.record({
  dtype,
  shape: fc.oneof(fc.constantFrom([4, 2], [8], []), fc.array(fc.nat(9), { maxLength: 3 })),
});
const tensors = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 14 });
type Row = readonly [string, { readonly dtype: SafetensorsDtype; readonly shape: readonly number[] }];

/** As the safetensors library writes it. Where bits do not fill bytes, the last tensor is wrong. */
function headerText(rows: readonly Row[], withMetadata: boolean, padding: number): [string, number] {
  let end = 0;
  const members = rows.map(([key, { dtype, shape }]) => {
    const begin = end;
    end += Math.ceil(
      (shape.reduce((product, length) => product * length, 1) * SAFETENSORS_DTYPE_BITS[dtype]) / 8,
    );
    return `${JSON.stringify(key)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`;
  });
  if (withMetadata) members.unshift('"__metadata__":{"format":"pt"}');
  return [`{${members.join(",")}}${" ".repeat(padding)}`, end];
}

/** A text with a few of its characters changed, doubled, dropped or swapped. */
const mutated = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      text,
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.constantFrom("drop", "double", "change", "insert"),
          fc.constantFrom(...'{}[],:"\\ \n0129-.eBF4x\u0000\u007fé'),
        ),
        { maxLength: 2 },
      ),
    )
    .map(([original, changes]) =>
      changes.reduce((now, [place, kind, character]) => {
        const at = place % (now.length + 1);
        const [head, here, tail] = [now.slice(0, at), now.slice(at, at + 1), now.slice(at + 1)];
        if (kind === "drop") return head + tail;
        if (kind === "double") return head + here + here + tail;
        return kind === "change" ? head + character + tail : head + character + here + tail;
      }, original),
    );

describe("headers", () => {
  const text = fc.tuple(tensors, fc.boolean(), fc.nat(8)).map((parts) => headerText(...parts)[0]);

  test("the quick reader gives what the other gives, or nothing; and nothing for what is wrong", () => {
    let quick = 0;
    const runs = cases(6000);
    fc.assert(
      fc.property(mutated(text), (header) => {
        const bytes = encode(header);
        const canonical = outcome(() => canonicalHeader(openJson("m", bytes, 8), 8 + bytes.length));
        if (canonical === null) return;
        quick++;
        const full = outcome(() => anyHeader(openJson("m", bytes, 8), 8 + bytes.length));
        if (typeof canonical === "string" || typeof full === "string")
          return expect.fail(`${header}: ${full}`);
        expect(canonical.rows()).toEqual(full.rows());
        expect([canonical.count, canonical.totalBytes]).toEqual([full.count, full.totalBytes]);
        expect([...canonical.metadata]).toEqual([...full.metadata]);
      }),
      { numRuns: runs },
    );
    expect(quick).toBeGreaterThan(runs / 10);
  });

  test("through a file: the same tensors or the same sentence, whichever reads it", async () => {
    const file = fc.tuple(mutated(text), fc.nat(40));
    await fc.assert(
      fc.asyncProperty(file, async ([header, dataBytes]) => {
        const bytes = buildSafetensors({ header, dataBytes });
        const [quick, full] = await Promise.all(
          [undefined, anyHeader].map((reader) =>
            readNamedHeader(memorySource("m", bytes), bytes.subarray(0, 64), reader).then(
              ({ part }) => ({ ...part }),
              (error: unknown) => String(error),
            ),
          ),
        );
        expect(quick).toEqual(full);
      }),
      { numRuns: cases(3000) },
    );
  });

  test("is quick for what the safetensors library writes, and gives up on what it does not", () => {
    const rows: Row[] = [
      ["b.weight", { dtype: "BF16", shape: [4, 2] }],
      ["b.scale", { dtype: "F32", shape: [] }],
      ["a.weight", { dtype: "BF16", shape: [4, 2] }],
    ];
    const [header] = headerText(rows, true, 5);
    const isQuick = (text: string): boolean =>
      canonicalHeader(openJson("m", encode(text), 8), 8 + text.length) !== null;
    expect(isQuick(header)).toBe(true);
    for (const [from, to] of [
      ['"dtype":"BF16","shape":[4,2]', '"shape":[4,2],"dtype":"BF16"'],
      ["a.weight", "b.weight"],
      ["a.weight", "\\u0061.weight"],
      ["a.weight", "ä.weight"],
      ["[4,2]", "[4, 2]"],
      ["[16,20]", "[016,20]"],
      ["[16,20]", "[17,21]"],
      ["[20,36]", "[20,37]"],
      ["F32", "F33"],
    ] as const) {
      expect(header).toContain(from);
      expect(isQuick(header.replace(from, to)), to).toBe(false);
    }
  });
});

describe("weight maps", () => {
  const shard = fc.constantFrom(
    "a.safetensors",
    "b.safetensors",
    "b.safetensors.safetensors",
    "../c.safetensors",
  );
  const entries = fc.array(fc.tuple(name, shard), { maxLength: 14 });
  const text = fc.tuple(entries, fc.constantFrom(undefined, 2), fc.boolean()).map(([rows, indent, sort]) => {
    const ordered = sort ? rows.sort(([a], [b]) => (a < b ? -1 : 1)) : rows;
    const lines = ordered.map(
      ([key, value]) => `${JSON.stringify(key)}:${indent ? " " : ""}${JSON.stringify(value)}`,
    );
    return indent ? `{\n    ${lines.join(",\n    ")}\n  }` : `{${lines.join(",")}}`;
  });
  const namesOf = (listed: ListedNames): readonly string[] =>
    "chosen" in listed ? Array.from(listed.chosen, (index) => nameAt(listed.spans, index)) : listed;

  test("the quick reader gives what the other gives, or nothing; and nothing for what is wrong", () => {
    let quick = 0;
    const runs = cases(6000);
    fc.assert(
      fc.property(mutated(text), (map) => {
        const [json, again] = [openJson("i", encode(`${map} `)), openJson("i", encode(`${map} `))];
        const canonical = outcome(() => canonicalWeightMap(json, ".safetensors"));
        if (canonical === null) {
          expect(json.at).toBe(0);
          return;
        }
        quick++;
        const full = outcome(() => anyWeightMap(again, ".safetensors"));
        if (typeof canonical === "string" || typeof full === "string") return expect.fail(`${map}: ${full}`);
        const plain = (found: typeof full) => [...found.shards].map(([key, names]) => [key, namesOf(names)]);
        expect(plain(canonical)).toEqual(plain(full));
        expect([canonical.tensors, json.at]).toEqual([full.tensors, again.at]);
      }),
      { numRuns: runs },
    );
    expect(quick).toBeGreaterThan(runs / 10);
  });

  test("the first listed name that a shard lacks is found, in whatever form both lie", () => {
    const keys = fc.uniqueArray(fc.string({ unit: fc.constantFrom("a", "b", "c", "é"), maxLength: 9 }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(keys, keys, (listed, held) => {
        const map = JSON.stringify(Object.fromEntries(listed.map((key) => [key, "a.safetensors"])));
        const rows = held.map((key): Row => [key, { dtype: "U8", shape: [] }]);
        const header = encode(headerText(rows, false, 0)[0]);
        const expected = listed.find((key) => !held.includes(key)) ?? null;
        for (const readMap of [canonicalWeightMap, anyWeightMap]) {
          for (const readHeader of [canonicalHeader, anyHeader]) {
            const names = readMap(openJson("i", encode(map)), ".safetensors")?.shards.get("a.safetensors");
            const found = readHeader(openJson("m", header, 8), 0)?.names;
            if (names !== undefined && found !== undefined) expect(firstMissing(names, found)).toBe(expected);
          }
        }
      }),
      { numRuns: cases(1500) },
    );
  });
});
