import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { parseSplitName, readGguf, readGgufAt } from "../../../src/sources/gguf/read-gguf.ts";
import vectors from "../../vectors/gguf-headers.json" with { type: "json" };
import { withFolder } from "../bytes/padded-source.ts";
import { buildGguf, type DraftTensor, f32Tensor, text } from "./gguf-builder.ts";

describe("a split model, given any of its files", () => {
  const names = ([1, 2, 3] as const).map((n) => `llama-split-0000${n}-of-00003.gguf` as const);
  const files = Object.fromEntries(
    names.map((name) => [
      name,
      [
        readFileSync(new URL(`../../fixtures/gguf/${name}-header`, import.meta.url)),
        vectors.files[name].bytes,
      ] as const,
    ]),
  );

  test.for(names)("from %s: 7 + 7 + 6 tensors", (name) =>
    withFolder(files, async (folder) => {
      const file = await readGguf(join(folder, name));
      const expected = names.flatMap((split) =>
        vectors.files[split].tensors.map((row) => [row.split(" ")[0], join(folder, split)]),
      );
      expect(file.tensors.map((t) => [t.name, t.file])).toEqual(expected);
      expect(file.files.map((f) => f.tensors)).toEqual([7, 7, 6]);
      // 407,488 + 385,536 + 489,952
      expect(file.fileBytes).toBe(1_282_976);
      expect(file.metadata.get("general.architecture")).toBe("llama");
    }),
  );

  test("one missing: its name and what to do", () =>
    withFolder({ [names[0]!]: files[names[0]!]!, [names[2]!]: files[names[2]!]! }, async (folder) => {
      await expect(readGguf(join(folder, names[0]!))).rejects.toMatchObject({
        code: "unreadable-path",
        details: { path: join(folder, names[1]!) },
      });
    }));

  test("renamed: the other splits cannot be found", () =>
    withFolder({ "model.gguf": files[names[0]!]! }, async (folder) => {
      await expect(readGguf(join(folder, "model.gguf"))).rejects.toThrow(
        /one of 3 splits under a name of its own/,
      );
    }));
});

interface Part {
  readonly no?: number;
  readonly count?: number;
  readonly total?: number;
  readonly tensors: readonly DraftTensor[];
}

/** Reads "m" split into `parts`, from its first file unless told otherwise. */
function readParts(parts: readonly Part[], from = 1) {
  const name = (number: number) => `m-0000${number}-of-0000${parts.length}.gguf`;
  const opened: string[] = [];
  const bytes = new Map(
    parts.map((part, i) => {
      const numbers = { "split.no": part.no ?? i, "split.count": part.count ?? parts.length };
      const all = part.total === undefined ? numbers : { ...numbers, "split.tensors.count": part.total };
      const keys = Object.entries(all).filter(([, value]) => value >= 0);
      const metadata = [
        ...(i === 0 ? [["general.architecture", text("llama")] as const] : []),
        ...keys.map(([key, value]) => [key, { type: 2, value }] as const),
      ];
      return [name(i + 1), buildGguf({ metadata, tensors: part.tensors })];
    }),
  );
  const open = async (fileName: string) => {
    opened.push(fileName);
    const content = bytes.get(fileName);
    if (content === undefined) throw new Error(`${fileName} was asked for`);
    return memorySource(fileName, content);
  };
  return { file: readGgufAt({ fileName: name(from), open }), opened };
}

describe("splits that do not fit together", () => {
  const [a, b] = [f32Tensor("a"), f32Tensor("b")];
  test("each is opened once, and the first one's keys are the model's", async () => {
    const { file, opened } = readParts([{ tensors: [a], total: 2 }, { tensors: [b] }], 2);
    expect((await file).metadata.get("general.architecture")).toBe("llama");
    expect((await file).tensors.map((t) => t.name)).toEqual(["a", "b"]);
    expect(opened.sort()).toEqual(["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]);
  });

  const cases: readonly (readonly [string, readonly Part[], RegExp])[] = [
    [
      "a tensor in two of them",
      [{ tensors: [a] }, { tensors: [a] }],
      /tensor "a" again, expected each tensor in one/,
    ],
    [
      "a count other than the name's",
      [{ tensors: [a], count: 3 }, { tensors: [b] }],
      /split.count 3, expected 2/,
    ],
    [
      "a count other than the first's",
      [{ tensors: [a] }, { tensors: [b], count: 3 }],
      /00002-of.*split.count 3, expected 2/,
    ],
    [
      "a number other than the name's",
      [{ tensors: [a] }, { tensors: [b], no: 0 }],
      /split.no 0, expected 1, as its name/,
    ],
    ["no number", [{ tensors: [a] }, { tensors: [b], no: -1 }], /no key split.no, expected 1/],
    ["no count", [{ tensors: [a], count: -1 }, { tensors: [b] }], /no key split.count, expected 2/],
    ["another total", [{ tensors: [a], total: 3 }, { tensors: [b] }], /split.tensors.count 3, expected 2/],
  ];
  test.for(cases)("%s", async ([, parts, says]) => {
    const error = await readParts(parts).file.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(VramCalcError);
    expect((error as VramCalcError).message).toMatch(says);
  });
});

test("one file of one: the keys of a split model do no harm", async () => {
  expect((await readParts([{ tensors: [f32Tensor("a")], total: 1 }]).file).tensors.length).toBe(1);
});

test.for([
  ["llama-00002-of-00003.gguf", { prefix: "llama", number: 2, count: 3 }],
  ["a-00001-of-00002-00001-of-00001.gguf", { prefix: "a-00001-of-00002", number: 1, count: 1 }],
  ["llama-00004-of-00003.gguf", null],
  ["llama-00000-of-00003.gguf", null],
  ["llama-1-of-3.gguf", null],
  ["llama.gguf", null],
] as const)("parseSplitName(%s)", ([name, expected]) => {
  expect(parseSplitName(name)).toEqual(expected);
});
