import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gguf } from "@huggingface/gguf";
import { describe, expect, test } from "vitest";
import { readGgufHeader } from "../../../src/sources/gguf/gguf-header.ts";
import { readGguf } from "../../../src/sources/gguf/read-gguf.ts";
import vectors from "../../vectors/gguf-headers.json" with { type: "json" };
import { paddedSource, withFolder } from "../bytes/padded-source.ts";

const FILES = Object.entries(vectors.files).map(([name, file]) => ({ name, ...file }));
const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../../fixtures/gguf/${name}-header`, import.meta.url));

describe(`every tensor of ${FILES.length} files as gguf-py reads it`, () => {
  test.for(FILES)("$name: $tensors.length tensors, alignment $alignment", async (file) => {
    const read = await readGgufHeader(paddedSource(file.name, fixture(file.name), file.bytes));
    const rows = read.tensors.map(
      (t) => `${t.name} ${t.type.name} ${t.shape.join("x")} ${t.elements} ${t.bytes} ${t.offset}`,
    );
    expect(rows).toEqual(file.tensors);
    expect(read.alignment).toBe(file.alignment);
    expect([...read.metadata.keys()].sort()).toEqual(file.keys);
    expect(read.fileBytes).toBe(file.bytes);
    expect(read.tensorBytes).toBe(read.tensors.reduce((sum, t) => sum + t.bytes, 0));
    expect(read.littleEndian).toBe(!file.name.includes("big-endian"));
  });
});

describe("the same names, types, shapes and offsets as @huggingface/gguf", () => {
  test.for(FILES)("$name", async (file) => {
    await withFolder({ [file.name]: [fixture(file.name), file.bytes] }, async (folder) => {
      const path = join(folder, file.name);
      const theirs = await gguf(path, { allowLocalFile: true });
      const ours = await readGgufHeader(paddedSource(path, fixture(file.name), file.bytes));
      expect(
        ours.tensors.map((t) => [t.name, t.type.id, t.shape.map(BigInt), BigInt(t.offset - ours.dataOffset)]),
      ).toEqual(theirs.tensorInfos.map((t) => [t.name, t.dtype, t.shape, t.offset]));
      expect(ours.dataOffset).toBe(Number(theirs.tensorDataOffset));
      expect(ours.version).toBe(theirs.metadata.version);
      for (const [key, value] of ours.metadata) {
        const other = (theirs.metadata as Record<string, unknown>)[key];
        if (typeof value !== "object" || value === null) expect([key, numeric(other)]).toEqual([key, value]);
        else {
          expect([key, (other as unknown[]).length]).toEqual([key, value.count]);
          if (value.values !== undefined) expect((other as unknown[]).map(numeric)).toEqual(value.values);
        }
      }
    });
  });
});

/** They give a bigint for every 64-bit integer, we only beyond 2^53. */
function numeric(value: unknown): unknown {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

test("metadata: each of the 13 value types, as it was written", async () => {
  const file = vectors.files["all-value-types.gguf"];
  const { metadata, vocabularyTokens } = await readGgufHeader(
    paddedSource("all", fixture("all-value-types.gguf"), file.bytes),
  );
  expect(Object.fromEntries([...metadata].filter(([key]) => key.startsWith("test.")))).toEqual({
    "test.uint8": 7,
    "test.int8": -7,
    "test.uint16": 65_535,
    "test.int16": -3,
    "test.uint32": 2 ** 32 - 1,
    "test.int32": -5,
    "test.float32": 1.5,
    "test.uint64": 2n ** 63n,
    "test.int64": -(2n ** 62n),
    "test.float64": 2.25,
    "test.bool": true,
    "test.unicode": "völlig 漢字 😀",
    "test.strings": { elementType: "string", count: 3 },
    "test.ints": { elementType: "int32", count: 3, values: [1, -2, 3] },
    "test.floats": { elementType: "float32", count: 2, values: [0.5, 1.5] },
    "test.bools": { elementType: "bool", count: 2, values: [true, false] },
  });
  expect(vocabularyTokens).toBe(320);
});

const samples = fileURLToPath(new URL("../../../../shared/samples/gguf/", import.meta.url));
const absent = !existsSync(samples);
test.skipIf(absent)(
  `the complete files give what their headers give${absent ? " (skipped: no ../shared/samples here)" : ""}`,
  async () => {
    const names = readdirSync(samples).filter((name) => name.endsWith(".gguf"));
    expect(names.length).toBe(FILES.length);
    for (const file of FILES) {
      const read = await readGguf(join(samples, file.name));
      const own = read.tensors
        .filter((t) => t.file.endsWith(file.name))
        .map((t) => [t.name, t.bytes, t.offset]);
      const rows = file.tensors.map((row) => row.split(" "));
      expect(own).toEqual(rows.map(([name, , , , bytes, offset]) => [name, Number(bytes), Number(offset)]));
    }
  },
);
